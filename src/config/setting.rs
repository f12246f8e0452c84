//! The types that a setting may have, and how each is read from text.
//!
//! Every layer (defaults, file, environment) is reduced to text first, so that a value means the same wherever it is
//! written: `"10s"` in the file, `10s` in the environment.

use std::{fmt, net::SocketAddr, num::NonZeroU32, path::PathBuf, str::FromStr, time::Duration};

use bytesize::ByteSize;
use secrecy::SecretString;

/// A value as it was written: one text, or a list of texts (a TOML array, or a comma-separated list in the environment).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Raw {
    /// A single value.
    One(String),
    /// Several values.
    Many(Vec<String>),
}

impl fmt::Display for Raw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::One(text) => f.write_str(text),
            Self::Many(texts) => f.write_str(&texts.join(",")),
        }
    }
}

/// A type that a setting can have.
pub trait Setting: Sized {
    /// Whether the value must never be shown.
    const SECRET: bool = false;

    /// Reads the value.
    ///
    /// # Errors
    /// Why the text is no such value, as half a sentence. It must not repeat the text, which may be a secret.
    fn read(raw: &Raw) -> Result<Self, String>;
}

/// The single text of a setting that is no list.
fn one(raw: &Raw) -> Result<&str, String> {
    match raw {
        Raw::One(text) => Ok(text.trim()),
        Raw::Many(_) => Err("is a list where one value is expected".to_owned()),
    }
}

macro_rules! from_text {
    ($($type:ty: $expected:literal),+ $(,)?) => {$(
        impl Setting for $type {
            fn read(raw: &Raw) -> Result<Self, String> {
                one(raw)?.parse().map_err(|_| concat!("is not ", $expected).to_owned())
            }
        }
    )+};
}

from_text! {
    bool: "true or false",
    u8: "a whole number",
    u16: "a whole number",
    u32: "a whole number",
    u64: "a whole number",
    f64: "a number",
    SocketAddr: "an address with a port",
    ByteSize: "a size",
    PathBuf: "a path",
    LogFormat: "json or text",
    RedisMode: "standalone or cluster",
    ProviderName: "a payment provider that there is",
    Quota: "a number of requests and a window of up to a year",
}

impl Setting for String {
    fn read(raw: &Raw) -> Result<Self, String> {
        one(raw).map(str::to_owned)
    }
}

impl Setting for Duration {
    fn read(raw: &Raw) -> Result<Self, String> {
        humantime_serde::re::humantime::parse_duration(one(raw)?).map_err(|error| format!("is not a duration: {error}"))
    }
}

impl Setting for SecretString {
    const SECRET: bool = true;

    fn read(raw: &Raw) -> Result<Self, String> {
        one(raw).map(Self::from)
    }
}

impl<T: Setting> Setting for Option<T> {
    const SECRET: bool = T::SECRET;

    fn read(raw: &Raw) -> Result<Self, String> {
        match raw {
            Raw::One(text) if text.trim().is_empty() => Ok(None),
            _ => T::read(raw).map(Some),
        }
    }
}

impl<T: Setting> Setting for Vec<T> {
    const SECRET: bool = T::SECRET;

    fn read(raw: &Raw) -> Result<Self, String> {
        match raw {
            Raw::One(text) => text
                .split(',')
                .map(str::trim)
                .filter(|part| !part.is_empty())
                .map(|part| T::read(&Raw::One(part.to_owned())))
                .collect(),
            Raw::Many(texts) => texts.iter().map(|text| T::read(&Raw::One(text.clone()))).collect(),
        }
    }
}

/// How a line of the log is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// One JSON object a line, for machines.
    Json,
    /// Coloured text, for people.
    Text,
}

impl FromStr for LogFormat {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        match text {
            "json" => Ok(Self::Json),
            "text" => Ok(Self::Text),
            _ => Err(()),
        }
    }
}

/// What the addresses of Redis belong to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RedisMode {
    /// One server.
    Standalone,
    /// A Redis Cluster.
    Cluster,
}

impl FromStr for RedisMode {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        match text {
            "standalone" => Ok(Self::Standalone),
            "cluster" => Ok(Self::Cluster),
            _ => Err(()),
        }
    }
}

/// A payment provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProviderName {
    /// The built-in one, which takes no money.
    Test,
}

impl FromStr for ProviderName {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        match text {
            "test" => Ok(Self::Test),
            _ => Err(()),
        }
    }
}

/// How many requests are allowed in which window, written `200/10s`.
///
/// The quota is a bucket (GCRA): all of it may be used at once, and it refills evenly over the window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quota {
    /// Requests in one window.
    pub requests: NonZeroU32,
    /// The time in which a used-up quota is whole again.
    pub window: Duration,
}

/// No quota has a longer one.
const LONGEST_WINDOW: Duration = Duration::from_secs(366 * 86_400);

impl FromStr for Quota {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (requests, window) = text.split_once('/').ok_or(())?;
        let window = humantime_serde::re::humantime::parse_duration(window.trim()).map_err(drop)?;
        let requests = requests.trim().parse().map_err(drop)?;
        if window.is_zero() || window > LONGEST_WINDOW { Err(()) } else { Ok(Self { requests, window }) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(value: &str) -> Raw {
        Raw::One(value.to_owned())
    }

    #[test]
    fn units_are_read() {
        assert_eq!(Duration::read(&text("500ms")).unwrap(), Duration::from_millis(500));
        assert_eq!(ByteSize::read(&text("1 MiB")).unwrap(), ByteSize::mib(1));
        let quota = Quota::read(&text("200/10s")).unwrap();
        assert_eq!((quota.requests.get(), quota.window), (200, Duration::from_secs(10)));
        assert!(Duration::read(&text("10")).is_err(), "a duration needs its unit");
        assert!(Quota::read(&text("0/10s")).is_err());
        assert!(Quota::read(&text("10/0s")).is_err());
        assert!(Quota::read(&text("10/2years")).is_err());
    }

    #[test]
    fn a_list_is_an_array_or_separated_by_commas() {
        let expected = vec!["a".to_owned(), "b".to_owned()];
        assert_eq!(Vec::<String>::read(&text("a, b")).unwrap(), expected);
        assert_eq!(Vec::<String>::read(&Raw::Many(expected.clone())).unwrap(), expected);
        assert_eq!(Vec::<String>::read(&text("")).unwrap(), Vec::<String>::new());
        assert!(String::read(&Raw::Many(expected)).is_err());
    }

    #[test]
    fn an_empty_text_is_no_value_for_an_optional_setting() {
        assert_eq!(Option::<String>::read(&text(" ")).unwrap(), None);
        assert_eq!(Option::<String>::read(&text("x")).unwrap(), Some("x".to_owned()));
    }
}
