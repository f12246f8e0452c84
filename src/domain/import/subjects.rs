//! Subject headings: lists as Python writes them, or separated by semicolons or bars.

/// Why a cell is no list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ListError {
    /// It ends before its last bracket or quote.
    #[error("the list ends too early")]
    Cut,
    /// Something else than a text where one belongs.
    #[error("the list holds something else than texts")]
    Unexpected,
}

/// The texts of a cell: a Python list literal of strings (`['a', "b"]`, with `None` for nothing), or plain texts between
/// semicolons or bars.
///
/// # Errors
/// Where it begins as a list and does not go on as one.
pub fn read(cell: &str) -> Result<Vec<String>, ListError> {
    let cell = cell.trim();
    match cell {
        "None" | "" => Ok(Vec::new()),
        _ if cell.starts_with('[') => literal(cell),
        _ => {
            let separator = if cell.contains(';') { ';' } else { '|' };
            Ok(cell.split(separator).map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned).collect())
        }
    }
}

/// A list of string literals, after "The Python Language Reference", 2.4.1.
fn literal(cell: &str) -> Result<Vec<String>, ListError> {
    let mut rest = cell.trim_start_matches('[');
    if cell.len() - rest.len() != 1 {
        return Err(ListError::Unexpected);
    }
    let mut list = Vec::new();
    loop {
        rest = rest.trim_start();
        if let Some(after) = rest.strip_prefix(']') {
            return if after.trim().is_empty() { Ok(list) } else { Err(ListError::Unexpected) };
        }
        if let Some(after) = rest.strip_prefix("None") {
            rest = after;
        } else {
            let (text, after) = string(rest)?;
            list.push(text);
            rest = after;
        }
        rest = rest.trim_start();
        match rest.chars().next() {
            Some(',') => rest = &rest[1..],
            Some(']') => {}
            Some(_) => return Err(ListError::Unexpected),
            None => return Err(ListError::Cut),
        }
    }
}

/// A string literal at the beginning of `source`, and what follows it.
fn string(source: &str) -> Result<(String, &str), ListError> {
    let mut chars = source.char_indices();
    let quote = match chars.next() {
        Some((_, quote @ ('\'' | '"'))) => quote,
        Some(_) => return Err(ListError::Unexpected),
        None => return Err(ListError::Cut),
    };
    let mut text = String::new();
    while let Some((at, c)) = chars.next() {
        match c {
            '\\' => {
                let (_, escape) = chars.next().ok_or(ListError::Cut)?;
                let digits = match escape {
                    'x' => 2,
                    'u' => 4,
                    'U' => 8,
                    _ => 0,
                };
                match escape {
                    'x' | 'u' | 'U' => {
                        let code: String = chars.by_ref().take(digits).map(|(_, digit)| digit).collect();
                        if code.len() < digits {
                            return Err(ListError::Cut);
                        }
                        let code = u32::from_str_radix(&code, 16).map_err(|_| ListError::Unexpected)?;
                        // Half of a surrogate pair is no character.
                        text.push(char::from_u32(code).unwrap_or('\u{fffd}'));
                    }
                    'n' => text.push('\n'),
                    't' => text.push('\t'),
                    'r' => text.push('\r'),
                    '\n' => {}
                    '\\' | '\'' | '"' => text.push(escape),
                    // Python keeps the backslash of an escape that it does not know.
                    other => text.extend(['\\', other]),
                }
            }
            c if c == quote => return Ok((text, &source[at + 1..])),
            c => text.push(c),
        }
    }
    Err(ListError::Cut)
}

/// Whether a heading speaks to machines, to the staff of a library or about a copy, and not about the book.
#[must_use]
pub fn is_noise(heading: &str) -> bool {
    /// Marks that Open Library's readers and staff put on books.
    const MARKS: &[&str] = &[
        "open library staff picks",
        "protected daisy",
        "accessible book",
        "in library",
        "large type books",
        "large print books",
        "library",
        "personal copy",
        "general",
        "overdrive",
        "lending library",
        "internet archive wishlist",
        "name",
        "livres en gros caractères",
        "specimens",
        "texts",
        "suo xie ben",
        "undefined",
    ];
    let lower = heading.to_lowercase();
    let tagged = lower.split_once(':').is_some_and(|(tag, value)| {
        tag.bytes().all(|byte| byte.is_ascii_lowercase() || matches!(byte, b'_' | b'-'))
            && heading.starts_with(tag)
            && !value.starts_with(' ')
    });
    let classified = !heading.chars().any(char::is_alphabetic);
    let identified = lower.contains("(ocolc)") || lower.contains("(uri)");
    let level = lower.starts_with("reading level") || lower.starts_with("lexile");
    let joined = !heading.contains(' ') && heading.contains('_');
    tagged || classified || identified || level || joined || MARKS.contains(&lower.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_lists_of_python() {
        assert_eq!(
            read("['a', \"children's\", 'it\\'s', 'tab\\there']").unwrap(),
            ["a", "children's", "it's", "tab\there"]
        );
        assert_eq!(
            read("['Fu\\x98hrung', '\\u00e9', '\\U0001f600', '\\q', '\\\\']").unwrap(),
            ["Fu\u{98}hrung", "é", "😀", "\\q", "\\"]
        );
        assert_eq!(read("[]").unwrap(), [""; 0]);
        assert_eq!(read(" None ").unwrap(), [""; 0]);
        assert_eq!(read("[None, 'a',]").unwrap(), ["a"]);
        assert_eq!(read("['a, b', 'c]']").unwrap(), ["a, b", "c]"]);
    }

    #[test]
    fn reads_plain_lists() {
        assert_eq!(read("Fantasy; Magic, fiction ;").unwrap(), ["Fantasy", "Magic, fiction"]);
        assert_eq!(read("Fantasy|Magic").unwrap(), ["Fantasy", "Magic"]);
        assert_eq!(read("Magic, fiction").unwrap(), ["Magic, fiction"]);
    }

    #[test]
    fn refuses_half_lists() {
        for cell in ["[", "['a'", "['a", "['a\\", "['\\x4", "['\\u12", "['a',"] {
            assert_eq!(read(cell), Err(ListError::Cut), "{cell}");
        }
        for cell in ["[1]", "[['a']]", "['a' 'b']", "['a'] x", "['\\xzz']", "[True]", "[\\]"] {
            assert_eq!(read(cell), Err(ListError::Unexpected), "{cell}");
        }
    }

    #[test]
    fn tells_tags_from_subjects() {
        for noise in [
            "nyt:series_books=2006-07-15",
            "series:Harry_Potter",
            "award:hugo_award=1967",
            "882/.01",
            "Reading Level-Grade 9",
            "Open Library Staff Picks",
            "Great_books_of_the_western_world",
            "World war (1939-1945) fast (OCoLC)fst01180924",
            "lexile:740",
        ] {
            assert!(is_noise(noise), "{noise}");
        }
        for subject in [
            "Wizards",
            "Magic, fiction",
            "Modern history to 20th century: c 1700 to c 1900",
            "Biography: general",
            "Spanish: Grades 4-7",
        ] {
            assert!(!is_noise(subject), "{subject}");
        }
    }

    proptest::proptest! {
        #[test]
        fn never_panics(cell in "\\PC{0,60}", literal in "\\[['\"a,\\\\xuUN \\]0é]{0,40}") {
            let _ = read(&cell);
            let _ = read(&literal);
            let _ = is_noise(&cell);
        }

        #[test]
        fn reads_back_what_python_would_write(list in proptest::collection::vec("[a-c'\"\\\\é]{0,8}", 0..5)) {
            let quoted: Vec<String> = list.iter().map(|text| format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'"))).collect();
            proptest::prop_assert_eq!(read(&format!("[{}]", quoted.join(", "))).unwrap(), list);
        }
    }
}
