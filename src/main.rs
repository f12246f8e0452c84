//! The command line.

use std::{io::Write as _, process::ExitCode};

use bookstore::{
    cli::{Cli, Command},
    commands::{
        self, EXIT_USAGE,
        seed::{DEFAULT_BOOKS, Wanted},
    },
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
    let config = cli.config.clone();
    let file = config.as_deref();
    match cli.command {
        Command::Dev { books, orders, dir, exec } => {
            let options = commands::dev::Options { config: cli.config, books, orders, dir };
            match exec {
                Some(command) => commands::dev::exec(&options, &command),
                None => commands::dev::run(&options),
            }
        }
        Command::Migrate => commands::migrate::run(&commands::load_config(file, [])?),
        Command::Seed { books, orders, reviews, seed, more } => {
            let books = books.unwrap_or(if orders == 0 && reviews == 0 { DEFAULT_BOOKS } else { 0 });
            let wanted = Wanted { books, orders, reviews, seed, more };
            commands::seed::run(&commands::load_config(file, [])?, &wanted)
        }
        Command::Import(arguments) => commands::import::run(&commands::load_config(file, [])?, &arguments),
        Command::Serve => commands::serve::run(commands::load_config(file, [])?),
        Command::Admin { email } => commands::admin::run(&commands::load_config(file, [])?, &email),
        Command::EvaluateRecommendations { seed } => commands::evaluate::run(&commands::load_config(file, [])?, seed),
        Command::Openapi { check: false, .. } => commands::openapi::print(),
        Command::Openapi { check: true, file } => commands::openapi::check(&file),
    }
}
