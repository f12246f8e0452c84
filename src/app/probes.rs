//! How the parts below the domain are, for `/readyz`.

use std::sync::Arc;

use futures::future::BoxFuture;

use crate::cache::Redis;
use crate::db::Db;
use crate::domain::health::{Check, Condition, Probe};
use crate::domain::warm_up::{WarmUp, Warmth};

/// The database nodes. One that can be read is enough.
pub(super) struct DatabaseProbe(pub Db);

impl Probe for DatabaseProbe {
    fn name(&self) -> &'static str {
        "database"
    }

    fn check(&self) -> BoxFuture<'_, Vec<Check>> {
        let nodes = self.0.report();
        let missing = if nodes.iter().any(|node| node.usable) { Condition::Degraded } else { Condition::Failed };
        let checks = nodes.into_iter().map(|node| Check {
            condition: if node.usable { Condition::Ok } else { missing },
            name: format!("database.{}", node.name),
            detail: node.health.detail,
        });
        let checks = checks.collect();
        Box::pin(async { checks })
    }
}

/// Redis. Nothing depends on it.
pub(super) struct RedisProbe(pub Redis);

impl Probe for RedisProbe {
    fn name(&self) -> &'static str {
        "redis"
    }

    fn check(&self) -> BoxFuture<'_, Vec<Check>> {
        Box::pin(async {
            let (condition, detail) = match self.0.ping().await {
                Ok(()) => (Condition::Ok, String::new()),
                Err(error) => (Condition::Degraded, error.to_string()),
            };
            vec![Check { name: "redis".to_owned(), condition, detail }]
        })
    }
}

/// The cache of this process: requests come when it knows what was invalidated and holds what most of them want.
pub(super) struct CacheProbe(pub Arc<WarmUp>);

impl Probe for CacheProbe {
    fn name(&self) -> &'static str {
        "cache"
    }

    fn check(&self) -> BoxFuture<'_, Vec<Check>> {
        let (condition, detail) = match self.0.warmth() {
            Warmth::Waiting => (Condition::Failed, "waiting to learn what was invalidated"),
            Warmth::Warming => (Condition::Failed, "warming"),
            Warmth::Late => (Condition::Degraded, "could not be warmed in time, and is filled by requests"),
            Warmth::Warm | Warmth::Off => (Condition::Ok, ""),
        };
        Box::pin(async move { vec![Check { name: "cache".to_owned(), condition, detail: detail.to_owned() }] })
    }
}
