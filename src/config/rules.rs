//! What settings are held to, apart from their types.

use std::time::Duration;

use bytesize::ByteSize;
use secrecy::{ExposeSecret as _, SecretString};

use super::rates::is_country;

pub(super) const MS_1: Duration = Duration::from_millis(1);
pub(super) const MS_10: Duration = Duration::from_millis(10);
pub(super) const MS_100: Duration = Duration::from_millis(100);
pub(super) const SEC_1: Duration = Duration::from_secs(1);
pub(super) const MIN_1: Duration = Duration::from_secs(60);
pub(super) const MIN_10: Duration = Duration::from_secs(600);
pub(super) const HOUR: Duration = Duration::from_secs(3600);
pub(super) const DAY: Duration = Duration::from_secs(86_400);
pub(super) const YEAR: Duration = Duration::from_secs(365 * 86_400);
pub(super) const KIB: ByteSize = ByteSize::kib(1);
pub(super) const MIB_16: ByteSize = ByteSize::mib(16);
pub(super) const GIB: ByteSize = ByteSize::gib(1);
pub(super) const TIB: ByteSize = ByteSize::tib(1);

pub(super) fn between(min: Duration, max: Duration) -> impl Fn(&Duration, &()) -> garde::Result {
    move |value, ()| in_range(value, &min, &max)
}

pub(super) fn sized(min: ByteSize, max: ByteSize) -> impl Fn(&ByteSize, &()) -> garde::Result {
    move |value, ()| in_range(value, &min, &max)
}

pub(super) fn in_range<T: PartialOrd>(value: &T, min: &T, max: &T) -> garde::Result {
    if value < min {
        Err(garde::Error::new("is too small"))
    } else if value > max {
        Err(garde::Error::new("is too large"))
    } else {
        Ok(())
    }
}

pub(super) fn url_with_scheme(url: &str, schemes: &[&str]) -> garde::Result {
    let known = url.split_once("://").is_some_and(|(scheme, rest)| schemes.contains(&scheme) && !rest.is_empty());
    if known { Ok(()) } else { Err(garde::Error::new(format!("is no {}:// URL", schemes.join(":// or ")))) }
}

pub(super) fn postgres_url(url: &SecretString, _: &()) -> garde::Result {
    url_with_scheme(url.expose_secret(), &["postgres", "postgresql"])
}

pub(super) fn redis_url(url: &SecretString, _: &()) -> garde::Result {
    url_with_scheme(url.expose_secret(), &["redis", "rediss", "unix"])
}

pub(super) fn long_secret(secret: &SecretString, _: &()) -> garde::Result {
    if secret.expose_secret().len() < 16 { Err(garde::Error::new("is too short to be a secret")) } else { Ok(()) }
}

pub(super) fn http_url(url: &str, _: &()) -> garde::Result {
    url_with_scheme(url, &["http", "https"])
}

pub(super) fn currency_code(code: &str, _: &()) -> garde::Result {
    if code.len() == 3 && code.bytes().all(|byte| byte.is_ascii_uppercase()) {
        Ok(())
    } else {
        Err(garde::Error::new("is no currency code"))
    }
}

pub(super) fn country_code(code: &str, _: &()) -> garde::Result {
    if is_country(code) { Ok(()) } else { Err(garde::Error::new("is no code of a country")) }
}

pub(super) fn log_directives(directives: &str, _: &()) -> garde::Result {
    directives
        .parse::<tracing_subscriber::EnvFilter>()
        .map(drop)
        .map_err(|error| garde::Error::new(format!("is no filter: {error}")))
}
