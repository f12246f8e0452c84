//! Outgoing webhooks: endpoints, deliveries, and the way from the outbox to them.

use time::OffsetDateTime;

use super::sql::webhooks::{deliveries, endpoints, queue};
use super::{Store, StoreError, WriteTx};
use crate::db::Consistency;
use crate::model::ids::{DeliveryId, EndpointId};
use crate::model::webhook::{Attempt, Claim, Delivery, DeliveryState, Endpoint, EventType, Outcome, Queue};

/// Whether there is anything to dispatch, and for whom.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Outlook {
    /// Whether the outbox has events behind the place.
    pub waiting: bool,
    /// Whether an endpoint is enabled.
    pub endpoints: bool,
}

/// A delivery that is to be queued.
#[derive(Clone, Debug)]
pub struct NewDelivery {
    /// The identifier.
    pub id: DeliveryId,
    /// To whom.
    pub endpoint: EndpointId,
    /// Which event.
    pub event_id: String,
    /// Of which type.
    pub event_type: EventType,
    /// What is sent.
    pub payload: String,
}

/// Which deliveries to list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DeliveryFilter {
    /// To this endpoint alone.
    pub endpoint: Option<EndpointId>,
    /// In this state alone.
    pub state: Option<DeliveryState>,
    /// Of this type alone.
    pub event_type: Option<EventType>,
}

impl Store {
    /// All endpoints, the oldest first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn endpoints(&self) -> Result<Vec<Endpoint>, StoreError> {
        self.read("webhooks.endpoints", Consistency::PreferLatest, |mut c| async move { endpoints::list(&mut c).await })
            .await
    }

    /// The endpoint with this id.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn endpoint(&self, id: EndpointId) -> Result<Option<Endpoint>, StoreError> {
        self.read(
            "webhooks.endpoint",
            Consistency::PreferLatest,
            |mut c| async move { endpoints::by_id(&mut c, id).await },
        )
        .await
    }

    /// The newest deliveries, those before `before` where it is given.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn deliveries(
        &self,
        filter: DeliveryFilter,
        before: Option<DeliveryId>,
        limit: i64,
    ) -> Result<Vec<Delivery>, StoreError> {
        let DeliveryFilter { endpoint, state, event_type } = filter;
        self.read("webhooks.deliveries", Consistency::PreferLatest, |mut c| async move {
            deliveries::list(&mut c, endpoint, state, event_type, before, limit).await
        })
        .await
    }

    /// The delivery with this id, and its attempts, the newest first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn delivery(&self, id: DeliveryId) -> Result<Option<(Delivery, Vec<Attempt>)>, StoreError> {
        self.read("webhooks.delivery", Consistency::PreferLatest, |mut c| async move {
            let Some(delivery) = deliveries::by_id(&mut c, id).await? else { return Ok(None) };
            Ok(Some((delivery, deliveries::attempts(&mut c, id).await?)))
        })
        .await
    }

    /// Whether the outbox has events that have not become deliveries, and whether anybody wants some.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn webhook_outlook(&self) -> Result<Outlook, StoreError> {
        self.read("webhooks.outlook", Consistency::Latest, |mut c| async move { queue::outlook(&mut c).await }).await
    }

    /// What waits to be sent.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn webhook_queue(&self, now: OffsetDateTime) -> Result<Queue, StoreError> {
        self.read("webhooks.queue", Consistency::Latest, |mut c| async move { queue::measure(&mut c, now).await }).await
    }
}

impl WriteTx {
    /// The endpoint with this id, locked until the transaction ends.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn endpoint_for_update(&mut self, id: EndpointId) -> Result<Option<Endpoint>, StoreError> {
        Ok(endpoints::by_id_for_update(&mut self.transaction, id).await?)
    }

    /// How many endpoints there are. Until the transaction ends, nobody else adds one.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn count_endpoints(&mut self) -> Result<i64, StoreError> {
        Ok(endpoints::count_exclusively(&mut self.transaction).await?)
    }

    /// Adds an endpoint.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn insert_endpoint(&mut self, endpoint: &Endpoint) -> Result<(), StoreError> {
        Ok(endpoints::insert(&mut self.transaction, endpoint).await?)
    }

    /// Writes an endpoint as it is given, its version included.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn update_endpoint(&mut self, endpoint: &Endpoint) -> Result<(), StoreError> {
        Ok(endpoints::update(&mut self.transaction, endpoint).await?)
    }

    /// Removes an endpoint and its deliveries.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn delete_endpoint(&mut self, id: EndpointId) -> Result<(), StoreError> {
        Ok(endpoints::delete(&mut self.transaction, id).await?)
    }

    /// Notes that an endpoint took something.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn note_endpoint_success(&mut self, id: EndpointId) -> Result<(), StoreError> {
        Ok(endpoints::note_success(&mut self.transaction, id).await?)
    }

    /// The endpoints that are sent events. None of them is removed before the transaction ends.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn enabled_endpoints(&mut self) -> Result<Vec<Endpoint>, StoreError> {
        Ok(endpoints::enabled(&mut self.transaction).await?)
    }

    /// Queues deliveries, but for those of events that an endpoint has already. Says how many.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn queue_deliveries(
        &mut self,
        deliveries: &[NewDelivery],
        now: OffsetDateTime,
    ) -> Result<u64, StoreError> {
        Ok(queue::insert(&mut self.transaction, deliveries, now).await?)
    }

    /// Takes at most `limit` deliveries that are due, with those that are `in_work` no more than `per_endpoint` of each
    /// endpoint. Nobody else takes them before the lease ends.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn claim_deliveries(
        &mut self,
        limit: i64,
        per_endpoint: i64,
        in_work: &[(EndpointId, i64)],
        now: OffsetDateTime,
        lease_ends: OffsetDateTime,
    ) -> Result<Vec<Claim>, StoreError> {
        Ok(queue::claim(&mut self.transaction, limit, per_endpoint, in_work, now, lease_ends).await?)
    }

    /// Notes what became of an attempt. Says whether it was still for this process to say: its lease may have run out.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn finish_attempt(
        &mut self,
        delivery: DeliveryId,
        attempt: &Attempt,
        outcome: Outcome,
        now: OffsetDateTime,
    ) -> Result<bool, StoreError> {
        Ok(queue::finish(&mut self.transaction, delivery, attempt, outcome, now).await?)
    }

    /// Queues a delivery again, whatever became of it.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn replay_delivery(&mut self, id: DeliveryId, now: OffsetDateTime) -> Result<(), StoreError> {
        Ok(deliveries::replay(&mut self.transaction, id, now).await?)
    }

    /// Queues the failed deliveries to an endpoint again that were first queued since a time, at most `limit` of them. Says how
    /// many.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn replay_failed_deliveries(
        &mut self,
        endpoint: EndpointId,
        since: OffsetDateTime,
        now: OffsetDateTime,
        limit: i64,
    ) -> Result<u64, StoreError> {
        Ok(deliveries::replay_failed(&mut self.transaction, endpoint, since, now, limit).await?)
    }

    /// Removes some of the deliveries that were finished before a time, or have waited for a disabled endpoint since. Says how
    /// many.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn remove_old_deliveries(&mut self, before: OffsetDateTime) -> Result<u64, StoreError> {
        Ok(queue::remove_old(&mut self.transaction, before).await?)
    }
}
