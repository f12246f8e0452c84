//! `bookstore serve`

use std::process::ExitCode;

use crate::{app::App, config::Config, lifecycle::Shutdown, telemetry::Telemetry};

/// Serves until a signal.
///
/// # Errors
/// When it cannot start.
pub fn run(config: Config) -> anyhow::Result<ExitCode> {
    let telemetry = Telemetry::install(&config.telemetry)?;
    let metrics = telemetry.metrics();
    let result = super::block_on(async {
        let shutdown = App::build(config, Some(metrics)).await?.serve().await?;
        tracing::info!(clean = shutdown == Shutdown::Clean, "stopped");
        Ok(ExitCode::SUCCESS)
    });
    telemetry.flush();
    result
}
