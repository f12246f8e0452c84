//! What the commands of the command line do: one file each.

pub mod admin;
pub mod dev;
pub mod evaluate;
pub mod import;
pub mod migrate;
pub mod openapi;
pub mod seed;
pub mod serve;

use std::path::Path;

use crate::config::{Config, ConfigError};

/// The exit code for a command line or configuration that cannot be used, as clap has it.
pub const EXIT_USAGE: u8 = 2;

/// The configuration of this process, with what the command sets itself.
///
/// # Errors
/// Everything that is wrong with it.
pub fn load_config(
    file: Option<&Path>,
    overrides: impl IntoIterator<Item = (String, String)>,
) -> Result<Config, ConfigError> {
    let env =
        std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
    Config::load(file, env, overrides)
}

/// Runs what must not return before everything is done, on a runtime of its own.
///
/// # Errors
/// Those of the runtime and of `work`.
pub fn block_on<T>(work: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(work)
}
