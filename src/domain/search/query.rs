//! From what somebody typed to what is looked for. Whatever it holds, it is a query or a violation, never an error of the
//! database: only letters and digits reach `to_tsquery`.

use unicode_normalization::UnicodeNormalization as _;

use crate::domain::violation::Violation;
use crate::model::isbn::{Isbn10, Isbn13};
use crate::model::search::{Candidate, TextQuery};

/// The longest query, in characters.
pub const MAX_LENGTH: usize = 200;

/// Further words are not looked for.
const MAX_WORDS: usize = 16;

/// A last word shorter than this is taken for a whole word by the search: most words begin with any one letter.
const SHORTEST_BEGINNING: usize = 2;

/// Words that say nothing beside others. Alone they are looked for: "It" is a novel.
const STOP_WORDS: &[&str] = &[
    "a", "an", "and", "are", "as", "at", "be", "but", "by", "for", "from", "in", "into", "is", "it", "its", "of", "on",
    "or", "s", "that", "the", "their", "this", "to", "was", "with",
];

/// A query taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Typed {
    phrase: String,
    words: Vec<String>,
}

impl Typed {
    /// Reads what was typed.
    ///
    /// # Errors
    /// Where it is too long, or has neither letter nor digit.
    pub fn read(text: &str) -> Result<Self, Violation> {
        if text.chars().count() > MAX_LENGTH {
            return Err(Violation::new("/q", format!("must have at most {MAX_LENGTH} characters")));
        }
        let text: String = text.nfc().collect();
        let phrase = text.split_whitespace().collect::<Vec<_>>().join(" ");
        let words = words(&phrase);
        if words.is_empty() {
            return Err(Violation::new("/q", "must have a letter or digit"));
        }
        Ok(Self { phrase, words })
    }

    /// The ISBN-13 that it is, if it is one.
    #[must_use]
    pub fn isbn(&self) -> Option<Isbn13> {
        self.phrase.parse().ok().or_else(|| self.phrase.parse::<Isbn10>().ok().map(|ten| ten.to_isbn13()))
    }

    /// What was typed, with single spaces.
    #[must_use]
    pub fn phrase(&self) -> &str {
        &self.phrase
    }

    /// The words that are looked for.
    #[must_use]
    pub fn words(&self) -> &[String] {
        &self.words
    }

    /// The length of the word that is being typed.
    #[must_use]
    pub fn last_length(&self) -> usize {
        self.words.last().map_or(0, |word| word.chars().count())
    }

    /// Every word as an operand of `to_tsquery`. Of the last one the beginning is enough, unless it is very short.
    #[must_use]
    pub fn operands(&self) -> Vec<String> {
        let last = self.words.len() - 1;
        let begins = self.last_length() >= SHORTEST_BEGINNING && !is_stop_word(&self.words[last]);
        self.words
            .iter()
            .enumerate()
            .map(|(index, word)| if index == last && begins { format!("({word} | {word}:*)") } else { word.clone() })
            .collect()
    }

    /// What the database looks for.
    #[must_use]
    pub fn query(&self) -> TextQuery {
        TextQuery { expression: self.operands().join(" & "), phrase: self.phrase.clone() }
    }

    /// The query with the likeliest candidate in the place of every word that has some; `None` where there is none.
    /// Fewest changed letters first (two swapped ones count as one), then the more frequent word, then the more alike.
    #[must_use]
    pub fn corrected(&self, candidates: &[Candidate]) -> Option<Self> {
        let mut words = self.words.clone();
        for (position, word) in words.iter_mut().enumerate() {
            let lower = word.to_lowercase();
            let distance = |candidate: &Candidate| {
                if candidate.word.starts_with(&lower) { 1 } else { strsim::osa_distance(&lower, &candidate.word) }
            };
            let best = candidates.iter().filter(|candidate| candidate.position == position).min_by(|a, b| {
                (distance(a), b.books)
                    .cmp(&(distance(b), a.books))
                    .then_with(|| b.likeness.total_cmp(&a.likeness))
                    .then_with(|| a.word.cmp(&b.word))
            });
            if let Some(best) = best {
                word.clone_from(&best.word);
            }
        }
        (words != self.words).then(|| Self { phrase: words.join(" "), words })
    }
}

/// The words that count: not more than [`MAX_WORDS`], without stop words where others are left.
fn words(phrase: &str) -> Vec<String> {
    let all = || phrase.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    let telling: Vec<String> = all().filter(|word| !is_stop_word(word)).take(MAX_WORDS).map(str::to_owned).collect();
    if telling.is_empty() { all().take(MAX_WORDS).map(str::to_owned).collect() } else { telling }
}

fn is_stop_word(word: &str) -> bool {
    STOP_WORDS.contains(&word.to_lowercase().as_str())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn expression(text: &str) -> String {
        Typed::read(text).unwrap().query().expression
    }

    #[test]
    fn stop_words_count_only_when_alone() {
        assert_eq!(expression("The Lord of the Rings"), "Lord & (Rings | Rings:*)");
        assert_eq!(expression("It"), "It");
        assert_eq!(expression("the"), "the");
        assert_eq!(expression("d"), "d");
    }

    #[test]
    fn operators_are_only_punctuation() {
        assert_eq!(expression("a:* | !b & (c) <-> 'd'\\"), "b & c & d");
        assert_eq!(expression("Catch-22"), "Catch & (22 | 22:*)");
        for text in ["", "   ", "!&|", "🐉", "'\"\\", &"x".repeat(201)] {
            assert_eq!(Typed::read(text).unwrap_err().pointer, "/q", "{text}");
        }
    }

    #[test]
    fn an_isbn_is_seen_with_hyphens_and_in_both_lengths() {
        for text in ["978-0-8044-2957-3", "080442957X", " 0-8044-2957-x "] {
            assert_eq!(Typed::read(text).unwrap().isbn().unwrap().as_str(), "9780804429573", "{text}");
        }
        assert_eq!(Typed::read("9780804429574").unwrap().isbn(), None);
    }

    #[test]
    fn two_swapped_letters_are_one_mistake() {
        let candidate = |word: &str, books| Candidate { position: 0, word: word.into(), books, likeness: 0.3 };
        let typed = Typed::read("dargon").unwrap();
        let corrected = typed.corrected(&[candidate("daron", 3), candidate("dragon", 50), candidate("darwin", 50)]);
        assert_eq!(corrected.unwrap().phrase(), "dragon");
        assert_eq!(typed.corrected(&[]), None);
    }

    proptest! {
        #[test]
        fn only_letters_and_digits_reach_the_database(text in any::<String>()) {
            if let Ok(typed) = Typed::read(&text) {
                for word in typed.words() {
                    prop_assert!(!word.is_empty() && word.chars().all(char::is_alphanumeric), "{word:?}");
                }
                prop_assert!(typed.words().len() <= MAX_WORDS);
            }
        }
    }
}
