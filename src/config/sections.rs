//! The settings: each with its meaning, type, default, what is allowed, and the rule that holds it.

use std::{net::SocketAddr, time::Duration};

use bytesize::ByteSize;
use garde::Validate;
use secrecy::SecretString;

use super::load::Layers;
use super::rates::{ShippingRate, TaxRate};
use super::rules::*;
use super::setting::{LogFormat, ProviderName, Quota, RedisMode, Setting};
use super::{Key, key};

sections! {
    /// The public HTTP server.
    http: Http {
        /// Address to listen on.
        bind: SocketAddr = Some("127.0.0.1:8080"), "an address with a port, such as 0.0.0.0:8080";
        /// Longest time for one request, its body included.
        #[garde(custom(between(MS_100, MIN_10)))]
        request_timeout: Duration = Some("10s"), "a duration from 100ms to 10m";
        /// Longest time for one bulk import.
        #[garde(custom(between(SEC_1, DAY)))]
        import_timeout: Duration = Some("30m"), "a duration from 1s to 1day";
        /// Longest wait for the head of a request on an open connection.
        #[garde(custom(between(MS_100, HOUR)))]
        keep_alive_timeout: Duration = Some("75s"), "a duration from 100ms to 1h";
        /// Longest pause between two pieces of a body.
        #[garde(custom(between(MS_100, MIN_10)))]
        idle_timeout: Duration = Some("10s"), "a duration from 100ms to 10m";
        /// Largest request body.
        #[garde(custom(sized(KIB, GIB)))]
        body_limit: ByteSize = Some("1 MiB"), "a size from 1 KiB to 1 GiB";
        /// Largest body of a bulk import.
        #[garde(custom(sized(KIB, TIB)))]
        import_body_limit: ByteSize = Some("2 GiB"), "a size from 1 KiB to 1 TiB";
        /// Most open connections; further ones wait to be accepted.
        #[garde(range(min = 1, max = 1_000_000))]
        max_connections: u32 = Some("10000"), "a whole number from 1 to 1000000";
        /// Most requests in work at once; further ones get 503.
        #[garde(range(min = 1, max = 1_000_000))]
        max_in_flight: u32 = Some("1024"), "a whole number from 1 to 1000000";
        /// Longest wait for open requests when shutting down.
        #[garde(custom(between(Duration::ZERO, HOUR)))]
        drain_timeout: Duration = Some("15s"), "a duration up to 1h";
        /// Time between the failing of `/readyz` and the end of accepting, for load balancers to notice.
        #[garde(custom(between(Duration::ZERO, HOUR)))]
        shutdown_delay: Duration = Some("0s"), "a duration up to 1h";
        /// Number of reverse proxies in front whose `X-Forwarded-For` is believed.
        #[garde(range(max = 16))]
        trusted_proxies: u8 = Some("0"), "a whole number from 0 to 16";
    }

    /// Prometheus metrics, on a port of their own.
    metrics: Metrics {
        /// Whether metrics are served.
        enabled: bool = Some("true"), "true or false";
        /// Address to serve `/metrics` on.
        bind: SocketAddr = Some("127.0.0.1:9464"), "an address with a port";
    }

    /// PostgreSQL: a primary and its streaming replicas.
    database: Database {
        /// The primary.
        #[garde(custom(postgres_url))]
        url: SecretString = None, "a URL such as postgres://user:password@host:5432/bookstore";
        /// The replicas, separated by commas.
        #[garde(inner(custom(postgres_url)))]
        replicas: Vec<SecretString> = Some(""), "URLs such as postgres://user:password@host:5433/bookstore";
        /// Most connections to each node; to the primary as many again, for writes.
        #[garde(range(min = 1, max = 1000))]
        max_connections: u32 = Some("16"), "a whole number from 1 to 1000";
        /// Connections to each node that are kept open.
        #[garde(range(max = 1000))]
        min_connections: u32 = Some("2"), "a whole number up to max_connections";
        /// Longest wait for a connection.
        #[garde(custom(between(MS_10, MIN_10)))]
        acquire_timeout: Duration = Some("3s"), "a duration from 10ms to 10m";
        /// Longest time for one statement, enforced by the server.
        #[garde(custom(between(MS_10, HOUR)))]
        statement_timeout: Duration = Some("5s"), "a duration from 10ms to 1h";
        /// Longest wait of a statement for a lock that another transaction holds.
        #[garde(custom(between(MS_10, HOUR)))]
        lock_timeout: Duration = Some("2s"), "a duration from 10ms to 1h";
        /// Longest wait for the answer to a read before another node is asked: a hung node says nothing.
        #[garde(custom(between(MS_10, HOUR)))]
        read_timeout: Duration = Some("2s"), "a duration from 10ms to 1h";
        /// Idle time after which a connection is closed.
        #[garde(custom(between(SEC_1, DAY)))]
        idle_timeout: Duration = Some("10m"), "a duration from 1s to 1day";
        /// Age at which a connection is closed.
        #[garde(custom(between(SEC_1, DAY)))]
        max_lifetime: Duration = Some("30m"), "a duration from 1s to 1day";
        /// Time between two looks at the health and lag of a node.
        #[garde(custom(between(MS_10, MIN_10)))]
        probe_interval: Duration = Some("100ms"), "a duration from 10ms to 10m";
        /// The same while there are reads and writes: what is read is known to be as old as the last look, or newer.
        #[garde(custom(between(MS_1, MIN_10)))]
        sample_interval: Duration = Some("10ms"), "a duration from 1ms to 10m";
        /// Longest time for such a look.
        #[garde(custom(between(MS_10, MIN_10)))]
        probe_timeout: Duration = Some("1s"), "a duration from 10ms to 10m";
        /// Lag at which a replica is left out.
        #[garde(custom(between(MS_10, HOUR)))]
        max_replica_lag: Duration = Some("5s"), "a duration from 10ms to 1h";
    }

    /// The cache, in this process and in Redis.
    cache: Cache {
        /// Whether answers are kept. Without it each is read from the database.
        enabled: bool = Some("true"), "true or false";
        /// Most memory of this process for it.
        #[garde(custom(sized(MIB_16, TIB)))]
        memory: ByteSize = Some("512 MiB"), "a size from 16 MiB to 1 TiB";
        /// For how long what is known of invalidations is believed without news; no answer is out of date for longer.
        #[garde(custom(between(MS_100, MIN_1)))]
        lease: Duration = Some("500ms"), "a duration from 100ms to 1m";
        /// What all lifetimes of answers are multiplied by: less than 1 for a shop whose data also changes behind its back.
        #[garde(range(min = 0.0, max = 1.0))]
        lifetime_scale: f64 = Some("1.0"), "a number from 0 to 1";
        /// How many best sellers are read ahead at the start, with the genres and the front pages, as long as fewer hot keys are known; 0 for nothing of that.
        #[garde(range(max = 1000))]
        warm_books: u32 = Some("200"), "a whole number up to 1000";
        /// How many of the most read keys are kept warm, and read ahead at the start; 0 for none.
        #[garde(range(max = 10_000))]
        hot_keys: u32 = Some("1000"), "a whole number up to 10000";
        /// Most loads a second for that, one after the other; 0 for none, but at the start.
        #[garde(range(max = 1000))]
        refresh_rate: u32 = Some("50"), "a whole number up to 1000";
        /// Time between two writes of the ranking of the most read keys, from which the next process starts.
        #[garde(custom(between(MS_100, HOUR)))]
        ranking_interval: Duration = Some("1m"), "a duration from 100ms to 1h";
        /// For how long at most the process is not ready because its cache is still being warmed.
        #[garde(custom(between(Duration::ZERO, MIN_10)))]
        warm_timeout: Duration = Some("10s"), "a duration up to 10m";
        /// Time between two entries that are compared with the primary, to find what should never be; 0 for no comparison.
        #[garde(custom(between(Duration::ZERO, HOUR)))]
        audit_interval: Duration = Some("1s"), "a duration up to 1h";
    }

    /// Redis.
    redis: Redis {
        /// The server, or some nodes of a cluster, separated by commas.
        #[garde(inner(custom(redis_url)))]
        url: Vec<SecretString> = None, "URLs such as redis://:password@host:6379/0";
        /// Whether that is one server or a Redis Cluster.
        mode: RedisMode = Some("standalone"), "standalone or cluster";
        /// What all names begin with: another shop on the same Redis has another one.
        #[garde(length(bytes, min = 1, max = 64), pattern("^[A-Za-z0-9._-]+$"))]
        prefix: String = Some("bookstore"), "1 to 64 letters, digits, dots, dashes or underscores";
        /// Connections (to each node) that all calls share.
        #[garde(range(min = 1, max = 1000))]
        max_connections: u32 = Some("2"), "a whole number from 1 to 1000";
        /// Wait after which a read goes on without Redis, while the call itself may take `redis.timeout`.
        #[garde(custom(between(MS_1, MIN_10)))]
        soft_deadline: Duration = Some("25ms"), "a duration from 1ms up to redis.timeout";
        /// Longest time for a call, getting a connection included.
        #[garde(custom(between(MS_10, MIN_10)))]
        timeout: Duration = Some("250ms"), "a duration from 10ms to 10m";
    }

    /// Passwords and sessions.
    auth: Auth {
        /// Idle time after which a session ends.
        #[garde(custom(between(MIN_1, YEAR)))]
        session_idle: Duration = Some("24h"), "a duration from 1m to 365days";
        /// Age at which a session ends however much it is used.
        #[garde(custom(between(MIN_1, YEAR)))]
        session_absolute: Duration = Some("30days"), "a duration from session_idle to 365days";
        /// Memory of one argon2id hash, in KiB.
        #[garde(range(min = 8, max = 4_194_304))]
        argon2_memory_kib: u32 = Some("19456"), "a whole number from 8 to 4194304 (OWASP: at least 19456)";
        /// Passes of argon2id.
        #[garde(range(min = 1, max = 100))]
        argon2_iterations: u32 = Some("2"), "a whole number from 1 to 100";
        /// Lanes of argon2id.
        #[garde(range(min = 1, max = 64))]
        argon2_parallelism: u32 = Some("1"), "a whole number from 1 to 64";
        /// Passwords hashed at once.
        #[garde(range(min = 1, max = 1024))]
        hash_concurrency: u32 = Some("2"), "a whole number from 1 to 1024";
        /// Sign-ins that may wait for that; further ones get 503.
        #[garde(range(max = 100_000))]
        hash_queue: u32 = Some("64"), "a whole number up to 100000";
        /// Whether the session cookie is sent over HTTPS alone.
        cookie_secure: bool = Some("true"), "true, or false for development without TLS";
    }

    /// Orders.
    orders: Orders {
        /// For how long books are kept for an order that is not paid for.
        #[garde(custom(between(SEC_1, YEAR)))]
        reservation: Duration = Some("30m"), "a duration from 1s to 365days";
        /// Time between two looks for orders whose time is over.
        #[garde(custom(between(MS_10, HOUR)))]
        expiry_interval: Duration = Some("5s"), "a duration from 10ms to 1h";
        /// For how long the answer to a request is kept under its Idempotency-Key.
        #[garde(custom(between(MIN_1, YEAR)))]
        idempotency_lifetime: Duration = Some("24h"), "a duration from 1m to 365days";
    }

    /// Payments.
    payments: Payments {
        /// The payment provider. The built-in one takes no money.
        provider: ProviderName = Some("test"), "test";
        /// Longest wait for an answer of the provider, within `http.request_timeout`.
        #[garde(custom(between(MS_10, MIN_10)))]
        timeout: Duration = Some("8s"), "a duration from 10ms to 10m";
        /// Age at which the provider is asked what became of a payment, and a refund is sent again.
        #[garde(custom(between(MS_10, DAY)))]
        recheck_after: Duration = Some("30s"), "a duration longer than timeout, up to 1day";
        /// Age at which a payment counts as failed whatever the provider says; should it succeed later, it is sent back.
        #[garde(custom(between(SEC_1, YEAR)))]
        give_up_after: Duration = Some("24h"), "a duration from 1s to 365days";
        /// Time between two looks for payments and refunds that wait.
        #[garde(custom(between(MS_10, HOUR)))]
        check_interval: Duration = Some("1s"), "a duration from 10ms to 1h";
        /// By which the provider signs its events; without it none is taken.
        #[garde(inner(custom(long_secret)))]
        webhook_secret: Option<SecretString> = Some(""), "a secret of at least 16 characters, or nothing";
        /// How far the time of a signature may be from now.
        #[garde(custom(between(SEC_1, HOUR)))]
        webhook_tolerance: Duration = Some("5m"), "a duration from 1s to 1h";
    }

    /// Carts.
    cart: Cart {
        /// Most copies of one book.
        #[garde(range(min = 1, max = 999))]
        max_quantity: u32 = Some("20"), "a whole number from 1 to 999";
        /// Most books. Those who write to one cart at the same moment may pass it by a few.
        #[garde(range(min = 1, max = 500))]
        max_lines: u32 = Some("100"), "a whole number from 1 to 500";
        /// Time after its last change at which a cart is forgotten.
        #[garde(custom(between(MIN_1, YEAR)))]
        lifetime: Duration = Some("30days"), "a duration from 1m to 365days";
        /// Time between two removals of carts that have expired.
        #[garde(custom(between(MS_10, DAY)))]
        purge_interval: Duration = Some("10m"), "a duration from 10ms to 1day";
    }

    /// How often books are looked at.
    views: Views {
        /// Time after which the counts of all processes, merged in Redis, are written by one of them; without Redis, each writes its own.
        #[garde(custom(between(MS_10, MIN_10)))]
        flush_interval: Duration = Some("5s"), "a duration from 10ms to 10m";
        /// Time after which a process hands its counts to Redis; what it has not handed over when it is killed is lost.
        #[garde(custom(between(MS_10, MIN_10)))]
        merge_interval: Duration = Some("1s"), "a duration from 10ms to 10m";
    }

    /// Leaderboards.
    leaderboards: Leaderboards {
        /// For how long what happens is gathered before the boards are moved by it.
        #[garde(custom(between(MS_1, HOUR)))]
        interval: Duration = Some("200ms"), "a duration from 1ms to 1h";
        /// Time between two looks whether Redis has the boards that the database has.
        #[garde(custom(between(MS_10, HOUR)))]
        check_interval: Duration = Some("1s"), "a duration from 10ms to 1h";
    }

    /// Streams of changes of stock.
    inventory: Inventory {
        /// Most changes that wait for a slow reader; then its stream is cut, and it may connect again.
        #[garde(range(min = 1, max = 100_000))]
        stream_buffer: u32 = Some("64"), "a whole number from 1 to 100000";
        /// Longest silence on a stream, for proxies that close silent connections.
        #[garde(custom(between(MS_100, MIN_10)))]
        heartbeat: Duration = Some("15s"), "a duration from 100ms to 10m";
        /// Most streams at once; further ones get 503. Less than `http.max_connections`, so that requests find room beside them.
        #[garde(range(min = 1, max = 1_000_000))]
        max_streams: u32 = Some("8000"), "a whole number from 1 to 1000000";
    }

    /// Rate limits, by class of request. All processes share them through Redis.
    limits: Limits {
        /// Whether requests are limited.
        enabled: bool = Some("true"), "true or false";
        /// Reads without a known user, for each client address.
        read_per_address: Quota = Some("300/10s"), "requests and window, such as 300/10s";
        /// Reads of one user.
        read_per_user: Quota = Some("600/10s"), "requests and window, such as 600/10s";
        /// Writes without a known user, for each client address.
        write_per_address: Quota = Some("100/10s"), "requests and window, such as 100/10s";
        /// Writes of one user.
        write_per_user: Quota = Some("200/10s"), "requests and window, such as 200/10s";
        /// Sign-ins, registrations and other uses of a password from one client address.
        sign_in_per_address: Quota = Some("30/1m"), "requests and window, such as 30/1m";
        /// Failed sign-ins to one account.
        sign_in_per_account: Quota = Some("5/1m"), "requests and window, such as 5/1m";
    }

    /// The shop.
    shop: Shop {
        /// Its name.
        #[garde(length(chars, min = 1, max = 100))]
        name: String = Some("Bookstore"), "1 to 100 characters";
        /// Its currency, by ISO 4217.
        #[garde(custom(currency_code))]
        currency: String = Some("USD"), "three capital letters, such as USD";
        /// Where a cart is taken to go, by ISO 3166-1, as long as nobody says.
        #[garde(custom(country_code))]
        country: String = Some("US"), "two capital letters, such as US, of a country in shop.taxes";
        /// The ways of shipping, in the order in which they are offered, with their prices in minor units and before tax.
        #[garde(length(max = 20))]
        shipping: Vec<ShippingRate> = Some("standard=499 free from 5000,express=1499"), "name=price, then perhaps `free from 5000`, then perhaps `to US CA`";
        /// The tax on books and their shipping by country, in percent. The shop sells to no others, unless * has a rate.
        #[garde(length(max = 300))]
        taxes: Vec<TaxRate> = Some("US=0,GB=0,IE=0,DE=7,FR=5.5,AT=10,IT=4,ES=4,NL=9,BE=6,PL=5,SE=6,PT=6,LU=3,CH=2.6"), "country=percent with at most two decimals, such as FR=5.5";
    }

    /// Events sent to endpoints of other systems.
    webhooks: Webhooks {
        /// Longest time for one attempt, from the look-up of the name to the end of the answer.
        #[garde(custom(between(MS_100, MIN_1)))]
        timeout: Duration = Some("10s"), "a duration from 100ms to 1m";
        /// Attempts after which a delivery is given up.
        #[garde(range(min = 1, max = 20))]
        max_attempts: u32 = Some("10"), "a whole number from 1 to 20";
        /// Wait before the second attempt, give or take a fifth; the later waits are 60, 360, 1440, … times as long.
        #[garde(custom(between(MS_10, HOUR)))]
        first_delay: Duration = Some("5s"), "a duration from 10ms to 1h";
        /// Time of nothing but failures after which an endpoint is disabled.
        #[garde(custom(between(MIN_1, YEAR)))]
        disable_after: Duration = Some("5days"), "a duration from 1m to 365days";
        /// Time for which finished deliveries are kept.
        #[garde(custom(between(HOUR, YEAR)))]
        retention: Duration = Some("30days"), "a duration from 1h to 365days";
        /// Time between two looks for what is due; what happens in the shop is looked for at once.
        #[garde(custom(between(MS_10, MIN_10)))]
        poll_interval: Duration = Some("1s"), "a duration from 10ms to 10m";
        /// Attempts at once, of one process.
        #[garde(range(min = 1, max = 1000))]
        concurrency: u32 = Some("64"), "a whole number from 1 to 1000";
        /// The same for each endpoint, so that a slow one holds up no other.
        #[garde(range(min = 1, max = 1000))]
        concurrency_per_endpoint: u32 = Some("4"), "a whole number from 1 to 1000";
        /// Most endpoints.
        #[garde(range(min = 1, max = 1000))]
        max_endpoints: u32 = Some("100"), "a whole number from 1 to 1000";
        /// Whether endpoints may be reached by HTTP without TLS.
        allow_http: bool = Some("false"), "true for development, or false";
        /// Whether endpoints may have addresses that are not public.
        allow_private: bool = Some("false"), "true for development or endpoints of one's own network, or false";
    }

    /// Recommendations, which are made of what other readers did.
    recommendations: Recommendations {
        /// Whether this process follows what readers do, and computes which books they share. One of all processes has to.
        enabled: bool = Some("true"), "true or false";
        /// Time between two looks for what is to be done; what happens in the shop is looked for at once.
        #[garde(custom(between(MS_10, MIN_10)))]
        interval: Duration = Some("1s"), "a duration from 10ms to 10m";
        /// Books whose neighbours are computed at once; then there is a pause.
        #[garde(range(min = 1, max = 1000))]
        batch: u32 = Some("50"), "a whole number from 1 to 1000";
        /// Time after which the neighbours of a book are computed again though its readers are the same.
        #[garde(custom(between(SEC_1, YEAR)))]
        refresh_after: Duration = Some("1day"), "a duration from 1s to 365days";
    }

    /// Logs and traces.
    telemetry: Telemetry {
        /// How a line of the log is written.
        log_format: LogFormat = Some("json"), "json or text";
        /// What is logged, in the syntax of `tracing`'s `EnvFilter`.
        #[garde(custom(log_directives))]
        log_filter: String = Some("info"), "directives such as info,bookstore=debug";
        /// Where traces go, by OTLP over HTTP; none when empty.
        #[garde(inner(custom(http_url)))]
        otlp_endpoint: Option<String> = Some(""), "a URL such as http://127.0.0.1:4318, or nothing";
        /// Share of the traces begun here that is kept.
        #[garde(range(min = 0.0, max = 1.0))]
        sample_ratio: f64 = Some("1.0"), "a number from 0 to 1";
        /// The name of this service in traces.
        #[garde(length(chars, min = 1, max = 100))]
        service_name: String = Some("bookstore"), "1 to 100 characters";
    }
}
