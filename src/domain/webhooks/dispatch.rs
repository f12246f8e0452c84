//! From the outbox to deliveries.
//!
//! The numbers of rows and of transactions are taken before they commit, so "everything after the last one I saw" would lose
//! what commits late. What is safe: all transactions before the oldest one that still runs have ended, and no other will ever
//! be among them. So the place that is kept is the number of a transaction, and moves no further than that one. Locking it
//! lets every process try, and one at a time do it; deliveries and place are one transaction, so nothing is lost or doubled
//! however the process ends.

use std::convert::Infallible;
use std::time::Duration;

use serde::Serialize;
use serde_json::Value;
use time::OffsetDateTime;

use super::{WebhookError, Webhooks};
use crate::model::ids::DeliveryId;
use crate::model::webhook::{Endpoint, EventType, webhook_data, webhook_type};
use crate::store::projections::{OutboxEvent, Reader};
use crate::store::webhooks::{NewDelivery, Outlook};
use crate::telemetry::webhooks as telemetry;

/// Pause after something has happened, so that what happens with it goes in one go.
const GATHER: Duration = Duration::from_millis(10);

/// First pause before a look for what transactions hold back that still run; then twice as long each time.
const BEHIND: Duration = Duration::from_millis(20);

#[derive(Serialize)]
struct Envelope {
    r#type: EventType,
    #[serde(with = "time::serde::rfc3339")]
    timestamp: OffsetDateTime,
    data: Value,
}

/// What is sent.
pub(super) fn payload(
    event_type: EventType,
    timestamp: OffsetDateTime,
    data: Value,
) -> Result<String, serde_json::Error> {
    serde_json::to_string(&Envelope { r#type: event_type, timestamp, data })
}

/// How a look at the outbox went.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Dispatched {
    /// Whether there is anybody to tell.
    endpoints: bool,
    /// Whether more can be read at once.
    more: bool,
    /// Whether more can be read soon.
    more_behind: bool,
}

impl Webhooks {
    /// Makes deliveries of what happens, until dropped.
    pub async fn run_dispatcher(&self) -> Infallible {
        let mut bell = self.store.bell();
        let mut last = Dispatched::default();
        let mut behind = BEHIND;
        loop {
            if last.more {
                tokio::task::yield_now().await;
            } else if last.more_behind {
                tokio::time::sleep(behind.min(self.settings.poll_interval)).await;
                behind = behind.saturating_mul(2);
            } else {
                behind = BEHIND;
                tokio::select! {
                    () = tokio::time::sleep(self.settings.poll_interval) => {}
                    // With nobody to tell, every write of the shop would cost one more for nothing.
                    () = bell.rung(), if last.endpoints => tokio::time::sleep(GATHER).await,
                }
            }
            last = match self.dispatch().await {
                Ok(dispatched) => dispatched,
                Err(error) => {
                    tracing::info!(%error, "events wait to become deliveries");
                    Dispatched { more: false, more_behind: false, ..last }
                }
            };
        }
    }

    async fn dispatch(&self) -> Result<Dispatched, WebhookError> {
        // A look costs no transaction number; locking the place does.
        let Outlook { waiting, endpoints } = self.store.webhook_outlook().await?;
        if !waiting {
            return Ok(Dispatched { endpoints, ..Dispatched::default() });
        }
        let mut tx = self.store.begin("webhooks.dispatch").await?;
        let Some(page) = tx.next_events(Reader::Webhooks).await? else {
            // Another process is at it, and goes on until there is nothing left.
            tx.rollback().await?;
            return Ok(Dispatched { endpoints, ..Dispatched::default() });
        };
        let endpoints = tx.enabled_endpoints().await?;
        let (events, next) = if endpoints.is_empty() { (&[][..], page.next.as_str()) } else { page.readable() };
        let mut deliveries = Vec::new();
        for row in events {
            deliveries.extend(deliveries_of(row, &endpoints)?);
        }
        let queued = if deliveries.is_empty() { 0 } else { tx.queue_deliveries(&deliveries, self.clock.now()).await? };
        tx.move_place(Reader::Webhooks, next).await?;
        tx.commit_bookkeeping().await?;
        if let Some(oldest) = events.first() {
            telemetry::record_dispatch(queued, oldest.age);
        }
        if queued > 0 {
            self.queued.notify_one();
        }
        let stuck = next != page.next;
        Ok(Dispatched {
            endpoints: !endpoints.is_empty(),
            more: page.more && !stuck,
            more_behind: page.more_behind || stuck,
        })
    }
}

fn deliveries_of(row: &OutboxEvent, endpoints: &[Endpoint]) -> Result<Vec<NewDelivery>, WebhookError> {
    let Some(event) = &row.event else {
        tracing::error!(id = row.id, "nobody could read an event, and no endpoint is told of it");
        return Ok(Vec::new());
    };
    let Some(event_type) = webhook_type(event) else { return Ok(Vec::new()) };
    let payload = payload(event_type, row.occurred_at, webhook_data(event))?;
    let wanted = endpoints.iter().filter(|endpoint| endpoint.wants(event_type));
    let delivery = |endpoint: &Endpoint| NewDelivery {
        id: DeliveryId::generate(),
        endpoint: endpoint.id,
        event_id: format!("evt_{}", row.id),
        event_type,
        payload: payload.clone(),
    };
    Ok(wanted.map(delivery).collect())
}
