//! How long whom may keep a representation: one line a family.

use axum::http::HeaderValue;

/// The families of representations.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CachePolicy {
    /// Lists of books and results of searches.
    BookListing,
    /// One book.
    BookDetail,
    /// The reviews of a book.
    BookReviews,
    /// Leaderboards.
    Leaderboard,
    /// The genres and their counts.
    Genres,
    /// Descriptions that change with a release: the OpenAPI document, the kinds of problem.
    Documentation,
    /// What belongs to one user: kept by their own client alone, and asked about each time.
    Private,
    /// What nobody may keep: answers to writes, health, tokens.
    NoStore,
}

impl CachePolicy {
    /// The `Cache-Control` field. The times are far shorter than those of the shop's own cache: that one is invalidated,
    /// a browser's is not.
    #[must_use]
    pub fn cache_control(self) -> HeaderValue {
        HeaderValue::from_static(match self {
            Self::BookListing => "public, max-age=15, stale-while-revalidate=45, stale-if-error=300",
            Self::BookDetail => "public, max-age=30, stale-while-revalidate=60, stale-if-error=900",
            Self::BookReviews => "public, max-age=15, stale-while-revalidate=45, stale-if-error=300",
            Self::Leaderboard => "public, max-age=5, stale-while-revalidate=30, stale-if-error=300",
            Self::Genres => "public, max-age=60, stale-while-revalidate=300, stale-if-error=3600",
            Self::Documentation => "public, max-age=300, stale-while-revalidate=3600, stale-if-error=86400",
            Self::Private => "private, no-cache",
            Self::NoStore => "no-store",
        })
    }

    /// The `Vary` field.
    #[must_use]
    pub fn vary(self) -> HeaderValue {
        HeaderValue::from_static(match self {
            Self::Private => "accept-encoding, authorization, cookie",
            _ => "accept-encoding",
        })
    }
}
