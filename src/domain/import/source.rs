//! What kind of file it is, told by what was said about it and by its first bytes.

use std::fs::File;
use std::io::{BufRead, BufReader, Seek};

use super::csv::CsvRows;
use super::ndjson::NdjsonRows;
use super::report::{FileFormat, Unusable};
use super::row::Rows;

/// How many bytes are looked at.
const START: usize = 64 * 1024;

/// Opens a file from its beginning.
///
/// # Errors
/// Where it is neither CSV nor NDJSON, or another one than was said.
pub fn open(mut file: File, declared: Option<FileFormat>) -> Result<(FileFormat, Box<dyn Rows>), Unusable> {
    file.rewind().map_err(Unusable::Unreadable)?;
    let mut input = BufReader::with_capacity(START, file);
    let start = input.fill_buf().map_err(Unusable::Unreadable)?.to_vec();
    let found = sniff(&start)?;
    match declared {
        Some(declared) if declared != found => return Err(Unusable::Contradiction { declared, found }),
        _ => {}
    }
    Ok(match found {
        FileFormat::Csv => (found, Box::new(CsvRows::new(input, &start)?)),
        FileFormat::Ndjson => (found, Box::new(NdjsonRows::new(input))),
    })
}

/// What a file that begins like this is.
fn sniff(start: &[u8]) -> Result<FileFormat, Unusable> {
    const MAGIC: &[(&[u8], &str)] = &[
        (b"\xFF\xFE", "it is UTF-16; convert it to UTF-8"),
        (b"\xFE\xFF", "it is UTF-16; convert it to UTF-8"),
        (b"PK\x03\x04", "it is a ZIP archive or a spreadsheet (.xlsx, .ods); save it as CSV in UTF-8"),
        (b"\xD0\xCF\x11\xE0", "it is a spreadsheet (.xls); save it as CSV in UTF-8"),
        (b"\x1F\x8B", "it is compressed with gzip; unpack it"),
        (b"\x28\xB5\x2F\xFD", "it is compressed with zstd; unpack it"),
        (b"BZh", "it is compressed with bzip2; unpack it"),
        (b"%PDF", "it is a PDF document"),
        (b"SQLite format 3", "it is an SQLite database"),
        (b"PAR1", "it is a Parquet file"),
    ];
    if let Some((_, what)) = MAGIC.iter().find(|(magic, _)| start.starts_with(magic)) {
        return Err(Unusable::NotText(what));
    }
    if start.contains(&0) {
        // Latin letters in UTF-16 leave every second byte empty.
        let zeros = start.iter().filter(|byte| **byte == 0).count();
        let what = if zeros * 3 > start.len() { "it is UTF-16; convert it to UTF-8" } else { "it is binary" };
        return Err(Unusable::NotText(what));
    }
    let text = start.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(start).trim_ascii_start();
    match text.first() {
        None if start.len() < START => Err(Unusable::Empty),
        Some(b'<') => Err(Unusable::NotText("it is HTML or XML; perhaps an error page was saved in its place")),
        Some(b'[') if is_json_array(text) => Err(Unusable::JsonArray),
        Some(b'{') => Ok(FileFormat::Ndjson),
        _ => Ok(FileFormat::Csv),
    }
}

/// A header may begin with a bracket too; an array of objects goes on in one way only.
fn is_json_array(text: &[u8]) -> bool {
    matches!(text.get(1..).map(<[u8]>::trim_ascii_start).and_then(<[u8]>::first), Some(b'{' | b']' | b'[') | None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recognizes_files() {
        let told = |start: &[u8]| sniff(start).map_or_else(|error| error.to_string(), |format| format.to_string());
        assert_eq!(told(b"title,authors\n"), "CSV");
        assert_eq!(told(b"\xEF\xBB\xBF{\"title\":1}"), "NDJSON");
        assert!(told(b"").contains("empty"));
        assert!(told(b" \n\n").contains("empty"));
        assert!(told(b"<!doctype html>").contains("HTML"));
        assert!(told(b"[\n {\"title\":\"A\"}]").contains("array"));
        assert!(told(b"PK\x03\x04abc").contains("spreadsheet"));
        assert!(told(b"\xFF\xFEt\0i\0").contains("UTF-16"));
        assert!(told(b"t\0i\0t\0l\0e\0,\0").contains("UTF-16"));
        assert!(told(b"\x7FELF\x02\x01\x01\0\0\0abcdefghijklmnopqrstuvwxyz").contains("binary"));
    }
}
