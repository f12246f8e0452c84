//! Payments and refunds as JSON.

use garde::Validate;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::domain::payments::RefundDraft;
use crate::http::documents::MoneyDocument;
use crate::model::ids::{PaymentId, ProductId};
use crate::model::money::Money;
use crate::model::payment::{Failure, Payment, PaymentState, Refund, RefundState, ReturnedCopies};

/// How an order is to be paid for.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema, Validate)]
#[serde(deny_unknown_fields)]
#[schema(as = PaymentInput)]
pub struct PaymentInput {
    /// What is paid with: the token that the provider's form gave to the customer's browser.
    #[garde(length(bytes, min = 1, max = 255), pattern("^[A-Za-z0-9_-]*$"))]
    #[schema(min_length = 1, max_length = 255, pattern = "^[A-Za-z0-9_-]+$", example = "tok_success")]
    pub(super) method: String,
}

/// Why the provider did not do what was asked.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = PaymentFailure)]
pub struct FailureDocument {
    /// Its code, for programs.
    #[schema(example = "insufficient_funds")]
    code: String,
    /// Its words, for people.
    #[schema(example = "There is not enough money on the card.")]
    message: String,
}

impl From<Failure> for FailureDocument {
    fn from(failure: Failure) -> Self {
        Self { code: failure.code, message: failure.message }
    }
}

/// Where a payment stands.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = PaymentState)]
pub enum PaymentStateDocument {
    /// The provider has not told yet what became of it.
    Processing,
    /// The money is there.
    Succeeded,
    /// The customer's bank, or the provider, said no.
    Declined,
    /// It never came about.
    Failed,
}

impl From<PaymentState> for PaymentStateDocument {
    fn from(state: PaymentState) -> Self {
        match state {
            PaymentState::Processing => Self::Processing,
            PaymentState::Succeeded => Self::Succeeded,
            PaymentState::Declined => Self::Declined,
            PaymentState::Failed => Self::Failed,
        }
    }
}

/// An attempt to pay for an order.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Payment)]
pub struct PaymentDocument {
    /// The identifier.
    id: Uuid,
    /// The order.
    order_id: Uuid,
    /// Through which provider.
    #[schema(example = "test")]
    provider: String,
    /// What the provider calls it, once it has told.
    reference: Option<String>,
    /// Where it stands.
    state: PaymentStateDocument,
    /// How much.
    amount: MoneyDocument,
    /// What of it was sent back, or is on its way back.
    refunded: MoneyDocument,
    /// Whether it came when the order could not be paid for any more, so that all of it goes back.
    surplus: bool,
    /// Why it did not succeed.
    failure: Option<FailureDocument>,
    /// When it began.
    #[serde(with = "time::serde::rfc3339")]
    created_at: OffsetDateTime,
    /// When it last changed.
    #[serde(with = "time::serde::rfc3339")]
    updated_at: OffsetDateTime,
}

impl From<Payment> for PaymentDocument {
    fn from(payment: Payment) -> Self {
        let refunded = Money { amount: payment.refunded, currency: payment.amount.currency };
        Self {
            id: payment.id.0,
            order_id: payment.order.0,
            provider: payment.provider,
            reference: payment.reference,
            state: payment.state.into(),
            amount: payment.amount.into(),
            refunded: refunded.into(),
            surplus: payment.surplus,
            failure: payment.failure.map(FailureDocument::from),
            created_at: payment.created_at,
            updated_at: payment.updated_at,
        }
    }
}

/// The payments for an order.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Payments)]
pub struct PaymentsDocument {
    /// The oldest first.
    pub(super) items: Vec<PaymentDocument>,
}

/// Copies of a book that came back.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema, Validate)]
#[serde(deny_unknown_fields)]
#[schema(as = ReturnedCopies)]
pub struct ReturnedCopiesInput {
    /// The book.
    #[garde(skip)]
    product_id: Uuid,
    /// How many copies.
    #[garde(range(min = 1, max = 1_000_000))]
    #[schema(minimum = 1, maximum = 1_000_000, example = 1)]
    quantity: i32,
}

/// Money that is to be sent back.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema, Validate)]
#[serde(deny_unknown_fields)]
#[schema(as = RefundInput)]
pub struct RefundInput {
    /// How much, in minor units of the order's currency; all that is left where it is left out.
    #[serde(default)]
    #[garde(range(min = 1))]
    #[schema(minimum = 1, example = 1499)]
    amount: Option<i64>,
    /// Why.
    #[garde(length(chars, min = 1, max = 500))]
    #[schema(min_length = 1, max_length = 500, example = "The book arrived damaged.")]
    reason: String,
    /// Of which payment; the one that paid for the order where it is left out.
    #[serde(default)]
    #[garde(skip)]
    payment_id: Option<Uuid>,
    /// Whether books came back that can be sold again: those of `lines`.
    #[serde(default)]
    #[garde(skip)]
    restock: bool,
    /// Which books came back; where it is left out and all of the money goes back, all that have not come back before.
    #[serde(default)]
    #[garde(dive, length(min = 1, max = 200), custom(only_with(&self.restock)))]
    #[schema(min_items = 1, max_items = 200)]
    lines: Option<Vec<ReturnedCopiesInput>>,
}

fn only_with(restock: &bool) -> impl FnOnce(&Option<Vec<ReturnedCopiesInput>>, &()) -> garde::Result + '_ {
    move |lines, ()| {
        if lines.is_some() && !restock {
            return Err(garde::Error::new("is of use with restock alone"));
        }
        Ok(())
    }
}

impl From<RefundInput> for RefundDraft {
    fn from(input: RefundInput) -> Self {
        let copies =
            |one: ReturnedCopiesInput| ReturnedCopies { product: ProductId(one.product_id), quantity: one.quantity };
        Self {
            payment: input.payment_id.map(PaymentId),
            amount: input.amount,
            reason: input.reason,
            restock: input.restock,
            lines: input.lines.map(|lines| lines.into_iter().map(copies).collect()),
        }
    }
}

/// Where a refund stands.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = RefundState)]
pub enum RefundStateDocument {
    /// The provider has not told yet what became of it.
    Processing,
    /// The money is on its way to the customer.
    Succeeded,
    /// The provider refused it; its amount can be refunded again.
    Failed,
}

impl From<RefundState> for RefundStateDocument {
    fn from(state: RefundState) -> Self {
        match state {
            RefundState::Processing => Self::Processing,
            RefundState::Succeeded => Self::Succeeded,
            RefundState::Failed => Self::Failed,
        }
    }
}

/// Money that is sent back.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Refund)]
pub struct RefundDocument {
    /// The identifier.
    id: Uuid,
    /// The order.
    order_id: Uuid,
    /// The payment that it is of.
    payment_id: Uuid,
    /// What the provider calls it, once it has told.
    reference: Option<String>,
    /// Where it stands.
    state: RefundStateDocument,
    /// How much.
    amount: MoneyDocument,
    /// Why.
    reason: String,
    /// Why it failed.
    failure: Option<FailureDocument>,
    /// When it began.
    #[serde(with = "time::serde::rfc3339")]
    created_at: OffsetDateTime,
    /// When it last changed.
    #[serde(with = "time::serde::rfc3339")]
    updated_at: OffsetDateTime,
}

impl From<Refund> for RefundDocument {
    fn from(refund: Refund) -> Self {
        Self {
            id: refund.id.0,
            order_id: refund.order.0,
            payment_id: refund.payment.0,
            reference: refund.reference,
            state: refund.state.into(),
            amount: refund.amount.into(),
            reason: refund.reason,
            failure: refund.failure.map(FailureDocument::from),
            created_at: refund.created_at,
            updated_at: refund.updated_at,
        }
    }
}

/// The refunds of an order.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Refunds)]
pub struct RefundsDocument {
    /// The oldest first.
    pub(super) items: Vec<RefundDocument>,
}
