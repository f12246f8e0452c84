//! Outgoing webhooks: other systems are told what happens in the shop, at least once.
//!
//! 1. [`dispatch`]: what the outbox says becomes deliveries, one for each endpoint that wants to hear of it.
//! 2. [`deliver`]: each process takes deliveries that are due and sends them, signed ([`signature`]); what fails waits
//!    ([`schedule`]), and an endpoint that fails for too long is disabled.
//! 3. [`sender`]: the request itself, which goes nowhere but to public addresses ([`target`], [`address`]).
//!
//! Nothing is promised about the order: a receiver that wants the newest state reads it by the API, and recognises by
//! `webhook-id` what it had before.

mod address;
mod deliver;
mod deliveries;
mod dispatch;
mod endpoints;
mod schedule;
pub mod sender;
pub mod signature;
pub mod target;

use std::future::Future;
use std::sync::Arc;

use serde_json::Value;
use tokio::sync::Notify;

pub use crate::store::webhooks::DeliveryFilter;
pub use endpoints::{EndpointChange, EndpointDraft};

use super::violation::Violation;
use crate::config;
use crate::model::audit::{Actor, AuditRecord};
use crate::model::clock::Clock;
use crate::model::ids::{AuditId, EndpointId};
use crate::store::{Store, StoreError, WriteTx};
use sender::Sender;

/// Why a request about webhooks was refused.
#[derive(Debug, thiserror::Error)]
pub enum WebhookError {
    /// There is no such endpoint.
    #[error("there is no such endpoint")]
    NoEndpoint,
    /// There is no such delivery.
    #[error("there is no such delivery")]
    NoDelivery,
    /// Rules are broken.
    #[error("{} fields are not right", .0.len())]
    Invalid(Vec<Violation>),
    /// There are as many endpoints as there may be.
    #[error("there are {limit} endpoints, and no more may be added")]
    TooMany {
        /// How many that is.
        limit: u32,
    },
    /// The endpoint is disabled, so that nothing would be sent.
    #[error("the endpoint is disabled")]
    Disabled,
    /// The endpoint has changed since the asker read it.
    #[error("the endpoint is at version {current} by now")]
    Changed {
        /// Its version now.
        current: i64,
    },
    /// The operating system has no random numbers.
    #[error("no secret could be made: {0}")]
    Random(#[from] rand::rngs::SysError),
    /// An event could not be written down, which is a mistake in the code.
    #[error("an event could not be written: {0}")]
    Payload(#[from] serde_json::Error),
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The service for outgoing webhooks.
pub struct Webhooks {
    store: Store,
    clock: Arc<dyn Clock>,
    settings: config::Webhooks,
    sender: Sender,
    /// Rings when something has been queued here.
    queued: Notify,
}

impl Webhooks {
    /// The service over this store.
    #[must_use]
    pub fn new(store: Store, clock: Arc<dyn Clock>, settings: config::Webhooks, sender: Sender) -> Self {
        Self { store, clock, settings, sender, queued: Notify::new() }
    }

    async fn record(
        &self,
        tx: &mut WriteTx,
        actor: &Actor,
        action: &str,
        id: EndpointId,
        details: Value,
    ) -> Result<(), StoreError> {
        tx.record_audit(&AuditRecord {
            id: AuditId::generate(),
            occurred_at: self.clock.now(),
            actor: actor.clone(),
            action: action.to_owned(),
            resource: "webhook_endpoint".to_owned(),
            resource_id: Some(id.to_string()),
            details,
        })
        .await
    }

    async fn retrying<T, Fut>(&self, work: impl Fn() -> Fut) -> Result<T, WebhookError>
    where
        Fut: Future<Output = Result<T, WebhookError>>,
    {
        self.store.retrying(|error| matches!(error, WebhookError::Store(error) if error.is_collision()), work).await
    }
}
