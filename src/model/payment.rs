//! Payments for orders, refunds, and where each of them stands.

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use super::ids::{OrderId, PaymentId, ProductId, RefundId, UserId};
use super::money::Money;
use super::product::names;

names!(
    /// Where a payment stands.
    PaymentState {
        /// The provider has not told yet what became of it.
        Processing = "processing",
        /// The money is there.
        Succeeded = "succeeded",
        /// The customer's bank, or the provider, said no.
        Declined = "declined",
        /// It never came about.
        Failed = "failed",
    }
);

names!(
    /// Where a refund stands.
    RefundState {
        /// The provider has not told yet what became of it.
        Processing = "processing",
        /// The money is on its way to the customer.
        Succeeded = "succeeded",
        /// The provider refused it; its amount can be refunded again.
        Failed = "failed",
    }
);

/// Why the provider did not do what was asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// Its code for programs, such as `insufficient_funds`.
    pub code: String,
    /// Its words for people.
    pub message: String,
}

/// What is known of the outcome of a payment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PaymentOutcome {
    /// The money is there.
    Succeeded {
        /// What the provider calls it.
        reference: String,
    },
    /// The provider said no.
    Declined {
        /// What the provider calls the attempt.
        reference: Option<String>,
        /// Why.
        failure: Failure,
    },
    /// The provider knows nothing of it.
    Failed {
        /// What is told to the customer.
        failure: Failure,
    },
}

/// What is known of the outcome of a refund.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RefundOutcome {
    /// The money is on its way to the customer.
    Succeeded {
        /// What the provider calls it.
        reference: String,
    },
    /// The provider refused.
    Failed {
        /// Why.
        failure: Failure,
    },
}

/// An attempt to pay for an order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Payment {
    /// The identifier, and the key by which the provider knows a repeated request.
    pub id: PaymentId,
    /// For which order.
    pub order: OrderId,
    /// Through which provider.
    pub provider: String,
    /// What the customer pays with, as the provider names it.
    pub method: String,
    /// What the provider calls it.
    pub reference: Option<String>,
    /// Where it stands.
    pub state: PaymentState,
    /// How much.
    pub amount: Money,
    /// What of it was sent back or is about to be, in minor units.
    pub refunded: i64,
    /// Whether it came when the order could not take it any more, so that all of it goes back.
    pub surplus: bool,
    /// Why it did not succeed.
    pub failure: Option<Failure>,
    /// When it began.
    pub created_at: OffsetDateTime,
    /// When it last changed.
    pub updated_at: OffsetDateTime,
}

impl Payment {
    /// What of it can still be sent back, in minor units.
    #[must_use]
    pub fn refundable(&self) -> i64 {
        if self.state == PaymentState::Succeeded { self.amount.amount - self.refunded } else { 0 }
    }

    /// Itself after this outcome at `now`.
    #[must_use]
    pub fn after(self, outcome: PaymentOutcome, now: OffsetDateTime) -> Self {
        let (state, reference, failure) = match outcome {
            PaymentOutcome::Succeeded { reference } => (PaymentState::Succeeded, Some(reference), None),
            PaymentOutcome::Declined { reference, failure } => (PaymentState::Declined, reference, Some(failure)),
            PaymentOutcome::Failed { failure } => (PaymentState::Failed, None, Some(failure)),
        };
        Self { state, reference: reference.or(self.reference), failure, updated_at: now, ..self }
    }
}

/// Money that is sent back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refund {
    /// The identifier, and the key by which the provider knows a repeated request.
    pub id: RefundId,
    /// Of which payment.
    pub payment: PaymentId,
    /// For which order.
    pub order: OrderId,
    /// What the provider calls it.
    pub reference: Option<String>,
    /// Where it stands.
    pub state: RefundState,
    /// How much.
    pub amount: Money,
    /// Why, in the words of whoever began it.
    pub reason: String,
    /// Who began it; absent where the shop did.
    pub actor: Option<UserId>,
    /// Why it failed.
    pub failure: Option<Failure>,
    /// When it began.
    pub created_at: OffsetDateTime,
    /// When it last changed.
    pub updated_at: OffsetDateTime,
}

/// Copies of a book that a customer sent back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReturnedCopies {
    /// Of which book.
    pub product: ProductId,
    /// How many.
    pub quantity: i32,
}
