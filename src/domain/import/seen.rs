//! What a file has named before: the same book twice is a mistake that somebody has to look at.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};

use super::book::Origin;
use crate::model::isbn::Isbn13;

/// The most rows of a file. What is remembered of each, up to two numbers of 16 bytes, is bounded by it.
pub const MOST_ROWS: u64 = 2_000_000;

/// The lines on which ISBNs and source ids stood first. Source ids are kept as hashes of 64 bits: that two different
/// ones of two million fall together happens once in ten million files.
#[derive(Debug, Default)]
pub struct Seen {
    hasher: RandomState,
    isbns: HashMap<u64, u32>,
    origins: HashMap<u64, u32>,
}

/// What stood on an earlier line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Repeated {
    /// The ISBN, on this line.
    Isbn(u64),
    /// The source id, on this line.
    Origin(u64),
}

impl Seen {
    /// Remembers what names a book on `line`; where another line had one of the names before, says so and remembers
    /// nothing.
    ///
    /// # Errors
    /// [`Repeated`].
    pub fn note(&mut self, line: u64, isbn: Option<&Isbn13>, origin: Option<&Origin>) -> Result<(), Repeated> {
        let isbn = isbn.and_then(|isbn| isbn.as_str().parse::<u64>().ok());
        let origin = origin.map(|origin| self.hasher.hash_one(origin));
        // Files of more than four thousand million lines have more than two million rows, or nothing but blank lines.
        let line = u32::try_from(line).unwrap_or(u32::MAX);
        let earlier = |map: &HashMap<u64, u32>, key: Option<u64>| {
            key.and_then(|key| map.get(&key)).copied().filter(|earlier| *earlier != line).map(u64::from)
        };
        if let Some(earlier) = earlier(&self.isbns, isbn) {
            return Err(Repeated::Isbn(earlier));
        }
        if let Some(earlier) = earlier(&self.origins, origin) {
            return Err(Repeated::Origin(earlier));
        }
        self.isbns.extend(isbn.map(|key| (key, line)));
        self.origins.extend(origin.map(|key| (key, line)));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_line_wins() {
        let isbn: Isbn13 = "9780439785969".parse().unwrap();
        let origin = |id: &str| Origin { source: "goodreads".into(), id: id.into() };
        let mut seen = Seen::default();
        assert_eq!(seen.note(2, Some(&isbn), Some(&origin("1"))), Ok(()));
        assert_eq!(seen.note(2, Some(&isbn), Some(&origin("1"))), Ok(()));
        assert_eq!(seen.note(3, Some(&isbn), Some(&origin("2"))), Err(Repeated::Isbn(2)));
        assert_eq!(seen.note(4, None, Some(&origin("1"))), Err(Repeated::Origin(2)));
        assert_eq!(seen.note(5, None, Some(&origin("2"))), Ok(()));
        assert_eq!(seen.note(6, None, None), Ok(()));
    }
}
