//! Keys and the families that they belong to.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::model::tags::TagHash;

/// How long entries live. All times count from the moment at which the load began.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lifetimes {
    /// For how long an entry is fresh; up to a tenth less, so that what was filled together is not loaded together.
    pub fresh: Duration,
    /// For how long it is known that there is nothing.
    pub absent: Duration,
    /// For how long after that it may still be served while it is being loaded again (RFC 5861).
    pub while_revalidating: Duration,
    /// For how long after that it may be served where it cannot be loaded (RFC 5861).
    pub if_error: Duration,
}

/// No entry of any family lives longer, stale times included.
pub const LONGEST_LIFE: Duration = Duration::from_secs(3 * 3_600);

const fn lifetimes(fresh: u64, absent: u64, while_revalidating: u64, if_error: u64) -> Lifetimes {
    Lifetimes {
        fresh: Duration::from_secs(fresh),
        absent: Duration::from_secs(absent),
        while_revalidating: Duration::from_secs(while_revalidating),
        if_error: Duration::from_secs(if_error),
    }
}

macro_rules! families {
    ($($(#[$doc:meta])* $name:ident = $text:literal, $segments:literal, $lifetimes:expr;)*) => {
        /// A kind of entries, with one rule for all of them.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Family {
            $($(#[$doc])* $name,)*
        }

        impl Family {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            /// Its name in metrics and for administrators.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }

            /// What its keys begin with.
            #[must_use]
            pub fn segments(self) -> &'static str {
                match self { $(Self::$name => $segments,)* }
            }

            /// How long its entries live.
            #[must_use]
            pub fn lifetimes(self) -> Lifetimes {
                match self { $(Self::$name => $lifetimes,)* }
            }
        }
    };
}

families! {
    /// A page of a list of books.
    BookList = "book_list", "books:list", lifetimes(300, 30, 60, 300);
    /// A page of a search.
    BookSearch = "book_search", "books:list:search", lifetimes(300, 30, 60, 300);
    /// Suggestions as somebody types.
    BookSuggest = "book_suggest", "books:list:suggest", lifetimes(300, 30, 60, 300);
    /// Books that belong to another one.
    BookRelated = "book_related", "books:list:related", lifetimes(300, 30, 60, 300);
    /// The books that are looked at most in these days. It is counted over all looks, so an old one may wait for its successor.
    BookTrending = "book_trending", "books:list:trending", lifetimes(60, 30, 300, 900);
    /// One book.
    BookDetail = "book_detail", "book:detail", lifetimes(900, 30, 60, 900);
    /// One book, by its ISBN.
    BookByIsbn = "book_isbn", "book:isbn", lifetimes(900, 30, 60, 900);
    /// A page of the reviews of a book.
    BookReviews = "book_reviews", "book:reviews", lifetimes(120, 30, 60, 300);
    /// The genres with their counts.
    Genres = "genres", "books:genres", lifetimes(3_600, 30, 300, 3_600);
    /// A cart. Never stale: it is its owner's own, and shows what an order would cost.
    Cart = "cart", "cart", lifetimes(300, 30, 0, 0);
    /// A page of somebody's orders.
    UserOrders = "user_orders", "user:orders", lifetimes(300, 30, 0, 300);
    /// What is counted of somebody.
    UserStats = "user_stats", "user:stats", lifetimes(1_800, 30, 0, 300);
    /// What is recommended to somebody.
    UserRecommendations = "user_recommendations", "user:recommendations", lifetimes(3_600, 30, 60, 3_600);
    /// A page of a leaderboard.
    Leaderboard = "leaderboard", "leaderboard", lifetimes(60, 10, 30, 300);
    /// The person behind a token. Never stale: who is let in is no matter of taste.
    Session = "session", "session:token", lifetimes(300, 0, 0, 0);
}

impl Family {
    /// Whether its entries are the same for everybody. What is somebody's own is never counted, ranked or read ahead.
    #[must_use]
    pub fn is_shared(self) -> bool {
        match self {
            Self::BookList
            | Self::BookSearch
            | Self::BookSuggest
            | Self::BookRelated
            | Self::BookTrending
            | Self::BookDetail
            | Self::BookByIsbn
            | Self::BookReviews
            | Self::Genres
            | Self::Leaderboard => true,
            Self::Cart | Self::UserOrders | Self::UserStats | Self::UserRecommendations | Self::Session => false,
        }
    }

    /// The patterns that cover all of its keys, the widest first. The star for all is not among them.
    pub fn patterns(self) -> impl Iterator<Item = String> {
        let segments = self.segments();
        let ends = segments.match_indices(':').map(|(at, _)| at).chain([segments.len()]);
        ends.map(|end| format!("{}:*", &segments[..end]))
    }

    /// The family of a key's text: the one with the longest matching beginning.
    #[must_use]
    pub fn of(text: &str) -> Option<Self> {
        let begins = |family: &&Self| {
            text.strip_prefix(family.segments()).is_some_and(|rest| rest.is_empty() || rest.starts_with(':'))
        };
        Self::ALL.iter().filter(begins).max_by_key(|family| family.segments().len()).copied()
    }
}

/// Names an entry: its family's segments and, after a colon, what distinguishes it there.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Key {
    family: Family,
    text: Arc<str>,
}

impl Key {
    /// The key of `rest` in `family`.
    #[must_use]
    pub fn new(family: Family, rest: impl fmt::Display) -> Self {
        Self { family, text: format!("{}:{rest}", family.segments()).into() }
    }

    /// The key of a family's only entry.
    #[must_use]
    pub fn only(family: Family) -> Self {
        Self { family, text: family.segments().into() }
    }

    /// The key with this text, if it is one.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Some(Self { family: Family::of(text)?, text: text.into() })
    }

    /// Its family.
    #[must_use]
    pub fn family(&self) -> Family {
        self.family
    }

    /// Its text.
    #[must_use]
    pub fn text(&self) -> &Arc<str> {
        &self.text
    }

    /// What distinguishes it in its family; empty for the family's only entry.
    #[must_use]
    pub fn rest(&self) -> &str {
        self.text.get(self.family.segments().len() + 1..).unwrap_or_default()
    }

    /// What an invalidation of this key alone, or of a pattern that covers it, is called by. The star for all is not among
    /// them: it is every entry's.
    pub fn watched(&self) -> impl Iterator<Item = TagHash> + '_ {
        self.family.patterns().map(|pattern| TagHash::of(&pattern)).chain([TagHash::of(&self.text)])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_covers_a_key_by_its_segments() {
        let key = Key::new(Family::BookSearch, "q=a:b");
        assert_eq!((&**key.text(), key.rest()), ("books:list:search:q=a:b", "q=a:b"));
        assert_eq!((Key::only(Family::Genres).rest(), Key::new(Family::BookList, "").rest()), ("", ""));
        let watched: Vec<TagHash> = key.watched().collect();
        for pattern in ["books:*", "books:list:*", "books:list:search:*", "books:list:search:q=a:b"] {
            assert!(watched.contains(&TagHash::of(pattern)), "{pattern}");
        }
        for other in ["book:*", "books:list:search:q=a:*", "books:list"] {
            assert!(!watched.contains(&TagHash::of(other)), "{other}");
        }
    }

    #[test]
    fn a_text_finds_its_family() {
        for (text, family) in [
            ("books:list:sort=title", Some(Family::BookList)),
            ("books:list:search:q=a", Some(Family::BookSearch)),
            ("books:genres", Some(Family::Genres)),
            ("bookstore", None),
        ] {
            assert_eq!(Family::of(text), family, "{text}");
        }
    }

    #[test]
    fn no_family_outlives_the_floors() {
        for family in Family::ALL {
            let times = family.lifetimes();
            assert!(times.fresh.max(times.absent) + times.while_revalidating + times.if_error <= LONGEST_LIFE);
        }
    }
}
