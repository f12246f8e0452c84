//! Paying for an order, on its owner's request.

use std::time::Duration;

use time::OffsetDateTime;
use tokio::time::timeout;

use super::provider::{Charge, ChargeAnswer, ProviderError};
use super::{Answered, PaymentError, Payments};
use crate::domain::orders::{OrderError, Sees};
use crate::model::cart::Buyer;
use crate::model::events::{DomainEvent, Events};
use crate::model::idempotency::{Claimed, KeptAnswer, KeyedRequest};
use crate::model::ids::{OrderId, PaymentId, UserId};
use crate::model::order::{OrderMove, OrderState};
use crate::model::payment::{Payment, PaymentOutcome, PaymentState};
use crate::store::StoreError;
use crate::store::payments::{NewPayment, PaidOrder};

/// The constraint that keeps a second payment from being begun.
const ONE_PROCESSING: &str = "payments_one_processing";

/// How much longer than the provider may take a process is given to record what it said.
const GRACE: Duration = Duration::from_secs(2);

impl Payments {
    /// Pays for an order with what `method` names. A request that was done before is answered as it was then; one whose
    /// process died is taken up where it was left.
    ///
    /// # Errors
    /// [`PaymentError`]; then nothing was paid.
    pub async fn pay(
        &self,
        buyer: &Buyer,
        order: OrderId,
        method: &str,
        request: &KeyedRequest,
    ) -> Result<Answered, PaymentError> {
        let begun = self.retrying(|| self.begin(buyer, order, method, request)).await?;
        match begun {
            Some((payment, number)) => self.charge(&payment, number, buyer.user(), request).await,
            None => self.resume_or_refuse(buyer, order, request).await,
        }
    }

    async fn begin(
        &self,
        buyer: &Buyer,
        order: OrderId,
        method: &str,
        request: &KeyedRequest,
    ) -> Result<Option<(Payment, i64)>, PaymentError> {
        let now = self.clock.now();
        let new = NewPayment {
            id: PaymentId::generate(),
            order,
            buyer,
            provider: self.provider.name(),
            method,
            request,
            now,
            check_at: now + self.rules.recheck_after,
            key_expires_at: now + self.rules.keys_live,
        };
        match self.store.begin_payment(&new).await {
            Err(error) if error.constraint() == Some(ONE_PROCESSING) => Ok(None),
            begun => Ok(begun?),
        }
    }

    /// Asks the provider, and records what it says.
    async fn charge(
        &self,
        payment: &Payment,
        number: i64,
        user: Option<UserId>,
        request: &KeyedRequest,
    ) -> Result<Answered, PaymentError> {
        let charge = Charge {
            payment: payment.id,
            amount: payment.amount,
            method: payment.method.clone(),
            order_number: number,
        };
        let asked = timeout(self.rules.timeout, self.provider.charge(&charge)).await;
        let answer = match asked.unwrap_or(Err(ProviderError::Timeout)) {
            Ok(ChargeAnswer::Settled(outcome)) => {
                if matches!(outcome, PaymentOutcome::Succeeded { .. })
                    && let Some(answer) = self.record(payment, &outcome, user, request).await?
                {
                    answer
                } else {
                    self.conclude(payment.id, payment.order, Some(outcome), Some(request)).await?
                }
            }
            Ok(ChargeAnswer::Processing { .. }) => {
                self.conclude(payment.id, payment.order, None, Some(request)).await?
            }
            Err(error) => {
                tracing::warn!(payment = %payment.id, %error, "it is not known yet what became of a payment");
                self.conclude(payment.id, payment.order, None, Some(request)).await?
            }
        };
        Ok(Answered { answer, replayed: false })
    }

    /// Records a success in one statement, where nothing came in between and no review hangs on it.
    async fn record(
        &self,
        payment: &Payment,
        outcome: &PaymentOutcome,
        user: Option<UserId>,
        request: &KeyedRequest,
    ) -> Result<Option<KeptAnswer>, PaymentError> {
        let from = OrderState::Pending;
        let to = from.after(OrderMove::Pay).map_err(OrderError::from)?;
        let paid = payment.clone().after(outcome.clone(), self.clock.now());
        let answer = self.answer(&paid)?;
        let order = payment.order;
        let events = Events::from(DomainEvent::PaymentChanged { payment: payment.id, order, user })
            .and(DomainEvent::OrderMoved { order, user, from, to });
        let record = PaidOrder { payment: &paid, from, to, request, answer: (answer.status, &answer.body) };
        let recorded = self.retrying(async || Ok(self.store.record_payment(&record, events.clone()).await?)).await?;
        Ok(recorded.then_some(answer))
    }

    /// Nothing was begun: the request was made before, or the order cannot be paid for.
    async fn resume_or_refuse(
        &self,
        buyer: &Buyer,
        order: OrderId,
        request: &KeyedRequest,
    ) -> Result<Answered, PaymentError> {
        let now = self.clock.now();
        match self.store.key_of(request, now).await? {
            Claimed::Kept(answer) => Ok(Answered { answer, replayed: true }),
            Claimed::Different => Err(PaymentError::KeyReused),
            Claimed::Running(id) => self.resume(buyer, PaymentId(id), request, now).await,
            Claimed::New => Err(self.why_not(buyer, order, now).await?),
        }
    }

    /// Takes up a request whose process has not answered it: asks what became of the charge, and charges where it never came
    /// to that. The provider knows the charge by the payment's id, so nothing is taken twice.
    async fn resume(
        &self,
        buyer: &Buyer,
        id: PaymentId,
        request: &KeyedRequest,
        now: OffsetDateTime,
    ) -> Result<Answered, PaymentError> {
        let payment = self.store.payment(id).await?.ok_or(PaymentError::KeyRunning)?;
        let conclude = async |outcome| {
            let answer = self.conclude(payment.id, payment.order, outcome, Some(request)).await?;
            Ok(Answered { answer, replayed: false })
        };
        if payment.state != PaymentState::Processing {
            return conclude(None).await;
        }
        if now - payment.created_at < self.rules.timeout + GRACE {
            // Whoever began it may still be waiting for the provider.
            return Err(PaymentError::KeyRunning);
        }
        match self.ask(&payment).await {
            Ok(Some(ChargeAnswer::Settled(outcome))) => conclude(Some(outcome)).await,
            Ok(Some(ChargeAnswer::Processing { .. })) | Err(_) => conclude(None).await,
            Ok(None) => {
                let order = self.store.order(payment.order).await?.ok_or(PaymentError::NotFound)?;
                self.charge(&payment, order.number, buyer.user(), request).await
            }
        }
    }

    /// What the provider says became of a payment.
    pub(super) async fn ask(&self, payment: &Payment) -> Result<Option<ChargeAnswer>, ProviderError> {
        let asked = timeout(self.rules.timeout, self.provider.lookup(payment.id, &payment.method)).await;
        asked.unwrap_or(Err(ProviderError::Timeout))
    }

    async fn why_not(&self, buyer: &Buyer, order: OrderId, now: OffsetDateTime) -> Result<PaymentError, StoreError> {
        let found = self.store.order(order).await?.filter(|order| Sees::Own(*buyer).includes(order));
        Ok(match found {
            None => PaymentError::NotFound,
            Some(order) => match order.state.after(OrderMove::Pay) {
                Err(refusal) => OrderError::from(refusal).into(),
                Ok(_) if order.total == 0 => PaymentError::NothingToPay,
                Ok(_) if order.expires_at <= now => PaymentError::TooLate,
                Ok(_) => PaymentError::Busy,
            },
        })
    }
}
