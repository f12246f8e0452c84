//! Reading one's own writes: what a write tells its author to show again.

use std::fmt;
use std::str::FromStr;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};

use super::position::{Epoch, Position, Stamp};
use super::tags::{Tag, TagHash};

/// The most tags that are told one by one; beyond, the token speaks of everything.
const MOST_TAGS: usize = 32;

/// "Whatever depends on one of these tags must be at least so new." A write gives it, a read presents it: at any process,
/// also at one that has not heard of the write yet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConsistencyToken {
    stamp: Stamp,
    tags: Vec<TagHash>,
}

/// The text is no token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("is no token that this shop gave")]
pub struct TokenError;

impl ConsistencyToken {
    /// The token of a write.
    #[must_use]
    pub fn new(stamp: Stamp, tags: &[Tag]) -> Self {
        let mut tags: Vec<TagHash> = tags.iter().map(Tag::hash).collect();
        tags.sort_unstable();
        tags.dedup();
        Self { stamp, tags }.bounded()
    }

    /// One that demands what both demand.
    #[must_use]
    pub fn and(mut self, other: &Self) -> Self {
        if self.stamp.epoch != other.stamp.epoch {
            return other.clone();
        }
        self.stamp.position = self.stamp.position.max(other.stamp.position);
        self.tags.extend(&other.tags);
        self.tags.sort_unstable();
        self.tags.dedup();
        self.bounded()
    }

    /// The place of the write.
    #[must_use]
    pub fn stamp(&self) -> Stamp {
        self.stamp
    }

    fn bounded(mut self) -> Self {
        if self.tags.len() > MOST_TAGS {
            self.tags = vec![Tag::all().hash()];
        }
        self
    }

    /// How new an entry that depends on `watch` must be. Nothing is demanded in another epoch: its places say nothing there.
    #[must_use]
    pub fn demand(&self, epoch: Epoch, watch: &[TagHash]) -> Position {
        let everything = Tag::all().hash();
        let concerned = self.tags.iter().any(|tag| *tag == everything || watch.contains(tag));
        if self.stamp.epoch == epoch && concerned { self.stamp.position } else { Position::default() }
    }
}

impl fmt::Display for ConsistencyToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = postcard::to_stdvec(self).map_err(|_| fmt::Error)?;
        f.write_str(&URL_SAFE_NO_PAD.encode(bytes))
    }
}

impl FromStr for ConsistencyToken {
    type Err = TokenError;

    fn from_str(text: &str) -> Result<Self, TokenError> {
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| TokenError)?;
        let (token, rest) = postcard::take_from_bytes::<Self>(&bytes).map_err(|_| TokenError)?;
        if rest.is_empty() && token.tags.len() <= MOST_TAGS { Ok(token) } else { Err(TokenError) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(position: u64, tags: &[&str]) -> ConsistencyToken {
        let tags: Vec<Tag> = tags.iter().map(|tag| tag.parse().unwrap()).collect();
        ConsistencyToken::new(Stamp { epoch: Epoch(7), position: Position(position) }, &tags)
    }

    #[test]
    fn a_token_survives_being_written_and_read() {
        let token = token(0x0123_4567_89AB, &["book:1", "books:list"]);
        assert_eq!(token.to_string().parse(), Ok(token));
        for bad in ["", "x", "????", "AAA"] {
            assert_eq!(bad.parse::<ConsistencyToken>(), Err(TokenError), "{bad:?}");
        }
    }

    #[test]
    fn it_demands_of_its_own_tags_in_its_own_epoch_alone() {
        let token = token(10, &["book:1"]).and(&token(5, &["book:2"]));
        let watch = [TagHash::of("book:2")];
        assert_eq!(token.demand(Epoch(7), &watch), Position(10));
        assert_eq!(token.demand(Epoch(8), &watch), Position(0));
        assert_eq!(token.demand(Epoch(7), &[TagHash::of("book:3")]), Position(0));
    }

    #[test]
    fn many_tags_become_all() {
        let names: Vec<String> = (0..40).map(|i| format!("book:{i}")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        assert_eq!(token(10, &names).demand(Epoch(7), &[TagHash::of("x")]), Position(10));
    }
}
