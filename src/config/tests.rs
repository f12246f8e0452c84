use std::io::Write as _;

use bytesize::ByteSize;

use super::*;

const URLS: [(&str, &str); 2] =
    [("BOOKSTORE_DATABASE__URL", "postgres://u:hunter2@db/shop"), ("BOOKSTORE_REDIS__URL", "redis://:hunter2@redis")];

fn load(env: &[(&str, &str)]) -> Result<Config, ConfigError> {
    let env = URLS.iter().chain(env).map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    Config::load(None, env, [])
}

#[test]
fn what_is_told_beside_the_settings_is_none_of_them() {
    load(&[("BOOKSTORE_CONFIG", "shop.toml"), ("BOOKSTORE_DEV_DIR", "/tmp/shop")]).unwrap();
    load(&[("BOOKSTORE_DEV", "x")]).unwrap_err();
}

#[test]
fn defaults_are_valid_and_every_key_is_documented() {
    let config = load(&[]).unwrap();
    assert_eq!(config.http.bind.to_string(), "127.0.0.1:8080");
    assert_eq!(config.http.body_limit, ByteSize::mib(1));
    assert_eq!(config.telemetry.otlp_endpoint, None);
    assert!(config.database.replicas.is_empty());
    for key in Config::keys() {
        assert!(key.meaning.trim().len() > 3 && !key.allowed.is_empty(), "{} is not documented", key.path());
    }
}

#[test]
fn later_layers_win() {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    write!(
        file,
        "[http]\nbind = \"127.0.0.1:1\"\nmax_in_flight = 7\n[database]\nreplicas = [\"postgres://a\", \"postgres://b\"]"
    )
    .unwrap();
    let env =
        URLS.into_iter().chain([("BOOKSTORE_HTTP__BIND", "127.0.0.1:2"), ("BOOKSTORE_METRICS__ENABLED", "false")]);
    let config = Config::load(
        Some(file.path()),
        env.map(|(name, value)| (name.to_owned(), value.to_owned())),
        [("metrics.enabled".to_owned(), "true".to_owned())],
    )
    .unwrap();
    assert_eq!(config.http.bind.port(), 2);
    assert_eq!(config.http.max_in_flight, 7);
    assert_eq!(config.database.replicas.len(), 2);
    assert!(config.metrics.enabled);
}

#[test]
fn everything_that_is_wrong_is_told_at_once() {
    let error = Config::load(
        None,
        [
            ("BOOKSTORE_HTTP__BIND", "localhost"),
            ("BOOKSTORE_HTTP__BODY_LIMIT", "0"),
            ("BOOKSTORE_HTTP__REQUEST_TIMEOUT", "10"),
            ("BOOKSTORE_HTP__BIND", "127.0.0.1:80"),
            ("BOOKSTORE_DATABASE__URL", "mysql://root:hunter2@db"),
            ("BOOKSTORE_DATABASE__PASSWORD", "hunter2"),
            ("BOOKSTORE_TELEMETRY__LOG_FORMAT", "xml"),
            ("BOOKSTORE_NONSENSE", "1"),
            ("HOME", "/root"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned())),
        [],
    )
    .unwrap_err();
    assert!(!error.to_string().contains("hunter2"), "a secret is shown: {error}");
    insta::assert_snapshot!(error);
}

#[test]
fn rules_and_values_that_depend_on_each_other_are_checked() {
    let error = load(&[
        ("BOOKSTORE_HTTP__BODY_LIMIT", "1 B"),
        ("BOOKSTORE_HTTP__TRUSTED_PROXIES", "17"),
        ("BOOKSTORE_DATABASE__URL", "mysql://root:hunter2@db"),
        ("BOOKSTORE_DATABASE__REPLICAS", "postgres://ok,redis://:hunter2@db"),
        ("BOOKSTORE_DATABASE__MIN_CONNECTIONS", "17"),
        ("BOOKSTORE_AUTH__SESSION_ABSOLUTE", "1h"),
        ("BOOKSTORE_AUTH__ARGON2_MEMORY_KIB", "8"),
        ("BOOKSTORE_AUTH__ARGON2_PARALLELISM", "2"),
        ("BOOKSTORE_METRICS__BIND", "127.0.0.1:8080"),
        ("BOOKSTORE_REDIS__URL", "redis://:hunter2@one,redis://:hunter2@other"),
        ("BOOKSTORE_REDIS__SOFT_DEADLINE", "300ms"),
        ("BOOKSTORE_SHOP__CURRENCY", "usd"),
        ("BOOKSTORE_TELEMETRY__SAMPLE_RATIO", "1.5"),
        ("BOOKSTORE_TELEMETRY__LOG_FILTER", "bookstore=loud"),
    ])
    .unwrap_err();
    assert!(!error.to_string().contains("hunter2"), "a secret is shown: {error}");
    insta::assert_snapshot!(error);
}

#[test]
fn a_cluster_has_several_nodes() {
    let nodes = ("BOOKSTORE_REDIS__URL", "redis://one, redis://other");
    let config = load(&[nodes, ("BOOKSTORE_REDIS__MODE", "cluster")]).unwrap();
    assert_eq!((config.redis.url.len(), config.redis.mode), (2, RedisMode::Cluster));
    assert!(load(&[("BOOKSTORE_REDIS__URL", " , ")]).unwrap_err().to_string().contains("names no server"));
}

#[test]
fn a_file_that_cannot_be_read_says_why() {
    let error = Config::load(Some(Path::new("/nowhere/bookstore.toml")), [], []).unwrap_err();
    assert!(error.to_string().contains("/nowhere/bookstore.toml cannot be read: there is no such file"), "{error}");
    let mut file = tempfile::NamedTempFile::new().unwrap();
    write!(file, "[http\nbind = 1").unwrap();
    let error = Config::load(Some(file.path()), [], []).unwrap_err();
    assert!(error.to_string().contains("TOML parse error at line 1"), "{error}");
}

#[test]
fn secrets_are_redacted() {
    let shown = format!("{:?}", load(&[]).unwrap());
    assert!(!shown.contains("hunter2") && shown.contains("REDACTED"), "{shown}");
}
