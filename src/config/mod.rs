//! Configuration: one struct a concern, read once at start, secrets redacted.
//!
//! Layers, each stronger than the one before: defaults, an optional TOML file (`--config FILE` or `BOOKSTORE_CONFIG`),
//! the environment (`BOOKSTORE_<SECTION>__<KEY>`), what a command sets itself. Everything that is wrong is told at once,
//! and a key that does not exist is wrong as well: a typo must not be silent.

mod load;
mod setting;

use std::{net::SocketAddr, path::Path, time::Duration};

use bytesize::ByteSize;
use garde::Validate;
use secrecy::{ExposeSecret, SecretString};

pub use load::{ConfigError, ConfigProblem, env_name};
pub use setting::{LogFormat, Quota, Raw, RedisMode, Setting};

use load::Layers;

/// What every environment variable of this program begins with.
pub const ENV_PREFIX: &str = "BOOKSTORE_";

/// One line of the reference of all settings.
#[derive(Debug, Clone, Copy)]
pub struct Key {
    /// The section, `http`.
    pub section: &'static str,
    /// The key within its section, `bind`.
    pub name: &'static str,
    /// The default; `None` where a value must be given, an empty text where a value may be absent.
    pub default: Option<&'static str>,
    /// What it means.
    pub meaning: &'static str,
    /// Which values are allowed.
    pub allowed: &'static str,
    /// Whether the value must never be shown.
    pub secret: bool,
}

impl Key {
    /// The key as the file writes it: `http.bind`.
    #[must_use]
    pub fn path(&self) -> String {
        format!("{}.{}", self.section, self.name)
    }
}

/// Declares the sections: each setting with its meaning, type, default, what is allowed, and the rule that holds it.
/// One place, so that the reference, the messages and the code cannot drift apart.
macro_rules! sections {
    ($(
        $(#[doc = $section_doc:literal])+
        $field:ident: $section:ident {$(
            $(#[doc = $doc:literal])+
            $(#[garde($($rule:tt)+)])?
            $name:ident: $type:ty = $default:expr, $allowed:literal;
        )+}
    )+) => {
        /// The whole configuration.
        #[derive(Debug, Clone, Validate)]
        pub struct Config {$(
            $(#[doc = $section_doc])+
            #[garde(dive)]
            pub $field: $section,
        )+}

        $(
            $(#[doc = $section_doc])+
            #[derive(Debug, Clone, Validate)]
            #[garde(allow_unvalidated)]
            pub struct $section {$(
                $(#[doc = $doc])+
                $(#[garde($($rule)+)])?
                pub $name: $type,
            )+}
        )+

        const KEYS: &[Key] = &[$($(
            Key {
                section: stringify!($field),
                name: stringify!($name),
                default: $default,
                meaning: concat!($($doc),+),
                allowed: $allowed,
                secret: <$type as Setting>::SECRET,
            },
        )+)+];

        impl Config {
            /// Reads every section; what cannot be read is remembered in `layers`.
            fn read(layers: &mut Layers) -> Option<Self> {
                // Every field is read before the first `?`, so that all problems are found.
                $(let $field = {
                    $(let $name = key(stringify!($field), stringify!($name)).and_then(|key| layers.read::<$type>(key));)+
                    (|| Some($section {$($name: $name?,)+}))()
                };)+
                Some(Self {$($field: $field?,)+})
            }
        }
    };
}

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
        /// Most connections to each node.
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
        /// How many best sellers are read ahead at the start and kept, with the genres and the front pages; 0 for nothing at all.
        #[garde(range(max = 1000))]
        warm_books: u32 = Some("200"), "a whole number up to 1000";
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

    /// How often books are looked at.
    views: Views {
        /// Time between two writes of the counts; what was not written when the process is killed is lost.
        #[garde(custom(between(MS_10, MIN_10)))]
        flush_interval: Duration = Some("5s"), "a duration from 10ms to 10m";
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

impl Config {
    /// Reads and checks the configuration: defaults, `file`, `env` (name and value of every variable; those without
    /// [`ENV_PREFIX`] are not looked at), and `overrides` (key such as `database.url`, and value).
    ///
    /// # Errors
    /// Everything that is wrong, at once.
    pub fn load(
        file: Option<&Path>,
        env: impl IntoIterator<Item = (String, String)>,
        overrides: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Self, ConfigError> {
        let mut layers = Layers::new(file, env, overrides)?;
        layers.complain_of_unknown_keys();
        let config = Self::read(&mut layers);
        if let Some(config) = &config {
            config.check(&mut layers);
        }
        match config {
            Some(config) if layers.is_clean() => Ok(config),
            _ => Err(layers.finish().err().unwrap_or(ConfigError(Vec::new()))),
        }
    }

    /// The reference of all settings, in the order of their declaration.
    #[must_use]
    pub fn keys() -> &'static [Key] {
        KEYS
    }

    /// Checks each value by its rule, and the few that depend on each other.
    fn check(&self, layers: &mut Layers) {
        let report = self.validate().err().map(garde::Report::into_inner).unwrap_or_default();
        for (path, error) in report {
            let path = path.to_string();
            let path = path.split('[').next().unwrap_or_default();
            if let Some(key) = path.split_once('.').and_then(|(section, name)| key(section, name)) {
                layers.complain(key, error.message().to_owned());
            }
        }
        let mut require = |holds: bool, section: &str, name: &str, why: &str| {
            if !holds && let Some(key) = key(section, name) {
                layers.complain(key, why.to_owned());
            }
        };
        let (database, redis, auth, http) = (&self.database, &self.redis, &self.auth, &self.http);
        require(
            database.min_connections <= database.max_connections,
            "database",
            "min_connections",
            "is more than database.max_connections",
        );
        require(!redis.url.is_empty(), "redis", "url", "names no server");
        require(
            redis.mode == RedisMode::Cluster || redis.url.len() <= 1,
            "redis",
            "url",
            "names several servers, and redis.mode is not cluster",
        );
        require(redis.soft_deadline <= redis.timeout, "redis", "soft_deadline", "is longer than redis.timeout");
        require(
            auth.session_idle <= auth.session_absolute,
            "auth",
            "session_absolute",
            "is shorter than auth.session_idle",
        );
        require(
            auth.argon2_memory_kib >= 8 * auth.argon2_parallelism,
            "auth",
            "argon2_memory_kib",
            "is less than 8 KiB for each lane of auth.argon2_parallelism",
        );
        require(
            !self.metrics.enabled || self.metrics.bind != http.bind || http.bind.port() == 0,
            "metrics",
            "bind",
            "is the address of the API (http.bind); metrics have a port of their own",
        );
    }
}

fn key(section: &str, name: &str) -> Option<&'static Key> {
    KEYS.iter().find(|key| key.section == section && key.name == name)
}

const MS_1: Duration = Duration::from_millis(1);
const MS_10: Duration = Duration::from_millis(10);
const MS_100: Duration = Duration::from_millis(100);
const SEC_1: Duration = Duration::from_secs(1);
const MIN_1: Duration = Duration::from_secs(60);
const MIN_10: Duration = Duration::from_secs(600);
const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(86_400);
const YEAR: Duration = Duration::from_secs(365 * 86_400);
const KIB: ByteSize = ByteSize::kib(1);
const MIB_16: ByteSize = ByteSize::mib(16);
const GIB: ByteSize = ByteSize::gib(1);
const TIB: ByteSize = ByteSize::tib(1);

fn between(min: Duration, max: Duration) -> impl Fn(&Duration, &()) -> garde::Result {
    move |value, ()| in_range(value, &min, &max)
}

fn sized(min: ByteSize, max: ByteSize) -> impl Fn(&ByteSize, &()) -> garde::Result {
    move |value, ()| in_range(value, &min, &max)
}

fn in_range<T: PartialOrd>(value: &T, min: &T, max: &T) -> garde::Result {
    if value < min {
        Err(garde::Error::new("is too small"))
    } else if value > max {
        Err(garde::Error::new("is too large"))
    } else {
        Ok(())
    }
}

fn url_with_scheme(url: &str, schemes: &[&str]) -> garde::Result {
    let known = url.split_once("://").is_some_and(|(scheme, rest)| schemes.contains(&scheme) && !rest.is_empty());
    if known { Ok(()) } else { Err(garde::Error::new(format!("is no {}:// URL", schemes.join(":// or ")))) }
}

fn postgres_url(url: &SecretString, _: &()) -> garde::Result {
    url_with_scheme(url.expose_secret(), &["postgres", "postgresql"])
}

fn redis_url(url: &SecretString, _: &()) -> garde::Result {
    url_with_scheme(url.expose_secret(), &["redis", "rediss", "unix"])
}

fn http_url(url: &str, _: &()) -> garde::Result {
    url_with_scheme(url, &["http", "https"])
}

fn currency_code(code: &str, _: &()) -> garde::Result {
    if code.len() == 3 && code.bytes().all(|byte| byte.is_ascii_uppercase()) {
        Ok(())
    } else {
        Err(garde::Error::new("is no currency code"))
    }
}

fn log_directives(directives: &str, _: &()) -> garde::Result {
    directives
        .parse::<tracing_subscriber::EnvFilter>()
        .map(drop)
        .map_err(|error| garde::Error::new(format!("is no filter: {error}")))
}

#[cfg(test)]
mod tests;
