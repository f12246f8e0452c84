//! What a cached answer depends on, and so what makes it out of date.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64;

use super::ids::{CartId, OrderId, ProductId, SessionId, UserId};
use super::leaderboard::Board;

/// The longest text of a tag, in bytes.
const MAX_LENGTH: usize = 200;

/// Something that answers depend on. Segments are separated by colons; one that ends in `:*` stands for every key that
/// begins so, and `*` for all.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Tag(String);

/// The hash of a tag, the same in every process and release (XXH3, 64 bits). Where two tags share one, an entry is loaded
/// once more than needed; nothing worse.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TagHash(pub u64);

impl TagHash {
    /// The hash of a tag's text.
    #[must_use]
    pub fn of(text: &str) -> Self {
        Self(xxh3_64(text.as_bytes()))
    }
}

/// Why a text is no tag.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TagError {
    /// Empty, or with an empty segment.
    #[error("has an empty segment")]
    Empty,
    /// Longer than 200 bytes.
    #[error("is longer than {MAX_LENGTH} bytes")]
    TooLong,
    /// White space or control characters.
    #[error("has white space or control characters")]
    Characters,
    /// A star that is not the whole last segment.
    #[error("may have a star only as its whole last segment")]
    Star,
}

impl Tag {
    /// Everything.
    #[must_use]
    pub fn all() -> Self {
        Self("*".to_owned())
    }

    /// One book.
    #[must_use]
    pub fn book(id: ProductId) -> Self {
        Self(format!("book:{id}"))
    }

    /// Which books there are. What a list shows of them, it depends on by the tags of those books.
    #[must_use]
    pub fn book_lists() -> Self {
        Self("books:list".to_owned())
    }

    /// Whatever depends on ratings in a way that no finer tag tells.
    #[must_use]
    pub fn ratings() -> Self {
        Self("books:rated".to_owned())
    }

    /// Which books have a Bayesian average within this tenth of a star.
    #[must_use]
    pub fn rating_step(step: u8) -> Self {
        Self(format!("books:rated:score:{step}"))
    }

    /// Which books have an average of at least so many tenths of a star: those of whole and half stars.
    #[must_use]
    pub fn rating_threshold(tenths: u8) -> Self {
        Self(format!("books:rated:from:{tenths}"))
    }

    /// Which books can be had.
    #[must_use]
    pub fn availability() -> Self {
        Self("books:available".to_owned())
    }

    /// The reviews of a book.
    #[must_use]
    pub fn reviews_of(id: ProductId) -> Self {
        Self(format!("book:reviews:{id}"))
    }

    /// Which books the readers of a book like.
    #[must_use]
    pub fn neighbours_of(id: ProductId) -> Self {
        Self(format!("book:neighbours:{id}"))
    }

    /// What is counted of one person.
    #[must_use]
    pub fn stats_of(user: UserId) -> Self {
        Self(format!("user:stats:{user}"))
    }

    /// What is recommended to one person.
    #[must_use]
    pub fn recommendations_to(user: UserId) -> Self {
        Self(format!("user:recommendations:{user}"))
    }

    /// What is recommended to anybody.
    #[must_use]
    pub fn all_recommendations() -> Self {
        Self("user:recommendations:*".to_owned())
    }

    /// One leaderboard, in all its times.
    #[must_use]
    pub fn leaderboard(board: Board) -> Self {
        Self(format!("leaderboard:{board}"))
    }

    /// Which ISBN belongs to which book.
    #[must_use]
    pub fn isbns() -> Self {
        Self("books:isbn".to_owned())
    }

    /// The genres and their counts.
    #[must_use]
    pub fn genres() -> Self {
        Self("genres".to_owned())
    }

    /// One account.
    #[must_use]
    pub fn user(id: UserId) -> Self {
        Self(format!("user:{id}"))
    }

    /// One session.
    #[must_use]
    pub fn session(id: SessionId) -> Self {
        Self(format!("session:{id}"))
    }

    /// How many copies of a book there are.
    #[must_use]
    pub fn stock(id: ProductId) -> Self {
        Self(format!("stock:{id}"))
    }

    /// One cart.
    #[must_use]
    pub fn cart(id: CartId) -> Self {
        Self(format!("cart:{id}"))
    }

    /// One order.
    #[must_use]
    pub fn order(id: OrderId) -> Self {
        Self(format!("order:{id}"))
    }

    /// The orders of one person.
    #[must_use]
    pub fn orders_of(user: UserId) -> Self {
        Self(format!("user:{user}:orders"))
    }

    /// One coupon.
    #[must_use]
    pub fn coupon(code: &str) -> Self {
        Self(format!("coupon:{code}"))
    }

    /// The one entry whose key has this text, whatever characters a query brought into it.
    #[must_use]
    pub fn of_key(text: &str) -> Self {
        Self(text.to_owned())
    }

    /// Whether it stands for whatever begins so.
    #[must_use]
    pub fn is_pattern(&self) -> bool {
        self.0 == "*" || self.0.ends_with(":*")
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Its hash.
    #[must_use]
    pub fn hash(&self) -> TagHash {
        TagHash::of(&self.0)
    }
}

impl FromStr for Tag {
    type Err = TagError;

    fn from_str(text: &str) -> Result<Self, TagError> {
        if text.len() > MAX_LENGTH {
            return Err(TagError::TooLong);
        }
        if text.chars().any(|c| c.is_whitespace() || c.is_control()) {
            return Err(TagError::Characters);
        }
        let mut segments = text.split(':').rev();
        let last = segments.next().unwrap_or_default();
        if last.is_empty() || segments.clone().any(str::is_empty) {
            return Err(TagError::Empty);
        }
        if (last.contains('*') && last != "*") || segments.any(|segment| segment.contains('*')) {
            return Err(TagError::Star);
        }
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_segments_can_be_left_open() {
        for good in ["*", "books:*", "book:reviews:1:*", "genres", "a:b"] {
            assert_eq!(good.parse::<Tag>().unwrap().as_str(), good);
        }
        for (bad, why) in [
            ("", TagError::Empty),
            ("a::b", TagError::Empty),
            ("a:", TagError::Empty),
            ("bo*", TagError::Star),
            ("*:a", TagError::Star),
            ("a b", TagError::Characters),
        ] {
            assert_eq!(bad.parse::<Tag>(), Err(why), "{bad:?}");
        }
        assert_eq!("a".repeat(201).parse::<Tag>(), Err(TagError::TooLong));
    }

    #[test]
    fn hashes_are_the_same_in_every_release() {
        assert_eq!(TagHash::of("genres"), TagHash(7_272_600_453_950_102_276));
    }
}
