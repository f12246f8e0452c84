//! The command line.

use std::{io::Write as _, process::ExitCode};

use bookstore::{
    cli::{Cli, Command},
    commands::{self, EXIT_USAGE},
    config::ConfigError,
};
use clap::Parser as _;

fn main() -> ExitCode {
    match run(Cli::parse()) {
        Ok(code) => code,
        Err(error) => {
            // Nothing is left to be done where even this cannot be written.
            drop(writeln!(std::io::stderr(), "error: {error:#}"));
            if error.is::<ConfigError>() { ExitCode::from(EXIT_USAGE) } else { ExitCode::FAILURE }
        }
    }
}

fn run(cli: Cli) -> anyhow::Result<ExitCode> {
    let file = cli.config.as_deref();
    match cli.command {
        Command::Serve => commands::serve::run(commands::load_config(file, [])?),
        Command::Openapi { check: false, .. } => commands::openapi::print(),
        Command::Openapi { check: true, file } => commands::openapi::check(&file),
    }
}
