//! What the shop needs of a payment provider.
//!
//! A provider may take long, or never answer: nothing here is called while a connection to the database is held. Every
//! request to it carries an id of the shop's, by which the provider knows it when it is sent again: whoever is not sure what
//! became of one may repeat it.

use futures::FutureExt as _;
use futures::future::BoxFuture;
use time::OffsetDateTime;

use crate::model::ids::{PaymentId, RefundId};
use crate::model::money::Money;
use crate::model::payment::{Failure, PaymentOutcome, RefundOutcome};

/// Money that is to be taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Charge {
    /// For which payment: the key by which the provider knows a repeated request.
    pub payment: PaymentId,
    /// How much.
    pub amount: Money,
    /// With what, as the provider names it.
    pub method: String,
    /// The number of the order, for the customer's statement.
    pub order_number: i64,
}

/// Money that is to be sent back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefundOrder {
    /// By which refund: the key by which the provider knows a repeated request.
    pub refund: RefundId,
    /// Of which payment.
    pub payment: PaymentId,
    /// What the provider calls that.
    pub reference: Option<String>,
    /// With what it was paid.
    pub method: String,
    /// How much.
    pub amount: Money,
}

/// What a provider says of a payment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ChargeAnswer {
    /// It is over.
    Settled(PaymentOutcome),
    /// It takes longer; an event will tell.
    Processing {
        /// What the provider calls it.
        reference: String,
    },
}

/// What a provider says of a refund.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RefundAnswer {
    /// It is over.
    Settled(RefundOutcome),
    /// It takes longer; an event will tell.
    Processing,
}

/// Why a provider did not answer. Whether it did what was asked is unknown.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProviderError {
    /// It took too long.
    #[error("the payment provider did not answer in time")]
    Timeout,
    /// It cannot be reached, or says that it cannot do anything now.
    #[error("the payment provider cannot be reached: {0}")]
    Unavailable(String),
}

/// Something that a provider tells of its own accord.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProviderEvent {
    /// Its name: told twice, it is the same one.
    pub id: String,
    /// What happened.
    pub news: ProviderNews,
}

/// What happened at a provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ProviderNews {
    /// A payment is over.
    Payment(PaymentId, PaymentOutcome),
    /// A refund is over.
    Refund(RefundId, RefundOutcome),
    /// Something that is of no interest here.
    Other,
}

/// Why what claims to be an event is none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EventError {
    /// Nothing can be verified without the secret.
    #[error("there is no secret by which events could be verified: payments.webhook_secret is not set")]
    NoSecret,
    /// The signature's text cannot be read.
    #[error("the signature is malformed")]
    Malformed,
    /// It was signed too long ago, or in the future.
    #[error("the signature's time is not within the tolerance")]
    Time,
    /// No signature is right.
    #[error("the signature is wrong")]
    Signature,
    /// It is signed rightly, and yet it is no event.
    #[error("the body is no event: {0}")]
    Body(String),
}

/// An event on its way to the shop.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedEvent {
    /// The value of the header.
    pub signature: String,
    /// The body.
    pub body: Vec<u8>,
}

/// Takes money, and sends it back.
pub trait PaymentProvider: Send + Sync {
    /// Its name, as it stands in the database and in the address of its events.
    fn name(&self) -> &'static str;

    /// Takes money. The same charge again is answered as before, and takes nothing more.
    ///
    /// # Errors
    /// [`ProviderError`]; then only [`PaymentProvider::lookup`] knows what became of it.
    fn charge<'a>(&'a self, charge: &'a Charge) -> BoxFuture<'a, Result<ChargeAnswer, ProviderError>>;

    /// Tells what became of a charge; nothing where it was never asked for.
    ///
    /// # Errors
    /// [`ProviderError`].
    fn lookup<'a>(
        &'a self,
        payment: PaymentId,
        method: &'a str,
    ) -> BoxFuture<'a, Result<Option<ChargeAnswer>, ProviderError>>;

    /// Sends money back. The same refund again is answered as before, and sends nothing more.
    ///
    /// # Errors
    /// [`ProviderError`]; then it is to be sent again.
    fn refund<'a>(&'a self, refund: &'a RefundOrder) -> BoxFuture<'a, Result<RefundAnswer, ProviderError>>;

    /// Reads an event that somebody sent who claims to be the provider.
    ///
    /// # Errors
    /// [`EventError`] where it is not from there, or not of now.
    fn verify_event(&self, signature: &str, body: &[u8], now: OffsetDateTime) -> Result<ProviderEvent, EventError>;

    /// The next event of a provider that lives in this process. One that does not sends its own over the network.
    fn next_event(&self) -> BoxFuture<'_, SignedEvent> {
        std::future::pending().boxed()
    }
}

/// A failure in the shop's own words.
pub(super) fn failure(code: &str, message: &str) -> Failure {
    Failure { code: code.to_owned(), message: message.to_owned() }
}
