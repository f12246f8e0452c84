//! Sentences with holes: `the {adj} {noun} of {place}`.
//!
//! A hole is filled with a word of the list that it names, and keeps that word for all texts of one book, so that the
//! blurb speaks of what the title names. `{noun2}` is another word of the list `noun`; `{a adj}` puts the right article
//! before it; `{^noun}` begins with a capital.

use std::borrow::Cow;

use super::people::{self, Culture};
use super::random::Choices;

/// Lists of words by the names of their holes.
pub(super) type Slots = &'static [(&'static str, &'static [&'static str])];

/// The words that one book has chosen.
pub(super) struct Words {
    lists: [Slots; 2],
    chosen: Vec<(&'static str, Cow<'static, str>)>,
    culture: &'static Culture,
}

impl Words {
    /// No word chosen yet. The first list that knows a hole fills it; invented people are of `culture`.
    pub(super) fn new(lists: [Slots; 2], culture: &'static Culture) -> Self {
        Self { lists, chosen: Vec::with_capacity(8), culture }
    }

    /// The holes that have their words.
    pub(super) fn chosen(&self) -> Vec<&'static str> {
        self.chosen.iter().map(|(hole, _)| *hole).collect()
    }

    /// Forgets the words of all holes but these, so that the next text chooses new ones.
    pub(super) fn keep(&mut self, holes: &[&'static str]) {
        self.chosen.retain(|(hole, _)| holes.contains(hole));
    }

    /// Fills in `pattern`, at the end of `text`.
    pub(super) fn write(&mut self, text: &mut String, pattern: &'static str, choices: &mut Choices) {
        let mut rest = pattern;
        while let Some((before, after)) = rest.split_once('{') {
            let Some((hole, after)) = after.split_once('}') else { break };
            text.push_str(before);
            let (article, hole) = hole.strip_prefix("a ").map_or((false, hole), |hole| (true, hole));
            let (capital, hole) = hole.strip_prefix('^').map_or((false, hole), |hole| (true, hole));
            let at = self.word(hole, choices);
            let word = &self.chosen[at].1;
            if article {
                text.push_str(if word.starts_with(['a', 'e', 'i', 'o', 'u']) { "an " } else { "a " });
            }
            if capital {
                push_capitalized(text, word)
            } else {
                text.push_str(word)
            }
            rest = after;
        }
        text.push_str(rest);
    }

    fn word(&mut self, hole: &'static str, choices: &mut Choices) -> usize {
        if let Some(at) = self.chosen.iter().position(|(chosen, _)| *chosen == hole) {
            return at;
        }
        let list_name = hole.trim_end_matches(|c: char| c.is_ascii_digit());
        let list = self.lists.iter().flat_map(|lists| lists.iter()).find(|(name, _)| *name == list_name);
        let word = match (list, list_name) {
            (Some((_, list)), _) => self.unused(list, choices),
            (None, "hero") => Cow::Owned(people::invented(self.culture, choices)),
            (None, "first") => Cow::Borrowed(choices.one(self.culture.given)),
            (None, "family") => Cow::Borrowed(choices.one(self.culture.family)),
            (None, _) => Cow::Borrowed(list_name),
        };
        self.chosen.push((hole, word));
        self.chosen.len() - 1
    }

    /// A word that this book has not used yet, if a few tries find one.
    fn unused(&self, list: &[&'static str], choices: &mut Choices) -> Cow<'static, str> {
        let mut word = choices.one(list);
        for _ in 0..4 {
            if self.chosen.iter().all(|(_, used)| used != word) {
                break;
            }
            word = choices.one(list);
        }
        Cow::Borrowed(word)
    }
}

/// Appends `word` with its first letter raised.
pub(super) fn push_capitalized(text: &mut String, word: &str) {
    let mut letters = word.chars();
    text.extend(letters.next().into_iter().flat_map(char::to_uppercase));
    text.push_str(letters.as_str());
}

/// The words that English titles do not capitalize, but at their beginning.
const SMALL: &[&str] = &[
    "a", "an", "and", "as", "at", "but", "by", "for", "from", "in", "into", "of", "on", "or", "over", "the", "to",
    "under", "with", "without",
];

/// `text` as an English title: "The Garden of the Last Dragon".
pub(super) fn title_case(text: &str) -> String {
    let mut title = String::with_capacity(text.len());
    let mut begins = true;
    for word in text.split(' ') {
        if !title.is_empty() {
            title.push(' ');
        }
        if begins || !SMALL.contains(&word) {
            push_capitalized(&mut title, word);
        } else {
            title.push_str(word);
        }
        begins = word.ends_with(':');
    }
    title
}

#[cfg(test)]
mod tests {
    use super::*;

    const LISTS: Slots = &[("adj", &["amber"]), ("noun", &["dragon", "garden"])];

    #[test]
    fn a_hole_keeps_its_word_and_a_numbered_one_takes_another() {
        let mut words = Words::new([LISTS, &[]], &people::CULTURES[0]);
        let mut choices = Choices::of(1, 1);
        let mut text = String::new();
        words.write(&mut text, "{a adj} {noun}, {noun2} and {^noun}", &mut choices);
        assert!(["an amber dragon, garden and Dragon", "an amber garden, dragon and Garden"].contains(&text.as_str()));
    }

    #[test]
    fn titles_raise_what_english_titles_raise() {
        assert_eq!(title_case("the garden of the last dragon"), "The Garden of the Last Dragon");
        assert_eq!(title_case("salt: a history of the sea"), "Salt: A History of the Sea");
    }
}
