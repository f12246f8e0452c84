//! CSV as people have it: RFC 4180, with commas, semicolons, tabs or bars between the fields and any kind of line end.

use std::io::BufRead;

use csv_core::{ReadRecordResult, Reader, ReaderBuilder};

use super::columns::{Column, Dialect, Layout};
use super::report::{RowError, Unusable, excerpt};
use super::row::{Cell, LONGEST_ROW, Next, Row, Rows, encoding_error};

/// What the parser is given behind the last byte of the file. Where all quotes are closed, this ends the last record
/// and makes one of its own; where one is open, it becomes part of the last field.
const END: &[u8] = b"\n\x04end of the file\x04\n";

/// The most fields of a row.
const MOST_FIELDS: usize = 4_096;

/// How reading a record went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    Record,
    TooLong,
    OpenQuote,
    End,
}

/// The records of a file, one at a time.
struct Records<R> {
    input: R,
    parser: Reader,
    text: Vec<u8>,
    ends: Vec<usize>,
    fields: usize,
    /// The line that the next byte stands on, and the one on which the record began.
    line: u64,
    record_line: u64,
    bytes: u64,
    last_byte: u8,
    ended: bool,
}

impl<R: BufRead> Records<R> {
    fn new(input: R, separator: u8) -> Self {
        Self {
            input,
            parser: ReaderBuilder::new().delimiter(separator).build(),
            text: vec![0; 4096],
            ends: vec![0; 64],
            fields: 0,
            line: 1,
            record_line: 1,
            bytes: 0,
            last_byte: b'\n',
            ended: false,
        }
    }

    fn consume(&mut self, count: usize, newlines: usize, last: Option<u8>) {
        self.input.consume(count);
        self.bytes += count as u64;
        self.line += newlines as u64;
        self.last_byte = last.unwrap_or(self.last_byte);
    }

    /// Skips line ends, so that the next record begins at the present line.
    fn skip_blank_lines(&mut self) -> std::io::Result<()> {
        loop {
            let buffer = self.input.fill_buf()?;
            let blank = buffer.iter().take_while(|byte| matches!(byte, b'\n' | b'\r')).count();
            let (newlines, last) = (lines(&buffer[..blank]), buffer[..blank].last().copied());
            self.consume(blank, newlines, last);
            if blank == 0 {
                return Ok(());
            }
        }
    }

    fn next(&mut self) -> Result<Outcome, Unusable> {
        if self.ended {
            return Ok(Outcome::End);
        }
        self.skip_blank_lines().map_err(Unusable::Unreadable)?;
        self.record_line = self.line;
        let start = self.bytes;
        let (mut text, mut ends) = (0, 0);
        let mut tail = END;
        loop {
            let buffer = self.input.fill_buf().map_err(Unusable::Unreadable)?;
            let at_end = buffer.is_empty();
            let input = if at_end { tail } else { buffer };
            let (result, read, wrote, ended) =
                self.parser.read_record(input, &mut self.text[text..], &mut self.ends[ends..]);
            let (newlines, last) = (lines(&input[..read]), input[..read].last().copied());
            if at_end {
                self.ended = true;
                tail = &tail[read..];
            } else {
                self.consume(read, newlines, last);
            }
            text += wrote;
            ends += ended;
            match result {
                ReadRecordResult::InputEmpty => {}
                ReadRecordResult::OutputFull => self.text.resize(self.text.len() * 2, 0),
                ReadRecordResult::OutputEndsFull => self.ends.resize(self.ends.len() * 2, 0),
                ReadRecordResult::Record | ReadRecordResult::End => {
                    self.fields = ends;
                    return Ok(self.judge());
                }
            }
            if self.bytes - start > LONGEST_ROW || ends > MOST_FIELDS {
                self.fields = 0;
                return Ok(Outcome::TooLong);
            }
        }
    }

    /// What the record that was just read is.
    fn judge(&mut self) -> Outcome {
        if !self.ended {
            return Outcome::Record;
        }
        let end = END.trim_ascii();
        let in_last_field = self.field(self.fields.saturating_sub(1)).windows(end.len()).any(|part| part == end);
        match in_last_field {
            true if self.fields == 1 && self.field(0) == end => Outcome::End,
            true => Outcome::OpenQuote,
            false => Outcome::Record,
        }
    }

    fn field(&self, at: usize) -> &[u8] {
        let start = if at == 0 { 0 } else { self.ends[at - 1] };
        &self.text[start..self.ends[at]]
    }

    fn iter(&self) -> impl Iterator<Item = &[u8]> {
        (0..self.fields).map(|at| self.field(at))
    }
}

fn lines(bytes: &[u8]) -> usize {
    bytes.iter().filter(|byte| **byte == b'\n').count()
}

/// The separator that a header uses most, outside of quotes.
fn separator(start: &[u8]) -> u8 {
    let mut quoted = false;
    let mut counts = [(b'|', 0), (b'\t', 0), (b';', 0), (b',', 0)];
    for byte in start.trim_ascii_start() {
        match byte {
            b'"' => quoted = !quoted,
            b'\n' | b'\r' if !quoted => break,
            byte if !quoted => {
                counts.iter_mut().filter(|(separator, _)| separator == byte).for_each(|(_, count)| *count += 1);
            }
            _ => {}
        }
    }
    // Of equals, `max_by_key` gives the last: the comma.
    counts.iter().max_by_key(|(_, count)| *count).map_or(b',', |(separator, _)| *separator)
}

/// The rows of a CSV file.
pub struct CsvRows<R> {
    records: Records<R>,
    layout: Layout,
}

impl<R: BufRead> CsvRows<R> {
    /// Reads the header. `start` is the beginning of the file, which `input` gives again.
    ///
    /// # Errors
    /// Where the header cannot be understood.
    pub fn new(input: R, start: &[u8]) -> Result<Self, Unusable> {
        let mut records = Records::new(input, separator(start));
        match records.next()? {
            Outcome::Record => {}
            Outcome::End => return Err(Unusable::Empty),
            Outcome::TooLong | Outcome::OpenQuote => return Err(Unusable::EndlessHeader),
        }
        let headers = records
            .iter()
            .map(|field| std::str::from_utf8(field).map(str::to_owned))
            .collect::<Result<Vec<_>, _>>()
            .map_err(|_| Unusable::HeaderEncoding)?;
        Ok(Self { layout: Layout::of_headers(headers)?, records })
    }

    fn error(&self, reason: String) -> RowError {
        let value = self.records.iter().next().map(|field| excerpt(&String::from_utf8_lossy(field)));
        RowError { line: self.records.record_line, column: None, value, reason }
    }

    fn understand(&self) -> Next {
        let line = self.records.record_line;
        let (fields, expected) = (self.records.fields, self.layout.fields.len());
        if fields != expected {
            let cut = self.records.ended && self.records.last_byte != b'\n' && fields < expected;
            let hint = if cut { "; the file seems to be cut off here" } else { "" };
            return Next::Bad(self.error(format!("has {fields} fields, the header has {expected}{hint}")));
        }
        let mut row = Row::new(line);
        for (at, field) in self.records.iter().enumerate() {
            match std::str::from_utf8(field) {
                Ok(text) => {
                    if let Some(column) = self.layout.fields[at] {
                        row.set(column, Cell::Text(text.to_owned()));
                    }
                }
                Err(error) => {
                    let header = self.layout.header_at(at);
                    return Next::Bad(encoding_error(line, Some(header), field, error.valid_up_to()));
                }
            }
        }
        Next::Row(row)
    }
}

impl<R: BufRead> Rows for CsvRows<R> {
    fn next_row(&mut self) -> Result<Next, Unusable> {
        loop {
            match self.records.next()? {
                Outcome::End => return Ok(Next::End),
                Outcome::TooLong => {
                    return Ok(Next::Broken(self.error(format!(
                        "is longer than {LONGEST_ROW} bytes or {MOST_FIELDS} fields: a quote that opens here is never closed; \
                         nothing from this line on was read"
                    ))));
                }
                Outcome::OpenQuote => {
                    return Ok(Next::Broken(
                        self.error(
                            "a quote that opens here is never closed: the file is cut off, or a quote is missing"
                                .to_owned(),
                        ),
                    ));
                }
                // A line of separators alone is what spreadsheets write for an empty line.
                Outcome::Record if self.records.iter().all(|field| field.trim_ascii().is_empty()) => {}
                Outcome::Record => return Ok(self.understand()),
            }
        }
    }

    fn dialect(&self) -> Dialect {
        self.layout.dialect
    }

    fn has(&self, column: Column) -> bool {
        self.layout.fields.contains(&Some(column))
    }

    fn header(&self, column: Column) -> &str {
        self.layout.header(column)
    }

    fn ignored(&self) -> Vec<String> {
        self.layout.ignored()
    }

    fn position(&self) -> u64 {
        self.records.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a file reads as, in one line.
    fn read(file: &[u8]) -> String {
        // A tiny buffer, so that records cross its borders.
        let input = std::io::BufReader::with_capacity(7, file);
        let mut rows = match CsvRows::new(input, file) {
            Ok(rows) => rows,
            Err(error) => return error.to_string(),
        };
        let mut told = Vec::new();
        loop {
            told.push(match rows.next_row().unwrap() {
                Next::End => break,
                Next::Row(row) => format!(
                    "{}={}/{}",
                    row.line,
                    row.text(Column::Title).unwrap_or_default(),
                    row.text(Column::Authors).unwrap_or_default()
                ),
                Next::Bad(error) => format!("bad {}: {}", error.line, error.reason),
                Next::Broken(error) => {
                    told.push(format!("broken {}: {}", error.line, error.reason));
                    break;
                }
            });
        }
        told.join("; ")
    }

    #[test]
    fn reads_what_people_write() {
        let plain = "2=A/B; 3=C/D";
        assert_eq!(read(b"title,authors\nA,B\nC,D\n"), plain);
        assert_eq!(read(b"title,authors\nA,B\nC,D"), plain);
        assert_eq!(read(b"title,authors\r\nA,B\r\nC,D\r\n"), plain);
        assert_eq!(read(b"\xEF\xBB\xBFtitle;authors\nA;B\nC;D\n"), plain);
        assert_eq!(read(b"title\tauthors\nA\tB\nC\tD\n"), plain);
        assert_eq!(read(b"\"title\",\"authors\"\n\"A\",\"B\"\n\"C\",\"D\""), plain);
        assert_eq!(read(b"title,authors\r\n\r\nA,B\r\n,\r\n\r\nC,D\r\n"), "3=A/B; 6=C/D");
        assert_eq!(read(b"title,authors\n\"A\nB\",\"C \"\"D\"\"\"\nE,F\n"), "2=A\nB/C \"D\"; 4=E/F");
        assert_eq!(read(b"title,authors\n"), "");
    }

    #[test]
    fn tells_where_a_row_is_wrong() {
        assert_eq!(
            read(b"title,authors\nA\nC,D,E\nF,G\n"),
            "bad 2: has 1 fields, the header has 2; bad 3: has 3 fields, the header has 2; 4=F/G"
        );
        assert!(
            read(b"title,authors\nA,B\nC")
                .ends_with("bad 3: has 1 fields, the header has 2; the file seems to be cut off here")
        );
        assert!(read(b"title,authors\nA,B\nC,\"D").ends_with(
            "broken 3: a quote that opens here is never closed: the file is cut off, or a quote is missing"
        ));
        assert!(read(b"title,authors\nA,B\nC,\"D\n").contains("broken 3"));
        assert!(
            read(b"title,authors\nA,\xE9t\xE9\nC,D\n").starts_with("bad 2: is not UTF-8 (byte 0xE9, 1 of the text)")
        );
        assert!(read(b"title,authors\nA,\xE9t\xE9\nC,D\n").ends_with("3=C/D"));
    }

    #[test]
    fn a_quote_left_open_does_not_swallow_the_file() {
        let mut file = b"title,authors\nA,B\n\nC,\"D\n".to_vec();
        file.extend(b"E,F\n".repeat(600_000));
        let told = read(&file);
        assert!(told.starts_with("2=A/B; broken 4: is longer than 1048576 bytes"), "{}", &told[..100]);
    }

    #[test]
    fn refuses_headers_that_say_nothing() {
        assert!(read(b"").contains("empty"));
        assert!(read(b"\n\n\r\n").contains("empty"));
        assert!(read(b"\"title,authors\nA,B\n").contains("never ends"));
        assert!(read(b"t\xEFtle,authors\n").contains("not UTF-8"));
        assert!(read(b"a,b\n1,2\n").contains("no column for title, authors"));
    }
}
