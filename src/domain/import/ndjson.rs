//! NDJSON: on each line one object in the shape that the API takes and gives for a book.

use std::collections::BTreeSet;
use std::io::{BufRead, Read};

use serde_json::{Map, Value};

use super::columns::{Column, Dialect};
use super::report::{RowError, Unusable, excerpt};
use super::row::{Cell, LONGEST_ROW, Next, Row, Rows, encoding_error};

/// How many names of unknown fields are remembered.
const MOST_IGNORED: usize = 100;

/// The rows of an NDJSON file.
pub struct NdjsonRows<R> {
    input: R,
    text: Vec<u8>,
    line: u64,
    bytes: u64,
    ignored: BTreeSet<String>,
}

impl<R: BufRead> NdjsonRows<R> {
    /// Reads `input`.
    #[must_use]
    pub fn new(input: R) -> Self {
        Self { input, text: Vec::new(), line: 0, bytes: 0, ignored: BTreeSet::new() }
    }

    fn error(&self, column: Option<&str>, value: &str, reason: String) -> RowError {
        RowError { line: self.line, column: column.map(str::to_owned), value: Some(excerpt(value)), reason }
    }

    fn understand(&mut self, complete: bool) -> Next {
        let text = match std::str::from_utf8(&self.text) {
            Ok(text) => text,
            Err(error) => return Next::Bad(encoding_error(self.line, None, &self.text, error.valid_up_to())),
        };
        let object = match serde_json::from_str::<Value>(text.trim_end()) {
            Ok(Value::Object(object)) => object,
            Ok(_) => return Next::Bad(self.error(None, text, "is no JSON object".to_owned())),
            Err(error) => {
                let cut = if error.is_eof() && !complete { "; the file seems to be cut off here" } else { "" };
                return Next::Bad(self.error(
                    None,
                    text,
                    format!("is no JSON: {} at column {}{cut}", category(&error), error.column()),
                ));
            }
        };
        let mut row = Row::new(self.line);
        match self.fill(&mut row, "", object) {
            Ok(()) => Next::Row(row),
            Err(error) => Next::Bad(error),
        }
    }

    /// Takes over the fields of an object; those of an object inside under names such as `series.name`.
    fn fill(&mut self, row: &mut Row, prefix: &str, object: Map<String, Value>) -> Result<(), RowError> {
        for (name, value) in object {
            let path = if prefix.is_empty() { name } else { format!("{prefix}.{name}") };
            if path == "rating.histogram" {
                self.histogram(row, &value)?;
                continue;
            }
            if let (Value::Object(inner), "series" | "price" | "rating") = (&value, path.as_str()) {
                self.fill(row, &path, inner.clone())?;
                continue;
            }
            let Some(column) = column_of(&path) else {
                if self.ignored.len() < MOST_IGNORED {
                    self.ignored.insert(excerpt(&path));
                }
                continue;
            };
            match cell(&value) {
                Ok(Some(Cell::List(_))) if !matches!(column, Column::Authors | Column::Genres | Column::Subjects) => {
                    let reason = "is a list where one text belongs".to_owned();
                    return Err(self.error(Some(&path), &value.to_string(), reason));
                }
                Ok(Some(cell)) => row.set(column, cell),
                Ok(None) => {}
                Err(reason) => return Err(self.error(Some(&path), &value.to_string(), reason.to_owned())),
            }
        }
        Ok(())
    }

    fn histogram(&self, row: &mut Row, value: &Value) -> Result<(), RowError> {
        let counts = match value {
            Value::Null => return Ok(()),
            Value::Array(counts) if counts.len() == 5 => counts,
            _ => {
                let reason = "is no list of five numbers".to_owned();
                return Err(self.error(Some("rating.histogram"), &value.to_string(), reason));
            }
        };
        for (column, count) in Column::HISTOGRAM.into_iter().zip(counts) {
            row.set(column, Cell::Text(count.to_string()));
        }
        Ok(())
    }
}

fn category(error: &serde_json::Error) -> &'static str {
    if error.is_eof() { "it ends too early" } else { "a syntax error" }
}

fn column_of(path: &str) -> Option<Column> {
    match path {
        "series.name" => Some(Column::Series),
        "series.position" => Some(Column::SeriesPosition),
        "price.amount" => Some(Column::PriceAmount),
        "price.currency" => Some(Column::PriceCurrency),
        "rating.average" => Some(Column::RatingAverage),
        "rating.count" => Some(Column::RatingCount),
        path => Column::of_header(path),
    }
}

fn cell(value: &Value) -> Result<Option<Cell>, &'static str> {
    match value {
        Value::Null => Ok(None),
        Value::String(text) => Ok(Some(Cell::Text(text.clone()))),
        Value::Number(number) => Ok(Some(Cell::Text(number.to_string()))),
        Value::Array(values) => values
            .iter()
            .map(|value| value.as_str().map(str::to_owned))
            .collect::<Option<Vec<_>>>()
            .map(|list| Some(Cell::List(list)))
            .ok_or("is a list of something else than texts"),
        Value::Bool(_) => Err("is a truth value where a text or number belongs"),
        Value::Object(_) => Err("is an object where a text or number belongs"),
    }
}

impl<R: BufRead> Rows for NdjsonRows<R> {
    fn next_row(&mut self) -> Result<Next, Unusable> {
        loop {
            self.line += 1;
            self.text.clear();
            let read = (&mut self.input)
                .take(LONGEST_ROW + 1)
                .read_until(b'\n', &mut self.text)
                .map_err(Unusable::Unreadable)?;
            if read == 0 {
                return Ok(Next::End);
            }
            self.bytes += read as u64;
            let complete = self.text.last() == Some(&b'\n');
            if !complete && read as u64 > LONGEST_ROW {
                let reason = format!("is longer than {LONGEST_ROW} bytes; nothing from this line on was read");
                return Ok(Next::Broken(self.error(None, &String::from_utf8_lossy(&self.text[..200]), reason)));
            }
            if self.line == 1 && self.text.starts_with(b"\xEF\xBB\xBF") {
                self.text.drain(..3);
            }
            if !self.text.trim_ascii().is_empty() {
                return Ok(self.understand(complete));
            }
        }
    }

    fn dialect(&self) -> Dialect {
        Dialect::Own
    }

    fn has(&self, _: Column) -> bool {
        true
    }

    fn header(&self, column: Column) -> &str {
        match column {
            Column::SeriesPosition => "series.position",
            Column::PriceAmount => "price.amount",
            Column::PriceCurrency => "price.currency",
            Column::RatingAverage => "rating.average",
            Column::RatingCount => "rating.count",
            Column::Ratings1 | Column::Ratings2 | Column::Ratings3 | Column::Ratings4 | Column::Ratings5 => {
                "rating.histogram"
            }
            column => column.name(),
        }
    }

    fn ignored(&self) -> Vec<String> {
        self.ignored.iter().cloned().collect()
    }

    fn position(&self) -> u64 {
        self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(file: &str) -> (Vec<Next>, Vec<String>) {
        let mut rows = NdjsonRows::new(file.as_bytes());
        let mut all = Vec::new();
        loop {
            match rows.next_row().unwrap() {
                Next::End => return (all, rows.ignored()),
                next => all.push(next),
            }
        }
    }

    #[test]
    fn reads_the_shape_of_the_api() {
        let (rows, ignored) = read(concat!(
            "\u{feff}{\"title\":\"A\",\"authors\":[\"B\",\"C\"],\"series\":{\"name\":\"S\",\"position\":1.5},\"pages\":320,",
            "\"price\":{\"amount\":1499,\"currency\":\"USD\"},\"rating\":{\"average\":4.5,\"count\":15,\"histogram\":[1,2,3,4,5]},",
            "\"publisher\":null,\"shelf\":true}\n\n",
        ));
        let [Next::Row(row)] = rows.as_slice() else { panic!("{rows:?}") };
        assert_eq!(row.cell(Column::Authors), Some(&Cell::List(vec!["B".into(), "C".into()])));
        let text = |column| row.text(column).unwrap_or_default();
        assert_eq!((text(Column::Series), text(Column::SeriesPosition), text(Column::Pages)), ("S", "1.5", "320"));
        assert_eq!((text(Column::PriceAmount), text(Column::Ratings5), text(Column::Publisher)), ("1499", "5", ""));
        assert_eq!(ignored, ["shelf"]);
    }

    #[test]
    fn tells_what_is_wrong_with_a_line() {
        let (rows, _) = read("{\"title\":true}\n[1]\n{\"title\":\n{\"rating\":{\"histogram\":[1]}}\n{\"title\":\"A");
        let told: Vec<_> = rows
            .iter()
            .map(|next| match next {
                Next::Bad(error) => format!("{} {:?} {}", error.line, error.column, error.reason),
                other => format!("{other:?}"),
            })
            .collect();
        assert_eq!(
            told,
            [
                "1 Some(\"title\") is a truth value where a text or number belongs",
                "2 None is no JSON object",
                "3 None is no JSON: it ends too early at column 9",
                "4 Some(\"rating.histogram\") is no list of five numbers",
                "5 None is no JSON: it ends too early at column 11; the file seems to be cut off here",
            ]
        );
    }

    #[test]
    fn bounds_a_line() {
        let long = format!("{{\"title\":\"{}\"}}\n", "a".repeat(2 * LONGEST_ROW as usize));
        let (rows, _) = {
            let mut rows = NdjsonRows::new(long.as_bytes());
            (vec![rows.next_row().unwrap()], ())
        };
        assert!(matches!(&rows[0], Next::Broken(error) if error.line == 1));
    }
}
