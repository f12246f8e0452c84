//! Configuration: one struct a concern, read once at start, secrets redacted.
//!
//! Layers, each stronger than the one before: defaults, an optional TOML file (`--config FILE` or `BOOKSTORE_CONFIG`),
//! the environment (`BOOKSTORE_<SECTION>__<KEY>`), what a command sets itself. Everything that is wrong is told at once,
//! and a key that does not exist is wrong as well: a typo must not be silent.

mod load;
mod rates;
mod rules;
mod setting;

use std::path::Path;

use garde::Validate;

pub use load::{ConfigError, ConfigProblem, env_name};
pub use rates::{ShippingRate, TaxRate, is_country};
pub use setting::{LogFormat, ProviderName, Quota, Raw, RedisMode, Setting};

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

        pub(super) const KEYS: &[Key] = &[$($(
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
            pub(super) fn read(layers: &mut Layers) -> Option<Self> {
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

// After the macro that it uses.
mod sections;

pub use sections::*;

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
            self.payments.recheck_after > self.payments.timeout,
            "payments",
            "recheck_after",
            "is not longer than payments.timeout",
        );
        let shop = &self.shop;
        require(
            !shop.shipping.is_empty() && are_unlike(shop.shipping.iter().map(|rate| &rate.method)),
            "shop",
            "shipping",
            "names no way of shipping, or one twice",
        );
        require(are_unlike(shop.taxes.iter().map(|rate| &rate.country)), "shop", "taxes", "names a country twice");
        let sells_to = |country: &str| shop.taxes.iter().any(|rate| rate.country == country || rate.country == "*");
        require(sells_to(&shop.country), "shop", "country", "has no tax in shop.taxes, so that nothing is sold there");
        let ships_to = |country: &String| {
            shop.shipping.iter().any(|rate| rate.countries.is_empty() || rate.countries.contains(country))
        };
        require(ships_to(&shop.country), "shop", "country", "is shipped to in no way of shop.shipping");
        require(
            !self.metrics.enabled || self.metrics.bind != http.bind || http.bind.port() == 0,
            "metrics",
            "bind",
            "is the address of the API (http.bind); metrics have a port of their own",
        );
    }
}

fn are_unlike<'a>(mut names: impl Iterator<Item = &'a String>) -> bool {
    let mut seen = std::collections::HashSet::new();
    names.all(|name| seen.insert(name))
}

fn key(section: &str, name: &str) -> Option<&'static Key> {
    KEYS.iter().find(|key| key.section == section && key.name == name)
}

#[cfg(test)]
mod tests;
