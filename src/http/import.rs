//! Bulk import of books.

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use futures::StreamExt as _;
use garde::Validate;
use serde::{Deserialize, Serialize};
use std::fs::File;
use tokio::io::AsyncWriteExt as _;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::auth::Administrator;
use super::extract::{Query, require_media_type};
use super::middleware::bounds::body_problem;
use super::middleware::context::RequestContext;
use super::problem::{FieldError, Kind, Problem, ProblemDocument};
use super::state::AppState;
use crate::domain::import::{FileFormat, ImportError, Options, Report, RowError, Unusable};

/// The routes.
pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(import))
}

/// How to import.
#[derive(Debug, Deserialize, IntoParams, Validate)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ImportQuery {
    /// The form of the body, where the `Content-Type` does not say it.
    #[serde(default)]
    #[garde(skip)]
    #[param(inline)]
    format: Option<FormatParameter>,
    /// Import all rows, or none where one of them is wrong.
    #[serde(default)]
    #[garde(skip)]
    #[param(required = false, default = false)]
    strict: bool,
    /// Say what would happen, and change nothing.
    #[serde(default)]
    #[garde(skip)]
    #[param(required = false, default = false)]
    dry_run: bool,
}

/// The form of a file.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = ImportFormat)]
enum FormatParameter {
    /// Comma-separated values with a header.
    Csv,
    /// One JSON object a line.
    Ndjson,
}

impl From<FormatParameter> for FileFormat {
    fn from(format: FormatParameter) -> Self {
        match format {
            FormatParameter::Csv => Self::Csv,
            FormatParameter::Ndjson => Self::Ndjson,
        }
    }
}

/// What became of a file.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ImportReport)]
struct ReportDocument {
    /// The form of the file.
    format: FormatParameter,
    /// Whether all or nothing was asked for.
    strict: bool,
    /// Whether nothing was to be changed.
    dry_run: bool,
    /// Whether the file could be read to its end. Where not, the last error says from which line on nothing was read.
    complete: bool,
    /// Rows of the file, without header and blank lines.
    #[schema(minimum = 0, example = 10000)]
    received: u64,
    /// Books that are new.
    #[schema(minimum = 0, example = 9800)]
    created: u64,
    /// Books that changed.
    #[schema(minimum = 0, example = 12)]
    updated: u64,
    /// Books that were already as the file has them.
    #[schema(minimum = 0, example = 186)]
    unchanged: u64,
    /// Rows that were not imported.
    #[schema(minimum = 0, example = 2)]
    rejected: u64,
    /// Rows of which something was repaired or left out.
    #[schema(minimum = 0, example = 431)]
    repaired: u64,
    /// Columns or fields that mean nothing here.
    #[schema(example = json!(["small_image_url"]))]
    ignored_columns: Vec<String>,
    /// What was repaired, the most frequent first.
    repairs: Vec<RepairDocument>,
    /// Why rows were not imported: at most the first 1,000 reasons.
    errors: Vec<RowErrorDocument>,
    /// Whether there are more reasons than are listed.
    errors_truncated: bool,
}

/// How many rows were repaired in one way.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ImportRepair)]
struct RepairDocument {
    /// The column, as the file names it.
    #[schema(example = "isbn")]
    column: String,
    /// What was done.
    #[schema(example = "leading zeros were restored")]
    done: &'static str,
    /// In how many rows.
    #[schema(minimum = 1, example = 431)]
    rows: u64,
}

/// Why a row was not imported.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ImportRowError)]
struct RowErrorDocument {
    /// The line on which the row begins, from 1.
    #[schema(minimum = 1, example = 17)]
    line: u64,
    /// The column, as the file names it; `null` where it is about the row as a whole.
    #[schema(example = "price_amount")]
    column: Option<String>,
    /// The beginning of the offending value.
    #[schema(example = "9,99")]
    value: Option<String>,
    /// What is wrong.
    #[schema(example = "is no whole number of minor units, such as 1499 for 14.99")]
    reason: String,
}

impl From<Report> for ReportDocument {
    fn from(report: Report) -> Self {
        let row_error = |error: RowError| RowErrorDocument {
            line: error.line,
            column: error.column,
            value: error.value,
            reason: error.reason,
        };
        Self {
            format: match report.format {
                FileFormat::Csv => FormatParameter::Csv,
                FileFormat::Ndjson => FormatParameter::Ndjson,
            },
            strict: report.strict,
            dry_run: report.dry_run,
            complete: report.complete,
            received: report.received,
            created: report.created,
            updated: report.updated,
            unchanged: report.unchanged,
            rejected: report.rejected,
            repaired: report.repaired,
            ignored_columns: report.ignored_columns,
            repairs: report
                .repairs
                .into_iter()
                .map(|count| RepairDocument { column: count.column, done: count.done, rows: count.rows })
                .collect(),
            errors: report.errors.into_iter().map(row_error).collect(),
            errors_truncated: report.errors_truncated,
        }
    }
}

/// Import books
///
/// Takes a CSV file with a header, or NDJSON with a book in the shape of `ProductInput` on each line. Headers are the
/// names of this API (`title`, `subtitle`, `series`, `series_position`, `authors`, `isbn10`, `isbn13`, `language`, `format`,
/// `publisher`, `published`, `pages`, `description`, `genres`, `subjects`, `cover_url`, `price_amount`, `price_currency`,
/// `status`, `stock`, `source`, `source_id`, `work_id`, `rating_average`, `rating_count`, `ratings_1` to `ratings_5`), or
/// those of two public catalogues, "Goodreads books" and goodbooks-10k. Several authors, genres or subjects in a cell are
/// separated by semicolons.
///
/// A book is found again by its ISBN, else by its `source_id`. Empty cells change nothing, so importing a file twice
/// changes nothing either. The body is read to its end before anything is written: a request that breaks off has
/// imported nothing.
#[utoipa::path(
    post, path = "/products/import", operation_id = "importProducts", tag = "products",
    params(ImportQuery),
    request_body(
        content(
            (String = "text/csv",
             example = "title,authors,isbn13,published,genres,price_amount\nA Wizard of Earthsea,Ursula K. Le Guin,9780547773742,1968,fantasy,999\n"),
            (String = "application/x-ndjson",
             example = "{\"title\":\"A Wizard of Earthsea\",\"authors\":[\"Ursula K. Le Guin\"],\"isbn13\":\"9780547773742\"}\n"),
        ),
    ),
    responses(
        (status = 200, description = "What became of each row", body = ReportDocument),
        (status = 422, description = "Nothing of the file can be used, or it was to be imported strictly and has wrong rows: nothing was imported",
         body = ProblemDocument, content_type = "application/problem+json"),
    ),
    security(("bearer" = []), ("cookie" = [])),
)]
async fn import(
    State(state): State<AppState>,
    administrator: Administrator,
    context: RequestContext,
    Query(query): Query<ImportQuery>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let format = match query.format {
        Some(format) => format.into(),
        None => declared(&headers)?,
    };
    let file = spooled(body).await?;
    let options = Options { format: Some(format), strict: query.strict, dry_run: query.dry_run, name: None };
    let actor = administrator.actor(context.request_id());
    let report = state.import.run(&actor, file, &options, &mut ()).await?;
    if options.strict && !report.is_clean() {
        return Err(refused(report));
    }
    let answer = axum::Json(ReportDocument::from(report));
    Ok(([(header::CACHE_CONTROL, "no-store")], answer).into_response())
}

/// The form that the `Content-Type` says.
fn declared(headers: &HeaderMap) -> Result<FileFormat, Problem> {
    if require_media_type(headers, &["text/csv"]).is_ok() {
        return Ok(FileFormat::Csv);
    }
    require_media_type(headers, &["text/csv", "application/x-ndjson"])?;
    Ok(FileFormat::Ndjson)
}

/// The body as a file without a name, which the system removes with its last handle. A client that sends slowly holds
/// neither memory nor a transaction.
async fn spooled(body: Body) -> Result<File, Problem> {
    let failed = |error: std::io::Error| Problem::internal(&error);
    let file = tokio::task::spawn_blocking(tempfile::tempfile).await.map_err(|error| Problem::internal(&error))?;
    let mut file = tokio::fs::File::from_std(file.map_err(failed)?);
    let mut pieces = body.into_data_stream();
    while let Some(piece) = pieces.next().await {
        let piece: Bytes = piece.map_err(|error| body_problem(&error))?;
        file.write_all(&piece).await.map_err(failed)?;
    }
    file.flush().await.map_err(failed)?;
    Ok(file.into_std().await)
}

fn refused(report: Report) -> Problem {
    let more = if report.errors_truncated { ", of which the first are listed" } else { "" };
    let detail = format!("{} of {} rows cannot be imported{more}; nothing was.", report.rejected, report.received);
    Problem::invalid(report.errors.into_iter().map(|error| {
        let column = error.column.as_deref().unwrap_or_default().replace('~', "~0").replace('/', "~1");
        let place = if column.is_empty() { format!("/{}", error.line) } else { format!("/{}/{column}", error.line) };
        let value = error.value.map(|value| format!(" {value:?}")).unwrap_or_default();
        let column = error.column.map(|column| format!(", {column}")).unwrap_or_default();
        FieldError::body(place, "rejected_row", format!("line {}{column}{value}: {}", error.line, error.reason))
    }))
    .detail(detail)
}

impl From<ImportError> for Problem {
    fn from(error: ImportError) -> Self {
        let sentence = |error: &Unusable| {
            let text = error.to_string();
            let mut letters = text.chars();
            let first = letters.next().map(|first| first.to_uppercase().to_string()).unwrap_or_default();
            format!("{first}{}.", letters.as_str())
        };
        match error {
            ImportError::Unusable(Unusable::Unreadable(error)) => Self::internal(&error),
            ImportError::Unusable(error @ (Unusable::NotText(_) | Unusable::Contradiction { .. })) => {
                Self::new(Kind::UnsupportedMediaType).detail(sentence(&error))
            }
            ImportError::Unusable(error) => Self::new(Kind::ValidationFailed).detail(sentence(&error)),
            ImportError::Store(error) => error.into(),
            ImportError::Stopped => Self::internal(&ImportError::Stopped),
        }
    }
}
