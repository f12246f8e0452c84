//! From deliveries to endpoints.
//!
//! A process takes what is due with a lease: a short transaction before the attempt and one after it, and none while the
//! endpoint is waited for. What a process had taken that died is due again when its lease ends. Whoever ends an attempt says
//! its number, so that a process that was away for longer than its lease changes nothing.

use std::collections::HashMap;
use std::convert::Infallible;
use std::time::{Duration, Instant};

use futures::future::{BoxFuture, FutureExt as _};
use futures::stream::{FuturesUnordered, StreamExt as _};

use super::schedule::{retry_after, wait};
use super::sender::{Message, Reply, SendError};
use super::{WebhookError, Webhooks, signature};
use crate::model::events::DomainEvent;
use crate::model::ids::EndpointId;
use crate::model::webhook::{Attempt, Claim, DisabledReason, Endpoint, Outcome};
use crate::telemetry::webhooks as telemetry;

/// For how long the attempts that are under way at the end of the process may go on.
const LAST_PATIENCE: Duration = Duration::from_secs(4);

/// Time for the transactions around an attempt, as part of the lease.
const LEASE_MARGIN: Duration = Duration::from_secs(5);

/// How often the queue is measured, and how many times so until old deliveries are removed.
const UPKEEP_INTERVAL: Duration = Duration::from_secs(15);
const REMOVE_EVERY: u32 = 20;

/// The status by which an endpoint says that it is gone for good.
const GONE: u16 = 410;

/// Something that the sender waited for.
enum Done {
    Claimed(Result<Vec<Claim>, WebhookError>),
    Sent(EndpointId),
}

impl Webhooks {
    /// Sends what is due, until `stop`, and then for a few seconds what it has begun.
    pub async fn run_sender(&self, stop: impl Future<Output = ()>) {
        let mut stop = std::pin::pin!(stop);
        let mut work: FuturesUnordered<BoxFuture<'_, Done>> = FuturesUnordered::new();
        let mut in_work: HashMap<EndpointId, i64> = HashMap::new();
        let (mut look, mut looking) = (false, false);
        loop {
            let room = i64::from(self.settings.concurrency) - in_work.values().sum::<i64>();
            if look && !looking && room > 0 {
                let in_work = in_work.iter().map(|(endpoint, count)| (*endpoint, *count)).collect();
                work.push(self.claim(room, in_work).map(Done::Claimed).boxed());
                (look, looking) = (false, true);
            }
            tokio::select! {
                () = &mut stop => break,
                () = self.queued.notified() => look = true,
                () = tokio::time::sleep(self.settings.poll_interval) => look = true,
                Some(done) = work.next() => match done {
                    Done::Claimed(claims) => {
                        looking = false;
                        let claims = claims.unwrap_or_else(|error| {
                            tracing::info!(%error, "deliveries wait to be sent");
                            Vec::new()
                        });
                        // There may be more of endpoints that have room.
                        look |= !claims.is_empty();
                        for claim in claims {
                            *in_work.entry(claim.endpoint).or_default() += 1;
                            work.push(self.attempt(claim).map(Done::Sent).boxed());
                        }
                    }
                    Done::Sent(endpoint) => {
                        look = true;
                        let count = in_work.entry(endpoint).or_default();
                        *count -= 1;
                        if *count <= 0 {
                            in_work.remove(&endpoint);
                        }
                    }
                },
            }
        }
        // What is not done by then, another process does when the leases end.
        let _ = tokio::time::timeout(LAST_PATIENCE, async { while work.next().await.is_some() {} }).await;
    }

    /// Measures the queue and removes what is old, until dropped.
    pub async fn run_upkeep(&self) -> Infallible {
        let mut round = 0_u32;
        loop {
            tokio::time::sleep(UPKEEP_INTERVAL).await;
            match self.store.webhook_queue(self.clock.now()).await {
                Ok(queue) => telemetry::set_queue(queue.depth, queue.oldest_due),
                Err(error) => tracing::debug!(%error, "the queue of deliveries could not be measured"),
            }
            round = round.wrapping_add(1);
            if round.is_multiple_of(REMOVE_EVERY) {
                match self.remove_old().await {
                    Ok(removed) => tracing::debug!(removed, "removed old deliveries"),
                    Err(error) => tracing::info!(%error, "old deliveries could not be removed"),
                }
            }
        }
    }

    /// Removes deliveries that were finished longer ago than they are kept. Says how many.
    ///
    /// # Errors
    /// The database's.
    pub async fn remove_old(&self) -> Result<u64, WebhookError> {
        let mut tx = self.store.begin("webhooks.remove_old").await?;
        let removed = tx.remove_old_deliveries(self.clock.now() - self.settings.retention).await?;
        tx.commit_bookkeeping().await?;
        Ok(removed)
    }

    async fn claim(&self, room: i64, in_work: Vec<(EndpointId, i64)>) -> Result<Vec<Claim>, WebhookError> {
        let now = self.clock.now();
        let lease_ends = now + self.settings.timeout * 2 + LEASE_MARGIN;
        let per_endpoint = i64::from(self.settings.concurrency_per_endpoint);
        let mut tx = self.store.begin("webhooks.claim").await?;
        let claims = tx.claim_deliveries(room, per_endpoint, &in_work, now, lease_ends).await?;
        tx.commit_bookkeeping().await?;
        Ok(claims)
    }

    /// Tries a delivery once, and notes what became of it.
    async fn attempt(&self, claim: Claim) -> EndpointId {
        let (started_at, begun) = (self.clock.now(), Instant::now());
        let timestamp = started_at.unix_timestamp();
        let message = Message {
            id: claim.event_id.clone(),
            timestamp,
            signature: signature::sign(&claim.secrets, &claim.event_id, timestamp, &claim.payload),
            body: claim.payload.clone(),
        };
        let answer = self.sender.send(&claim.url, &message).await;
        let duration = begun.elapsed();
        telemetry::record_attempt(outcome_name(&answer), duration);
        let attempt = Attempt {
            number: claim.number,
            started_at,
            duration,
            status: answer.as_ref().ok().map(|reply| reply.status),
            error: failure(&answer),
            response: answer.as_ref().ok().map(|reply| reply.body.clone()).filter(|body| !body.is_empty()),
        };
        let asked_for = answer.ok().and_then(|reply| retry_after(&reply.retry_after?, self.clock.now()));
        let noted = self.retrying(|| self.note(&claim, &attempt, asked_for)).await;
        if let Err(error) = noted {
            // It is tried again when its lease ends: rather twice than never.
            tracing::info!(%error, delivery = %claim.delivery, "what became of a delivery could not be noted");
        }
        claim.endpoint
    }

    async fn note(&self, claim: &Claim, attempt: &Attempt, asked_for: Option<Duration>) -> Result<(), WebhookError> {
        let now = self.clock.now();
        let given_up =
            attempt.status == Some(GONE) || i64::from(claim.attempt) >= i64::from(self.settings.max_attempts);
        let outcome = match attempt.error {
            None => Outcome::Delivered,
            Some(_) if given_up => Outcome::Failed,
            Some(_) => Outcome::Retry(now + wait(self.settings.first_delay, claim.attempt, asked_for)),
        };
        let mut tx = self.store.begin("webhooks.note").await?;
        if !tx.finish_attempt(claim.delivery, attempt, outcome, now).await? {
            tracing::debug!(delivery = %claim.delivery, "an attempt ended after its lease");
            return Ok(tx.rollback().await?);
        }
        if outcome == Outcome::Delivered {
            tx.note_endpoint_success(claim.endpoint).await?;
            return Ok(tx.commit_bookkeeping().await?);
        }
        if outcome == Outcome::Failed {
            telemetry::record_given_up();
        }
        let Some(before) = tx.endpoint_for_update(claim.endpoint).await? else {
            return Ok(tx.commit_bookkeeping().await?);
        };
        let failing_since = before.failing_since.unwrap_or(attempt.started_at);
        let reason = if attempt.status == Some(GONE) {
            Some(DisabledReason::Gone)
        } else {
            (now - failing_since >= self.settings.disable_after).then_some(DisabledReason::Failing)
        };
        let mut after = Endpoint { failing_since: Some(failing_since), ..before.clone() };
        if let Some(reason) = reason.filter(|_| before.disabled.is_none()) {
            after = Endpoint { disabled: Some(reason), version: before.version + 1, updated_at: now, ..after };
            tx.update_endpoint(&after).await?;
            tx.commit(DomainEvent::EndpointChanged { endpoint: after.id }).await?;
            tracing::warn!(endpoint = %after.id, %reason, "an endpoint is disabled");
            telemetry::record_disabled(reason.as_str());
            return Ok(());
        }
        if after != before {
            tx.update_endpoint(&after).await?;
        }
        Ok(tx.commit_bookkeeping().await?)
    }
}

/// Why an attempt failed; nothing where it succeeded.
fn failure(answer: &Result<Reply, SendError>) -> Option<String> {
    match answer {
        Ok(reply) if (200..300).contains(&reply.status) => None,
        Ok(reply) if (300..400).contains(&reply.status) => {
            Some(format!("the answer was {}, and redirects are not followed", reply.status))
        }
        Ok(reply) => Some(format!("the answer was {}", reply.status)),
        Err(error) => Some(error.to_string()),
    }
}

fn outcome_name(answer: &Result<Reply, SendError>) -> &'static str {
    match answer {
        Ok(reply) if (200..300).contains(&reply.status) => "delivered",
        Ok(_) => "rejected",
        Err(error) if error.is_refusal() => "refused",
        Err(SendError::TimedOut(_)) => "timed_out",
        Err(_) => "unreachable",
    }
}
