//! `bookstore import`

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Instant;

use anyhow::Context as _;
use clap::{Args, ValueEnum};
use indicatif::{HumanCount, ProgressBar, ProgressStyle};
use serde_json::json;

use super::EXIT_USAGE;
use crate::app;
use crate::config::Config;
use crate::db::Db;
use crate::domain::import::{FileFormat, Import, ImportError, Options, Repair, Report, RowError, Sink};
use crate::domain::products::Rules;
use crate::model::audit::Actor;
use crate::model::clock::SystemClock;

/// How many errors are shown on the terminal.
const SHOWN: usize = 20;

/// What to import, and how.
#[derive(Debug, Args)]
pub struct ImportArguments {
    /// A CSV file with a header, or NDJSON with one book a line
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// The form of the file, where its name does not say it
    #[arg(long, value_enum, value_name = "FORMAT")]
    format: Option<FormatArgument>,
    /// Import all rows in one transaction, or none where one of them is wrong
    #[arg(long)]
    strict: bool,
    /// Report what would happen, and change nothing
    #[arg(long)]
    dry_run: bool,
    /// Write every rejected row and every repair to this file, as NDJSON
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
}

/// The form of a file.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum FormatArgument {
    Csv,
    Ndjson,
}

impl ImportArguments {
    /// The form that was said, else the one that the file's name says, if any.
    fn declared(&self) -> Option<FileFormat> {
        let extension = self.file.extension().and_then(|extension| extension.to_str()).map(str::to_ascii_lowercase);
        match (self.format, extension.as_deref()) {
            (Some(FormatArgument::Csv), _) | (None, Some("csv" | "tsv")) => Some(FileFormat::Csv),
            (Some(FormatArgument::Ndjson), _) | (None, Some("ndjson" | "jsonl")) => Some(FileFormat::Ndjson),
            (None, _) => None,
        }
    }
}

/// Shows how far it is, and writes the report file.
struct Told {
    bar: ProgressBar,
    file: Option<BufWriter<File>>,
    failed: Option<io::Error>,
}

impl Told {
    fn write(&mut self, line: &serde_json::Value) {
        if let (Some(file), None) = (&mut self.file, &self.failed) {
            self.failed = writeln!(file, "{line}").err();
        }
    }
}

impl Sink for Told {
    fn rejected(&mut self, error: &RowError) {
        self.write(&json!({
            "kind": "rejected", "line": error.line, "column": error.column, "value": error.value, "reason": error.reason,
        }));
    }

    fn repaired(&mut self, repair: &Repair) {
        self.write(&json!({
            "kind": "repaired", "line": repair.line, "column": repair.column, "value": repair.value, "done": repair.done,
        }));
    }

    fn progress(&mut self, bytes: u64) {
        self.bar.set_position(bytes);
    }
}

/// Imports a file of books. The exit code is 0 where every row was imported, 1 where some were not, and 2 where nothing of
/// the file can be used.
///
/// # Errors
/// When the database or the report file cannot be written.
pub fn run(config: &Config, arguments: &ImportArguments) -> anyhow::Result<ExitCode> {
    let mut err = io::stderr();
    let unusable = |error: &dyn std::fmt::Display| {
        // Nobody is left to be told where the terminal is gone.
        let _ = writeln!(io::stderr(), "error: {}: {error}", arguments.file.display());
        Ok(ExitCode::from(EXIT_USAGE))
    };
    let opened = File::open(&arguments.file).and_then(|file| Ok((file.metadata()?, file)));
    let (size, file) = match opened {
        Ok((about, file)) if about.is_file() => (about.len(), file),
        Ok(_) => return unusable(&"is no regular file"),
        Err(error) => return unusable(&error),
    };
    let report_file = match arguments.report.as_ref().map(|path| (path, File::create(path))) {
        Some((path, Err(error))) => {
            let _ = writeln!(err, "error: {}: {error}", path.display());
            return Ok(ExitCode::from(EXIT_USAGE));
        }
        Some((_, Ok(file))) => Some(BufWriter::new(file)),
        None => None,
    };
    let bar = ProgressBar::new(size);
    if let Ok(style) = ProgressStyle::with_template("Import {wide_bar} {bytes} of {total_bytes}, {eta} to go") {
        bar.set_style(style);
    }
    let mut told = Told { bar, file: report_file, failed: None };
    let begun = Instant::now();
    let outcome = super::block_on(work(config, arguments, file, &mut told))?;
    told.bar.finish_and_clear();
    match outcome {
        Ok(report) => {
            if let Some(mut file) = told.file {
                told.failed.map_or_else(|| file.flush(), Err).context("the report cannot be written")?;
            }
            let _ = err.write_all(table(&report, arguments, begun).as_bytes());
            Ok(if report.is_clean() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
        }
        Err(ImportError::Unusable(error)) => unusable(&error),
        Err(error) => Err(error.into()),
    }
}

async fn work(
    config: &Config,
    arguments: &ImportArguments,
    file: File,
    told: &mut Told,
) -> anyhow::Result<Result<Report, ImportError>> {
    let db = Db::new(&config.database)?;
    db.probe_once().await;
    db.check_schema().await?;
    let rules = Rules { currency: config.shop.currency.parse()? };
    let service = Import::new(app::store(config, &db)?, Arc::new(SystemClock), rules);
    let options = Options {
        format: arguments.declared(),
        strict: arguments.strict,
        dry_run: arguments.dry_run,
        name: arguments.file.file_name().map(|name| name.to_string_lossy().into_owned()),
    };
    let actor = Actor { user: None, request_id: None };
    let outcome = service.run(&actor, file, &options, told).await;
    db.close().await;
    Ok(outcome)
}

/// The report for people.
fn table(report: &Report, arguments: &ImportArguments, begun: Instant) -> String {
    let mut text = format!(
        "{}: {}, {} rows in {:.1} s{}\n",
        arguments.file.display(),
        report.format,
        HumanCount(report.received),
        begun.elapsed().as_secs_f64(),
        if report.dry_run { " (nothing was changed: --dry-run)" } else { "" },
    );
    for (name, count) in [
        ("created", report.created),
        ("updated", report.updated),
        ("unchanged", report.unchanged),
        ("rejected", report.rejected),
        ("repaired", report.repaired),
    ] {
        text.push_str(&format!("  {name:<10}{:>10}\n", HumanCount(count).to_string()));
    }
    if !report.ignored_columns.is_empty() {
        text.push_str(&format!("Ignored columns: {}\n", report.ignored_columns.join(", ")));
    }
    if !report.repairs.is_empty() {
        text.push_str("Repaired:\n");
    }
    for repair in &report.repairs {
        text.push_str(&format!("{:>10}  {}: {}\n", HumanCount(repair.rows).to_string(), repair.column, repair.done));
    }
    if !report.errors.is_empty() {
        text.push_str("Rejected:\n");
    }
    for error in report.errors.iter().take(SHOWN) {
        let column = error.column.as_ref().map(|column| format!(", {column}")).unwrap_or_default();
        let value = error.value.as_ref().map(|value| format!(" {value:?}")).unwrap_or_default();
        text.push_str(&format!("  line {}{column}{value}: {}\n", error.line, error.reason));
    }
    if report.errors.len() > SHOWN {
        text.push_str("  … and more; --report FILE writes all of them\n");
    }
    if report.strict && !report.is_clean() {
        text.push_str("Nothing was imported: --strict takes all rows or none.\n");
    }
    text
}
