//! The composition root: the only place that knows everybody.

mod cache;
mod leaderboards;
mod payments;
mod probes;
mod reads;
mod recommendations;
mod webhooks;

use std::{net::SocketAddr, sync::Arc, time::Duration};

use anyhow::Context as _;
use metrics_exporter_prometheus::PrometheusHandle;
use tokio::net::TcpListener;

use crate::{
    config::{self, Config},
    db::{Db, SchemaError},
    domain::{
        access::{Access, SessionLimits},
        audit::Audit,
        auditor::Auditor,
        cache_admin::CacheAdministration,
        carts::Carts,
        coupons::Coupons,
        credentials::Credentials,
        favourites::Favourites,
        health::Health,
        hot_keys::{HotKeys, RENEW_WITHIN},
        import::Import,
        inventory::{Hub, HubOptions, Inventory},
        leaderboards::Leaderboards,
        limits::RateLimiter,
        orders::Orders,
        passwords::Passwords,
        pricing::Pricing,
        products::Rules,
        recommendations::Recommendations,
        reviews::Reviews,
        sessions::Sessions,
        throttle::Throttle,
        user_stats::UserStatistics,
        users::Users,
        views::Views,
        warm_up::WarmUp,
        webhooks::{Webhooks, sender::Sender},
    },
    http::{
        self, Frame, FrameOptions, IMPORT_ROUTE,
        buyer::CartCookies,
        middleware::{
            bounds::{Bounds, RouteBounds},
            rate_limit::Limits,
        },
        sessions::SessionCookies,
        state::{AppState, Services},
    },
    lifecycle::{Lifecycle, Shutdown},
    model::clock::{Clock, SystemClock},
    server::{self, ServerOptions},
    store::Store,
    telemetry,
};
pub use cache::{redis_options, store};
use probes::{CacheProbe, DatabaseProbe, RedisProbe};

/// How often what is only kept for speed is tidied up.
const TIDY_INTERVAL: Duration = Duration::from_secs(30);

/// How often sessions that have run out are removed.
const PURGE_INTERVAL: Duration = Duration::from_secs(600);

/// The whole program, built and not yet running.
pub struct App {
    config: Config,
    db: Db,
    store: Store,
    state: AppState,
    service: Frame,
    lifecycle: Lifecycle,
    listener: TcpListener,
    metrics: Option<(TcpListener, PrometheusHandle)>,
}

impl App {
    /// Builds everything and takes the ports, but accepts nothing yet.
    ///
    /// # Errors
    /// When a port cannot be taken, or the database's schema is not the one that this program was built for.
    pub async fn build(config: Config, metrics: Option<PrometheusHandle>) -> anyhow::Result<Self> {
        Self::build_with_clock(config, metrics, Arc::new(SystemClock)).await
    }

    /// The same by another clock.
    ///
    /// # Errors
    /// As [`App::build`].
    pub async fn build_with_clock(
        config: Config,
        metrics: Option<PrometheusHandle>,
        clock: Arc<dyn Clock>,
    ) -> anyhow::Result<Self> {
        let lifecycle = Lifecycle::new();
        let db = Db::new(&config.database)?;
        db.probe_once().await;
        match db.check_schema().await {
            // A database that comes up later is no reason not to start: until then the process is not ready.
            Err(SchemaError::Database(error)) => tracing::warn!(%error, "the schema could not be checked"),
            checked => checked?,
        }
        let store = store(&config, &db)?;
        let state = state(&config, &db, &store, clock)?;
        let limits = state.limiter.clone().map(|limiter| Arc::new(Limits::new(limiter)));
        let options = frame_options(&config, limits);
        let service = http::service(state.clone(), &options)
            .map_err(|_| anyhow::anyhow!("the OpenAPI document cannot be written"))?;
        let listener = bind(config.http.bind, "http.bind").await?;
        let metrics = match metrics.filter(|_| config.metrics.enabled) {
            Some(handle) => Some((bind(config.metrics.bind, "metrics.bind").await?, handle)),
            None => None,
        };
        Ok(Self { config, db, store, state, service, lifecycle, listener, metrics })
    }

    /// Where the API is served; tells the port where the configuration left it to the system.
    ///
    /// # Errors
    /// When the system does not tell.
    pub fn address(&self) -> std::io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// What stops the program from outside, as a signal does.
    #[must_use]
    pub fn lifecycle(&self) -> Lifecycle {
        self.lifecycle.clone()
    }

    /// Serves until a signal, then ends in order: not ready; no new connections; open requests; background tasks.
    ///
    /// # Errors
    /// When signals cannot be listened to.
    pub async fn serve(self) -> anyhow::Result<Shutdown> {
        let Self { config, db, store, state, service, lifecycle, listener, metrics } = self;
        tracing::info!(address = %listener.local_addr()?, "serving");
        let options = ServerOptions {
            max_connections: config.http.max_connections as usize,
            keep_alive_timeout: config.http.keep_alive_timeout,
        };
        lifecycle.spawn_connection(server::serve(listener, service, options, lifecycle.clone()));
        if let Some((listener, handle)) = metrics {
            tracing::info!(address = %listener.local_addr()?, "serving metrics");
            let upkeep = handle.clone();
            every(&lifecycle, "metrics upkeep", Duration::from_secs(5), move || upkeep.run_upkeep());
            // Metrics are of interest to the end, so it is no connection that stops first.
            lifecycle.spawn_background("metrics", |ending| async move {
                let router = http::health::metrics_router(Arc::new(move || handle.render()));
                let serving = axum::serve(listener, router).with_graceful_shutdown(ending.cancelled_owned());
                if let Err(error) = serving.await {
                    tracing::error!(%error, "metrics are not served any more");
                }
            });
        }
        if let Some(log) = telemetry::access_log() {
            lifecycle.spawn_background("access log", |ending| log.run(ending));
        }
        if let Some(limiter) = state.limiter.clone() {
            every(&lifecycle, "rate limits", TIDY_INTERVAL, move || limiter.tidy());
        }
        let sessions = Arc::clone(&state.sessions);
        lifecycle.spawn_background("expired sessions", |ending| async move {
            while ending.run_until_cancelled(tokio::time::sleep(PURGE_INTERVAL)).await.is_some() {
                match ending.run_until_cancelled(sessions.purge_expired()).await {
                    Some(Ok(removed)) => tracing::debug!(removed, "removed sessions that had run out"),
                    // They open nothing any more; the next round removes them.
                    Some(Err(error)) => tracing::info!(%error, "sessions that had run out could not be removed"),
                    None => break,
                }
            }
        });
        expire_orders(&lifecycle, config.orders.expiry_interval, &state.orders);
        payments::keep(&lifecycle, config.payments.check_interval, &state.payments);
        let (carts, interval) = (Arc::clone(&state.carts), config.cart.purge_interval);
        lifecycle.spawn_background("expired carts", |ending| async move {
            while ending.run_until_cancelled(tokio::time::sleep(interval)).await.is_some() {
                match ending.run_until_cancelled(carts.purge_expired()).await {
                    Some(Ok(removed)) => tracing::debug!(removed, "removed carts that had expired"),
                    // Nobody is shown them any more; the next round removes them.
                    Some(Err(error)) => tracing::info!(%error, "carts that had expired could not be removed"),
                    None => break,
                }
            }
        });
        count_views(&lifecycle, &config.views, Arc::clone(&state.views));
        tell_of_stock(&lifecycle, state.inventory.hub().clone());
        webhooks::run(&lifecycle, &state.webhooks);
        leaderboards::follow(&lifecycle, &state.leaderboards);
        recommendations::run(&lifecycle, &config.recommendations, &state.recommendations);
        cache::keep(&lifecycle, &store);
        cache::keep_warm(&lifecycle, &config.cache, &state.warm_up, &state.hot_keys);
        if config.cache.enabled && !config.cache.audit_interval.is_zero() {
            let (auditor, interval) = (auditor(&store, &state), config.cache.audit_interval);
            lifecycle.spawn_background("cache auditor", |ending| async move {
                ending.run_until_cancelled(auditor.run(interval)).await;
            });
        }
        let monitored = db.clone();
        lifecycle.spawn_background("database monitor", |ending| async move {
            ending.run_until_cancelled(monitored.monitor()).await;
        });
        lifecycle.wait_for_signal().await.context("listening to signals")?;
        state.health.start_draining();
        lifecycle.pause(config.http.shutdown_delay).await;
        let shutdown = lifecycle.shut_down(config.http.drain_timeout).await;
        db.close().await;
        Ok(shutdown)
    }
}

/// The services over a database.
///
/// # Errors
/// When the address of Redis or the parameters of argon2 cannot be used, or TLS cannot be set up.
pub fn state(config: &Config, db: &Db, store: &Store, clock: Arc<dyn Clock>) -> anyhow::Result<AppState> {
    let rules = Rules { currency: config.shop.currency.parse()? };
    let passwords = Passwords::new(&config.auth)?;
    let limiter = config.limits.enabled.then(|| RateLimiter::new(&config.limits, Some(store.clone())));
    let credentials = Credentials::new(store.clone(), passwords, Throttle::new(&config.limits, limiter.as_ref()));
    let session_limits = SessionLimits::from(&config.auth);
    let pricing = Pricing::new(&config.shop)?;
    let sender = Sender::new((&config.webhooks).into(), config.webhooks.timeout).context("TLS of webhooks")?;
    let here = reads::reads(store, &clock, &rules);
    let ahead = store.renewing(RENEW_WITHIN);
    let reads_ahead = reads::reads(&ahead, &clock, &rules);
    let hot_keys = Arc::new(HotKeys::new(ahead.clone(), reads_ahead.clone(), config.cache.refresh_rate));
    let warm_up = Arc::new(WarmUp::new(ahead, reads_ahead, Arc::clone(&hot_keys)));
    Ok(AppState::new(Services {
        health: Arc::new(Health::new(vec![
            Arc::new(DatabaseProbe(db.clone())),
            Arc::new(RedisProbe(store.cache().redis().clone())),
            Arc::new(CacheProbe(Arc::clone(&warm_up))),
        ])),
        limiter,
        access: Arc::new(Access::new(store.clone(), Arc::clone(&clock), session_limits)),
        users: Arc::new(Users::new(store.clone(), Arc::clone(&clock), credentials.clone())),
        favourites: Arc::new(Favourites::new(store.clone(), Arc::clone(&clock))),
        user_stats: Arc::new(UserStatistics::new(store.clone(), http::user_stats::render)),
        sessions: Arc::new(Sessions::new(store.clone(), Arc::clone(&clock), credentials, session_limits)),
        cookies: SessionCookies::from(&config.auth),
        audit: Arc::new(Audit::new(store.clone())),
        genres: Arc::new(here.genres),
        listing: Arc::new(here.listing),
        search: Arc::new(here.search),
        related: Arc::new(here.related),
        trending: Arc::new(here.trending),
        products: Arc::new(here.products),
        recommendations: Arc::new(Recommendations::new(
            store.clone(),
            Arc::clone(&clock),
            config.recommendations.clone(),
            http::recommendations::render,
        )),
        reviews: Arc::new(Reviews::new(
            store.clone(),
            Arc::clone(&clock),
            config.orders.idempotency_lifetime,
            http::reviews::PAGES,
        )),
        leaderboards: Arc::new(Leaderboards::new(
            store.clone(),
            Arc::clone(&clock),
            config.leaderboards.clone(),
            http::leaderboards::PAGES,
        )),
        orders: Arc::new(Orders::new(
            store.clone(),
            Arc::clone(&clock),
            pricing.clone(),
            (&config.orders).into(),
            http::orders::PAGES,
        )),
        payments: Arc::new(payments::service(config, store, &clock)),
        carts: Arc::new(Carts::new(
            store.clone(),
            Arc::clone(&clock),
            pricing.clone(),
            &config.cart,
            http::cart::render,
        )),
        cart_cookies: CartCookies::new(&config.auth, config.cart.lifetime),
        coupons: Arc::new(Coupons::new(store.clone(), Arc::clone(&clock))),
        pricing,
        cache_admin: CacheAdministration::new(store.clone(), Arc::clone(&clock)),
        warm_up,
        hot_keys,
        views: Arc::new(Views::new(store.clone(), Arc::clone(&clock))),
        inventory: Arc::new(Inventory::new(
            store.clone(),
            Arc::clone(&clock),
            Hub::new(store.clone(), http::inventory::encode, HubOptions::from(&config.inventory)),
        )),
        webhooks: Arc::new(Webhooks::new(store.clone(), Arc::clone(&clock), config.webhooks.clone(), sender)),
        import: Arc::new(Import::new(store.clone(), clock, rules)),
    }))
}

/// What compares the cache of these services with the primary.
#[must_use]
pub fn auditor(store: &Store, state: &AppState) -> Auditor {
    Auditor::new(store.clone(), reads::of_requests(state))
}

/// Does something small again and again until the end.
fn every(lifecycle: &Lifecycle, name: &'static str, interval: Duration, work: impl Fn() + Send + 'static) {
    lifecycle.spawn_background(name, |ending| async move {
        while ending.run_until_cancelled(tokio::time::sleep(interval)).await.is_some() {
            work();
        }
    });
}

/// Ends orders that were not paid for in time, and forgets the answers to old requests.
fn expire_orders(lifecycle: &Lifecycle, interval: Duration, orders: &Arc<Orders>) {
    let expiring = Arc::clone(orders);
    lifecycle.spawn_background("expired orders", |ending| async move {
        while ending.run_until_cancelled(tokio::time::sleep(interval)).await.is_some() {
            match ending.run_until_cancelled(expiring.expire_due()).await {
                Some(Ok(0)) => {}
                Some(Ok(expired)) => tracing::info!(expired, "orders were not paid for in time"),
                // Their books stay reserved until the next round.
                Some(Err(error)) => tracing::warn!(%error, "orders could not be expired"),
                None => break,
            }
        }
    });
    let forgetting = Arc::clone(orders);
    lifecycle.spawn_background("expired idempotency keys", |ending| async move {
        while ending.run_until_cancelled(tokio::time::sleep(PURGE_INTERVAL)).await.is_some() {
            match ending.run_until_cancelled(forgetting.forget_keys()).await {
                Some(Ok(forgotten)) => tracing::debug!(forgotten, "forgot the answers to old requests"),
                Some(Err(error)) => tracing::info!(%error, "answers to old requests could not be forgotten"),
                None => break,
            }
        }
    });
}

/// Merges views in Redis and writes them behind the readers, and the rest of them at the end.
fn count_views(lifecycle: &Lifecycle, settings: &config::Views, views: Arc<Views>) {
    let (merging, interval) = (Arc::clone(&views), settings.merge_interval);
    lifecycle.spawn_background("merging of views", |ending| async move {
        while ending.run_until_cancelled(tokio::time::sleep(interval)).await.is_some() {
            ending.run_until_cancelled(merging.merge()).await;
        }
    });
    let interval = settings.flush_interval;
    lifecycle.spawn_background("view counts", |ending| async move {
        loop {
            let next = async {
                tokio::select! {
                    () = tokio::time::sleep(interval) => {}
                    () = views.crowded() => {}
                }
                views.flush().await
            };
            match ending.run_until_cancelled(next).await {
                Some(Ok(_)) => {}
                Some(Err(error)) => tracing::info!(%error, "views wait to be counted"),
                None => break,
            }
        }
        views.flush_finally().await;
    });
}

/// Tells the streams of stock, until no new work is accepted: they have no end of their own that could be waited for.
fn tell_of_stock(lifecycle: &Lifecycle, hub: Hub) {
    let stopping = lifecycle.stopping();
    lifecycle.spawn_background("streams of stock", |ending| async move {
        stopping.run_until_cancelled(Box::pin(hub.run())).await;
        hub.close();
        ending.cancelled().await;
    });
}

async fn bind(address: SocketAddr, key: &str) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address).await.with_context(|| format!("{address} ({key}) cannot be listened on"))
}

/// The frame that a configuration describes.
#[must_use]
pub fn frame_options(config: &Config, limits: Option<Arc<Limits>>) -> FrameOptions {
    let http = &config.http;
    let bounds = |timeout, body_limit: bytesize::ByteSize| Bounds {
        timeout,
        body_limit: body_limit.as_u64(),
        idle_timeout: http.idle_timeout,
    };
    FrameOptions {
        trusted_proxies: http.trusted_proxies,
        max_in_flight: http.max_in_flight as usize,
        bounds: RouteBounds {
            usual: bounds(http.request_timeout, http.body_limit),
            import: bounds(http.import_timeout, http.import_body_limit),
            import_route: IMPORT_ROUTE,
        },
        limits,
        access_log: telemetry::access_log(),
        traced: config.telemetry.otlp_endpoint.as_ref().map(|_| config.telemetry.sample_ratio),
    }
}
