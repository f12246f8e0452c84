//! Text as it should have been: without entities, control characters and stray white space.

/// Cleans a text for one line, and tells what was done if anything that matters was.
#[must_use]
pub fn clean_line(text: &str) -> (String, Option<&'static str>) {
    let (decoded, had_entities) = decoded(text);
    let had_controls = decoded.chars().any(|c| is_noise(c) && !c.is_whitespace());
    let visible: String = decoded.chars().filter(|c| !is_noise(*c) || c.is_whitespace()).collect();
    let clean = visible.split_whitespace().collect::<Vec<_>>().join(" ");
    // White space around a cell is the habit of some files and no damage.
    let had_spaces = clean != visible.trim();
    (clean, told(had_entities, had_controls, had_spaces))
}

/// Cleans a text of several lines.
#[must_use]
pub fn clean_text(text: &str) -> (String, Option<&'static str>) {
    let (decoded, had_entities) = decoded(text);
    let keep = |c: &char| !is_noise(*c) || matches!(c, '\n' | '\t');
    let unified = decoded.replace("\r\n", "\n").replace('\r', "\n");
    let had_controls = !unified.chars().all(|c| keep(&c));
    let visible: String = unified.chars().filter(keep).collect();
    (visible.trim().to_owned(), told(had_entities, had_controls, false))
}

/// Control characters, and marks that are not to be seen and make equal titles differ.
fn is_noise(c: char) -> bool {
    c.is_control() || matches!(c, '\u{200b}' | '\u{feff}' | '\u{2028}' | '\u{2029}' | '\u{fffe}' | '\u{ffff}')
}

fn told(entities: bool, controls: bool, spaces: bool) -> Option<&'static str> {
    match (entities, controls, spaces) {
        (true, _, _) => Some("HTML entities were decoded"),
        (_, true, _) => Some("control characters were removed"),
        (_, _, true) => Some("repeated white space was removed"),
        _ => None,
    }
}

fn decoded(text: &str) -> (String, bool) {
    if !text.contains('&') {
        return (text.to_owned(), false);
    }
    let decoded = html_escape::decode_html_entities(text).into_owned();
    let changed = decoded != text;
    (decoded, changed)
}

/// A whole number, also where a spreadsheet made `652.0` of it.
#[must_use]
pub fn whole_number(text: &str) -> Option<i64> {
    let text = text.trim();
    let digits = text
        .split_once('.')
        .map_or(text, |(whole, fraction)| if fraction.bytes().all(|byte| byte == b'0') { whole } else { text });
    digits.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cleans_lines() {
        let cleaned = |text| clean_line(text);
        assert_eq!(cleaned(" Emma "), ("Emma".into(), None));
        assert_eq!(cleaned("Pride &amp; Prejudice"), ("Pride & Prejudice".into(), Some("HTML entities were decoded")));
        assert_eq!(cleaned("AT&T"), ("AT&T".into(), None));
        assert_eq!(cleaned("Fu\u{98}hrung"), ("Fuhrung".into(), Some("control characters were removed")));
        assert_eq!(cleaned("a\tb  c"), ("a b c".into(), Some("repeated white space was removed")));
        assert_eq!(cleaned("\u{7}"), (String::new(), Some("control characters were removed")));
    }

    #[test]
    fn keeps_the_lines_of_a_text() {
        assert_eq!(clean_text("a\r\n\r\nb\u{b}"), ("a\n\nb".into(), Some("control characters were removed")));
    }

    #[test]
    fn reads_whole_numbers() {
        assert_eq!(whole_number(" 652 "), Some(652));
        assert_eq!(whole_number("652.0"), Some(652));
        assert_eq!(whole_number("-750.0"), Some(-750));
        assert_eq!(whole_number("1.5"), None);
        assert_eq!(whole_number("99999999999999999999"), None);
    }
}
