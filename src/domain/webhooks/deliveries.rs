//! Deliveries: looking at them, trying endpoints, sending again.

use serde_json::json;
use time::OffsetDateTime;

use super::dispatch::payload;
use super::{DeliveryFilter, WebhookError, Webhooks};
use crate::model::audit::Actor;
use crate::model::ids::{DeliveryId, EndpointId};
use crate::model::webhook::{Attempt, Delivery, Endpoint, EventType};
use crate::store::WriteTx;
use crate::store::webhooks::NewDelivery;

/// Most deliveries that one request queues again.
const MAX_REPLAY: i64 = 10_000;

impl Webhooks {
    /// The newest deliveries, those before `before` where it is given.
    ///
    /// # Errors
    /// The database's.
    pub async fn deliveries(
        &self,
        filter: DeliveryFilter,
        before: Option<DeliveryId>,
        limit: u16,
    ) -> Result<Vec<Delivery>, WebhookError> {
        Ok(self.store.deliveries(filter, before, i64::from(limit)).await?)
    }

    /// The delivery with this id, and its attempts, the newest first.
    ///
    /// # Errors
    /// [`WebhookError::NoDelivery`], or the database's.
    pub async fn delivery(&self, id: DeliveryId) -> Result<(Delivery, Vec<Attempt>), WebhookError> {
        self.store.delivery(id).await?.ok_or(WebhookError::NoDelivery)
    }

    /// Sends an endpoint an event of no meaning, to see whether it works.
    ///
    /// # Errors
    /// [`WebhookError::NoEndpoint`], [`WebhookError::Disabled`], or the database's.
    pub async fn test(&self, actor: &Actor, id: EndpointId) -> Result<Delivery, WebhookError> {
        let (now, delivery) = (self.clock.now(), DeliveryId::generate());
        let new = NewDelivery {
            id: delivery,
            endpoint: id,
            event_id: format!("evt_test_{delivery}"),
            event_type: EventType::Test,
            payload: payload(EventType::Test, now, json!({ "endpoint_id": id }))?,
        };
        let new = std::slice::from_ref(&new);
        self.retrying(|| async {
            let mut tx = self.store.begin("webhooks.test").await?;
            enabled(&mut tx, id).await?;
            tx.queue_deliveries(new, now).await?;
            self.record(&mut tx, actor, "webhook_endpoint.test", id, json!({ "delivery": delivery })).await?;
            tx.commit_bookkeeping().await?;
            Ok(())
        })
        .await?;
        self.queued.notify_one();
        Ok(self.delivery(delivery).await?.0)
    }

    /// Sends a delivery again, whatever became of it.
    ///
    /// # Errors
    /// [`WebhookError::NoDelivery`], [`WebhookError::Disabled`] where its endpoint is, or the database's.
    pub async fn replay(&self, actor: &Actor, id: DeliveryId) -> Result<Delivery, WebhookError> {
        let endpoint = self.delivery(id).await?.0.endpoint;
        self.retrying(|| async {
            let mut tx = self.store.begin("webhooks.replay").await?;
            enabled(&mut tx, endpoint).await?;
            tx.replay_delivery(id, self.clock.now()).await?;
            self.record(&mut tx, actor, "webhook_endpoint.replay", endpoint, json!({ "delivery": id })).await?;
            tx.commit_bookkeeping().await?;
            Ok(())
        })
        .await?;
        self.queued.notify_one();
        Ok(self.delivery(id).await?.0)
    }

    /// Sends the failed deliveries to an endpoint again that were first queued since a time, the oldest first and at most 10,000.
    /// Says how many.
    ///
    /// # Errors
    /// [`WebhookError::NoEndpoint`], [`WebhookError::Disabled`], or the database's.
    pub async fn replay_failed(
        &self,
        actor: &Actor,
        id: EndpointId,
        since: OffsetDateTime,
    ) -> Result<u64, WebhookError> {
        let queued = self
            .retrying(|| async {
                let mut tx = self.store.begin("webhooks.replay_failed").await?;
                enabled(&mut tx, id).await?;
                let queued = tx.replay_failed_deliveries(id, since, self.clock.now(), MAX_REPLAY).await?;
                let details = json!({ "since": since.unix_timestamp(), "queued": queued });
                self.record(&mut tx, actor, "webhook_endpoint.replay", id, details).await?;
                tx.commit_bookkeeping().await?;
                Ok(queued)
            })
            .await?;
        self.queued.notify_one();
        Ok(queued)
    }
}

/// The endpoint, locked, where events are sent to it.
async fn enabled(tx: &mut WriteTx, id: EndpointId) -> Result<Endpoint, WebhookError> {
    let endpoint = tx.endpoint_for_update(id).await?.ok_or(WebhookError::NoEndpoint)?;
    if endpoint.disabled.is_some() { Err(WebhookError::Disabled) } else { Ok(endpoint) }
}
