//! What a reader fills in, and the rules that make it a review.

use std::borrow::Cow;

use oxilangtag::LanguageTag;
use unicode_normalization::UnicodeNormalization as _;

use crate::domain::violation::Violation;
use crate::model::review::ReviewContent;

/// Most characters of a title.
pub const MAX_TITLE: usize = 150;

/// Most characters of a text.
pub const MAX_TEXT: usize = 5_000;

/// A review as it was filled in.
#[derive(Clone, Debug)]
pub struct ReviewDraft {
    /// Stars.
    pub rating: i64,
    /// A line above the text.
    pub title: Option<String>,
    /// The text.
    pub text: Option<String>,
    /// Its language.
    pub language: Option<String>,
}

impl From<ReviewContent> for ReviewDraft {
    fn from(content: ReviewContent) -> Self {
        let ReviewContent { rating, title, text, language } = content;
        Self { rating: rating.into(), title, text, language }
    }
}

impl ReviewDraft {
    /// Holds it to the rules. Text is plain: it is trimmed, brought into Unicode's normal form C, and kept as it is otherwise;
    /// what looks like markup stays text. What is left empty is as good as absent.
    ///
    /// # Errors
    /// Every broken rule.
    pub fn check(self) -> Result<ReviewContent, Vec<Violation>> {
        let mut violations = Vec::new();
        let mut complain =
            |pointer: &str, message: Cow<'static, str>| violations.push(Violation::new(pointer, message));
        let rating = u8::try_from(self.rating).ok().filter(|stars| (1..=5).contains(stars));
        if rating.is_none() {
            complain("/rating", "must be from 1 to 5".into());
        }
        let title = self.title.as_deref().and_then(plain);
        if let Some(title) = &title {
            if title.chars().any(|c| c.is_control() || turns_text(c)) {
                complain("/title", "must be one line without control characters".into());
            }
            if title.chars().count() > MAX_TITLE {
                complain("/title", format!("must have at most {MAX_TITLE} characters").into());
            }
        }
        let text = self.text.as_deref().and_then(|text| plain(&text.replace("\r\n", "\n")));
        match &text {
            Some(text) => {
                if text.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\t') || turns_text(c)) {
                    complain("/text", "must not have control characters".into());
                }
                if text.chars().count() > MAX_TEXT {
                    complain("/text", format!("must have at most {MAX_TEXT} characters").into());
                }
            }
            None if title.is_some() => complain("/text", "is needed below a title".into()),
            None => {}
        }
        let language = self.language.filter(|tag| !tag.trim().is_empty()).and_then(|tag| {
            let read = language_tag(tag.trim());
            if read.is_none() {
                complain("/language", "must be a BCP 47 tag, such as en or pt-BR".into());
            }
            read
        });
        match rating {
            Some(rating) if violations.is_empty() => Ok(ReviewContent { rating, title, text, language }),
            _ => Err(violations),
        }
    }
}

/// A BCP 47 tag as it is stored: `EN-us` is `en-US`. Nothing where it is none.
#[must_use]
pub fn language_tag(text: &str) -> Option<String> {
    let read = LanguageTag::parse_and_normalize(text).ok().filter(|read| read.as_str().len() <= 35);
    read.map(LanguageTag::into_inner)
}

/// Text in normal form C, without the white space around it; nothing where that was all.
fn plain(text: &str) -> Option<String> {
    let text: String = text.nfc().collect();
    Some(text.trim().to_owned()).filter(|text| !text.is_empty())
}

/// Characters that turn the direction of what follows, beyond the text's own end where they are not closed.
fn turns_text(c: char) -> bool {
    matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draft(title: Option<&str>, text: Option<&str>) -> ReviewDraft {
        ReviewDraft { rating: 4, title: title.map(str::to_owned), text: text.map(str::to_owned), language: None }
    }

    fn broken(draft: ReviewDraft) -> Vec<String> {
        draft.check().unwrap_err().into_iter().map(|violation| violation.pointer).collect()
    }

    #[test]
    fn everything_wrong_is_told_at_once() {
        let wrong = ReviewDraft {
            rating: 0,
            title: Some("a\nb".to_owned()),
            text: Some("x".repeat(MAX_TEXT + 1)),
            language: Some("no language".to_owned()),
        };
        assert_eq!(broken(wrong), ["/rating", "/title", "/text", "/language"]);
        for rating in [-1, 6, 257, i64::MAX] {
            assert_eq!(broken(ReviewDraft { rating, ..draft(None, None) }), ["/rating"]);
        }
        assert_eq!(broken(draft(Some("Only this"), Some("  "))), ["/text"]);
        assert_eq!(broken(draft(Some(&"x".repeat(MAX_TITLE + 1)), Some("y"))), ["/title"]);
        for hostile in ["a\u{7}", "a\u{1b}[31m", "a\rb", "\u{202e}evil", "a\u{85}b"] {
            assert_eq!(broken(draft(None, Some(hostile))), ["/text"], "{hostile:?}");
        }
    }

    #[test]
    fn text_is_trimmed_and_normal_and_otherwise_as_it_was() {
        let content = draft(Some(" Cafe\u{301} "), Some("\r\n <b>1 < 2</b>\r\n\tyes ")).check().unwrap();
        assert_eq!(content.title.as_deref(), Some("Caf\u{e9}"));
        assert_eq!(content.text.as_deref(), Some("<b>1 < 2</b>\n\tyes"));
        assert_eq!(draft(Some(""), Some(" ")).check().unwrap().title, None);
        let spoken = ReviewDraft { language: Some("EN-us".to_owned()), ..draft(None, None) };
        assert_eq!(spoken.check().unwrap().language.as_deref(), Some("en-US"));
    }

    #[test]
    fn lengths_are_those_of_characters() {
        let long = "\u{1f600}".repeat(MAX_TEXT);
        assert!(draft(Some(&"\u{e9}".repeat(MAX_TITLE)), Some(&long)).check().is_ok());
    }
}
