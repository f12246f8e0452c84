//! The cache of a configuration, and the tasks that keep it.

use std::{sync::Arc, time::Duration};

use crate::{
    cache::{Cache, CacheOptions, Redis, RedisOptions, redis::BreakerOptions},
    config::{self, Config},
    db::Db,
    domain::{hot_keys::HotKeys, warm_up::WarmUp},
    invalidation::Invalidation,
    lifecycle::Lifecycle,
    store::Store,
};
use secrecy::ExposeSecret as _;

/// How often the cache's counters are told to the metrics.
const METRICS_INTERVAL: Duration = Duration::from_secs(1);

/// How often a warm-up that was late is tried again.
const LATE_INTERVAL: Duration = Duration::from_secs(1);

/// For how long the ranking is tried to be written.
const RANKING_PATIENCE: Duration = Duration::from_secs(3);

/// The repositories over a database, with the cache before them.
///
/// # Errors
/// When the address of Redis cannot be used.
pub fn store(config: &Config, db: &Db) -> anyhow::Result<Store> {
    let redis = Redis::new(redis_options(&config.redis))?;
    let options = CacheOptions {
        enabled: config.cache.enabled,
        // The rest is for floors, and for entries that were taken out and are still being sent.
        capacity: config.cache.memory.as_u64() / 8 * 7,
        lease: config.cache.lease,
        lifetime_scale: config.cache.lifetime_scale,
        prefix: config.redis.prefix.clone(),
        cluster: config.redis.mode == config::RedisMode::Cluster,
        hot_keys: config.cache.hot_keys as usize,
    };
    let cache = Cache::new(&options, redis);
    Ok(Store::new(db.clone(), Invalidation::new(db.clone(), cache, &config.redis.prefix)))
}

/// The way to Redis that a configuration describes.
#[must_use]
pub fn redis_options(config: &config::Redis) -> RedisOptions {
    RedisOptions {
        nodes: config.url.iter().map(|url| url.expose_secret().to_owned()).collect(),
        cluster: config.mode == config::RedisMode::Cluster,
        max_connections: config.max_connections as usize,
        soft_deadline: config.soft_deadline,
        hard_deadline: config.timeout,
        breaker: BreakerOptions::default(),
    }
}

/// Starts what keeps the cache coherent.
pub(super) fn keep(lifecycle: &Lifecycle, store: &Store) {
    let invalidation = store.invalidation();
    macro_rules! spawn {
        ($($name:literal => $task:ident),* $(,)?) => {$(
            let task = invalidation.clone();
            lifecycle.spawn_background($name, |ending| async move {
                ending.run_until_cancelled(task.$task()).await;
            });
        )*};
    }
    spawn!("feed" => listen, "feed watch" => watch, "outbox relay" => relay, "cache upkeep" => tidy, "cleared memory" => free_what_is_cleared);
    let marks = invalidation.clone();
    lifecycle.spawn_background("outbox marks", |ending| async move {
        ending.run_until_cancelled(marks.mark()).await;
        // What was published is noted, or it would be published once more.
        marks.mark_some().await;
    });
    let cache = store.cache().clone();
    super::every(lifecycle, "cache metrics", METRICS_INTERVAL, move || cache.publish_metrics());
}

/// Fills the cache before the process reports ready, keeps warm what is hot, and writes down what that is.
pub(super) fn keep_warm(
    lifecycle: &Lifecycle,
    settings: &config::Cache,
    warm_up: &Arc<WarmUp>,
    hot_keys: &Arc<HotKeys>,
) {
    if !settings.enabled {
        warm_up.switch_off();
        return;
    }
    let (books, limit, warming) = (settings.warm_books, settings.warm_timeout, Arc::clone(warm_up));
    lifecycle.spawn_background("warm-up", move |ending| async move {
        let work = async {
            warming.start(books, limit).await;
            while !warming.catch_up(books).await {
                tokio::time::sleep(LATE_INTERVAL).await;
            }
        };
        ending.run_until_cancelled(work).await;
        ending.cancelled().await;
    });
    if settings.hot_keys == 0 {
        return;
    }
    if settings.refresh_rate > 0 {
        let keeping = Arc::clone(hot_keys);
        lifecycle.spawn_background("hot keys", |ending| async move {
            ending.run_until_cancelled(keeping.keep()).await;
        });
    }
    let (ranking, interval) = (Arc::clone(hot_keys), settings.ranking_interval);
    lifecycle.spawn_background("ranking of hot keys", move |ending| async move {
        let write = async || match tokio::time::timeout(RANKING_PATIENCE, ranking.rank()).await {
            Ok(Ok(keys)) => tracing::debug!(keys, "ranked the hot keys"),
            // A ranking that lacks some reads is good enough.
            Ok(Err(error)) => tracing::info!(%error, "the hot keys could not be ranked"),
            Err(_) => tracing::info!("ranking the hot keys took too long"),
        };
        while ending.run_until_cancelled(tokio::time::sleep(interval)).await.is_some() {
            ending.run_until_cancelled(write()).await;
        }
        write().await;
    });
}
