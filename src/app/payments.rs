//! The payment provider of a configuration, and what goes on behind the requests.

use std::sync::Arc;
use std::time::Duration;

use super::PURGE_INTERVAL;
use crate::config::{Config, ProviderName};
use crate::domain::payments::provider::PaymentProvider;
use crate::domain::payments::signature::EventKey;
use crate::domain::payments::test_provider::TestProvider;
use crate::domain::payments::{PaymentRules, Payments};
use crate::http;
use crate::lifecycle::Lifecycle;
use crate::model::clock::Clock;
use crate::store::Store;

/// Share of the time that a request may take which is left for all but the provider: 1 in this many.
const RESERVE: u32 = 5;

/// The service for payments, with the provider that is configured.
pub fn service(config: &Config, store: &Store, clock: &Arc<dyn Clock>) -> Payments {
    let settings = &config.payments;
    let key = settings.webhook_secret.clone().map(|secret| EventKey::new(secret, settings.webhook_tolerance));
    let provider: Arc<dyn PaymentProvider> = match settings.provider {
        ProviderName::Test => Arc::new(TestProvider::new(key, Arc::clone(clock))),
    };
    let longest = config.http.request_timeout;
    let rules = PaymentRules {
        // The customer is to be told that it is not known yet, which takes its time as well.
        timeout: settings.timeout.min(longest - longest / RESERVE),
        recheck_after: settings.recheck_after,
        give_up_after: settings.give_up_after,
        keys_live: config.orders.idempotency_lifetime,
    };
    Payments::new(store.clone(), Arc::clone(clock), provider, rules, http::payments::PAGES)
}

/// Finds out what became of payments, sends refunds, and brings the events of a provider that lives here.
pub fn keep(lifecycle: &Lifecycle, interval: Duration, payments: &Arc<Payments>) {
    let working = Arc::clone(payments);
    lifecycle.spawn_background("payments", |ending| async move {
        while ending.run_until_cancelled(tokio::time::sleep(interval)).await.is_some() {
            match ending.run_until_cancelled(working.work()).await {
                Some(Ok(done)) => tracing::trace!(?done, "looked after payments and refunds"),
                Some(Err(error)) => tracing::info!(%error, "payments and refunds wait"),
                None => break,
            }
        }
    });
    let forgetting = Arc::clone(payments);
    lifecycle.spawn_background("old provider events", |ending| async move {
        while ending.run_until_cancelled(tokio::time::sleep(PURGE_INTERVAL)).await.is_some() {
            match ending.run_until_cancelled(forgetting.forget_events()).await {
                Some(Ok(forgotten)) => tracing::debug!(forgotten, "forgot old events of the payment provider"),
                Some(Err(error)) => tracing::info!(%error, "old events could not be forgotten"),
                None => break,
            }
        }
    });
    let receiving = Arc::clone(payments);
    lifecycle.spawn_background("provider events", |ending| async move {
        ending.run_until_cancelled(receiving.deliver()).await;
    });
}
