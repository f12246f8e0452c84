//! Titles that carry their series behind them, as in `Twilight (Twilight, #1)`.

use crate::model::product::Series;

/// Restores commas that a file replaced by a second space: in the "Goodreads books" table they were written as
/// separators once. Before a bracket two spaces are just that.
#[must_use]
pub fn restore_commas(title: &str) -> Option<String> {
    let mut restored = String::with_capacity(title.len());
    let mut rest = title.trim();
    let mut changed = false;
    while let Some((before, after)) = rest.split_once("  ") {
        let after = after.trim_start();
        restored.push_str(before);
        let lost = before
            .chars()
            .last()
            .is_some_and(|last| last.is_alphanumeric() || matches!(last, '\'' | ')' | '.' | '!' | '?' | '"'))
            && !after.starts_with(['(', '#']);
        changed |= lost;
        restored.push_str(if lost { ", " } else { " " });
        rest = after;
    }
    restored.push_str(rest);
    changed.then_some(restored)
}

/// Takes the series off a title. Of several the first is kept; a range such as `#1-3` is no position.
#[must_use]
pub fn split_series(title: &str) -> Option<(String, Series)> {
    let (before, group) = last_group(title.trim())?;
    let (name, number) = group.split_once('#')?;
    let name = name.trim().trim_end_matches([',', ';', ':', '-']).trim();
    let before = before.trim();
    if name.is_empty() || before.is_empty() {
        return None;
    }
    let number = number.trim_start();
    let digits = number.bytes().take_while(|byte| byte.is_ascii_digit() || *byte == b'.').count();
    let position: f64 = number[..digits].trim_end_matches('.').parse().ok()?;
    let rest = number[digits..].trim_start();
    let is_one_book = rest.is_empty() || rest.starts_with([';', ',', ':', '/']);
    let position = (is_one_book && position <= 100_000.0).then_some(position);
    Some((before.to_owned(), Series { name: name.to_owned(), position }))
}

/// What stands before and in the brackets that end a title.
fn last_group(title: &str) -> Option<(&str, &str)> {
    let inner = title.strip_suffix(')')?;
    let mut depth = 1;
    for (at, c) in inner.char_indices().rev() {
        match c {
            ')' => depth += 1,
            '(' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return Some((&title[..at], &inner[at + 1..]));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(title: &str) -> (String, String, Option<f64>) {
        split_series(title).map_or_else(
            || (title.to_owned(), String::new(), None),
            |(title, series)| (title, series.name, series.position),
        )
    }

    #[test]
    fn takes_the_series_off() {
        for (text, title, series, position) in [
            ("Twilight (Twilight, #1)", "Twilight", "Twilight", Some(1.0)),
            ("I, Robot (Robot #0.1)", "I, Robot", "Robot", Some(0.1)),
            ("Sabriel (Abhorsen,  #1)", "Sabriel", "Abhorsen", Some(1.0)),
            ("Maus (Maus, #1-2)", "Maus", "Maus", None),
            ("Four (Divergent, #0.1 - 0.4)", "Four", "Divergent", None),
            ("Oedipus (The Theban Plays, #1–3)", "Oedipus", "The Theban Plays", None),
            ("Both (Maisie Dobbs  #1 & #2)", "Both", "Maisie Dobbs", None),
            ("Mort (Discworld, #4; Death, #1)", "Mort", "Discworld", Some(4.0)),
            ("Night Play (Dark-Hunter #5, Were-Hunter #1)", "Night Play", "Dark-Hunter", Some(5.0)),
            ("Storm (Ice and Fire, #3: Part 2 of 2)", "Storm", "Ice and Fire", Some(3.0)),
            ("Salvation (Studies (InterVarsity Press)  #11)", "Salvation", "Studies (InterVarsity Press)", Some(11.0)),
            ("One Thousand (One Thousand White Women#1)", "One Thousand", "One Thousand White Women", Some(1.0)),
        ] {
            assert_eq!(split(text), (title.to_owned(), series.to_owned(), position), "{text}");
        }
    }

    #[test]
    fn leaves_other_titles_alone() {
        for text in [
            "Saga #1",
            "#GIRLBOSS",
            "Emma (Penguin Classics)",
            "(Series, #1)",
            "Odd) (#1)",
            "A (B, #)",
            "A (B, #x)",
            ")",
            "A (B #1) C",
        ] {
            assert_eq!(split(text).0, text, "{text}");
        }
    }

    #[test]
    fn restores_commas() {
        assert_eq!(
            restore_commas("The Lion  the Witch and the Wardrobe (Narnia  #2)").as_deref(),
            Some("The Lion, the Witch and the Wardrobe (Narnia #2)")
        );
        assert_eq!(restore_commas("Neverwhere  (Den #1)"), None);
        assert_eq!(restore_commas("Labyrinths:  Selected Stories"), None);
        assert_eq!(restore_commas("Emma "), None);
    }

    proptest::proptest! {
        #[test]
        fn never_panics(title in "[a#() 0-9.,é]{0,30}") {
            let _ = split_series(&title);
            let _ = restore_commas(&title);
        }
    }
}
