//! The command line.

use std::path::PathBuf;

use clap::{Parser, Subcommand};

use crate::commands::import::ImportArguments;

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
    /// Run the shop here, with a PostgreSQL primary, a replica and Redis of its own
    #[command(after_help = "Examples:
  bookstore dev                     the shop with 100,000 made-up books and their readers on http://127.0.0.1:8080
  bookstore dev --books 0           the shop with an empty catalogue
  bookstore dev --exec 'psql \"$DATABASE_URL\"'    a command against a migrated scratch database

The servers listen on loopback at ports of their own, and their data stays for the next run. Ctrl-C stops all of it.")]
    Dev {
        /// How many books an empty catalogue is filled with
        #[arg(long, value_name = "N", default_value_t = 100_000)]
        books: u64,
        /// How many orders, and as many reviews, the made-up readers of such a catalogue have
        #[arg(long, value_name = "N", default_value_t = 20_000)]
        orders: u64,
        /// Where the data of the servers is kept [default: .bookstore beside Cargo.toml, or BOOKSTORE_DEV_DIR]
        #[arg(long, value_name = "FOLDER")]
        dir: Option<PathBuf>,
        /// Run this shell command with DATABASE_URL, REPLICA_URLS and REDIS_URL instead of the shop
        #[arg(long, value_name = "COMMAND", conflicts_with_all = ["books", "orders"])]
        exec: Option<String>,
    },

    /// Serve the API; this is what production runs
    #[command(after_help = "Examples:
  BOOKSTORE_DATABASE__URL=postgres://shop@db/bookstore BOOKSTORE_REDIS__URL=redis://cache bookstore serve
  bookstore serve --config /etc/bookstore.toml

It ends on SIGTERM or SIGINT once the open requests are answered; a second signal hurries it.")]
    Serve,

    /// Bring the database to the schema of this program
    Migrate,

    /// Fill the shop with made-up books and readers
    #[command(after_help = "Examples:
  bookstore seed --books 1000000
  bookstore seed --books 5000 --more      add to the books that are there
  bookstore seed --orders 100000 --reviews 100000    readers for the books that are there

The same seed makes the same books, and for the same books the same readers at other times. All books are written, or none;
then all readers, or none. Readers have tastes: each one buys and reviews mostly books of a few circles, so that what they
have bought tells what they might like. Nobody can sign in as one of them.")]
    Seed {
        /// How many books [default: 100000, or none with --orders or --reviews]
        #[arg(long, value_name = "N")]
        books: Option<u64>,
        /// How many orders of made-up readers
        #[arg(long, value_name = "N", default_value_t = 0)]
        orders: u64,
        /// How many reviews by made-up readers
        #[arg(long, value_name = "N", default_value_t = 0)]
        reviews: u64,
        /// Which books and readers: another number makes other ones
        #[arg(long, value_name = "NUMBER", default_value_t = 1)]
        seed: u64,
        /// Add to a shop that has books, or readers, already
        #[arg(long)]
        more: bool,
    },

    /// Import books from a CSV or NDJSON file
    #[command(after_help = "Examples:
  bookstore import goodbooks-10k.csv
  bookstore import --dry-run --report problems.ndjson catalogue.csv
  bookstore import --strict books.ndjson

Books are found again by their ISBN, else by their source_id; a second import of the same file changes nothing, and an
empty cell never clears what the shop has. Known are the columns of the API and those of two public catalogues, the
Goodreads books table and goodbooks-10k.

Exit codes: 0 every row was imported; 1 some rows were not, or the database failed; 2 nothing of the file can be used.")]
    Import(ImportArguments),

    /// Make an administrator
    #[command(after_help = "Examples:
  bookstore admin ada@example.org

An account of this address is promoted and keeps its password; else one is made, and its password printed.")]
    Admin {
        /// The account's e-mail address
        #[arg(value_name = "EMAIL")]
        email: String,
    },

    /// Measure how good recommendations are
    #[command(after_help = "Examples:
  bookstore evaluate-recommendations
  bookstore evaluate-recommendations --seed 2

Of each reader of five books and more one is hidden, and every method has ten guesses at it. The same seed hides the same
books. Nothing is changed, but that what readers did lately is counted first.")]
    EvaluateRecommendations {
        /// Which books are hidden: another number hides other ones
        #[arg(long, value_name = "NUMBER", default_value_t = 1)]
        seed: u64,
    },

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
