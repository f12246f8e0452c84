//! The command line.

use std::path::PathBuf;

use clap::{Parser, Subcommand};

/// An online book shop's back end.
#[derive(Debug, Parser)]
#[command(
    version,
    about,
    long_about = "An online book shop's back end: catalogue, search, people and stock over HTTP, \
        backed by PostgreSQL and Redis.",
    after_help = "Every setting can be given in a TOML file (--config) or as BOOKSTORE_<SECTION>__<KEY> in the environment, \
        for instance BOOKSTORE_HTTP__BIND=0.0.0.0:8080. The README has a table of all of them.",
    arg_required_else_help = true,
    propagate_version = true
)]
pub struct Cli {
    /// Read settings from this TOML file
    #[arg(long, short, global = true, value_name = "FILE", env = "BOOKSTORE_CONFIG")]
    pub config: Option<PathBuf>,

    /// What to do
    #[command(subcommand)]
    pub command: Command,
}

/// What the program can do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Serve the API; this is what production runs
    #[command(after_help = "Examples:
  BOOKSTORE_DATABASE__URL=postgres://shop@db/bookstore BOOKSTORE_REDIS__URL=redis://cache bookstore serve
  bookstore serve --config /etc/bookstore.toml

It ends on SIGTERM or SIGINT once the open requests are answered; a second signal hurries it.")]
    Serve,

    /// Print the OpenAPI document
    #[command(after_help = "Examples:
  bookstore openapi > openapi/openapi.json     write the document
  bookstore openapi --check                    fail if the file is not what the code says")]
    Openapi {
        /// Compare with the file instead, and tell which operations differ
        #[arg(long)]
        check: bool,
        /// The file to compare with
        #[arg(long, value_name = "FILE", default_value = "openapi/openapi.json", requires = "check")]
        file: PathBuf,
    },
}
