//! Books as they are sold.

use std::fmt;

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use super::date::PartialDate;
use super::ids::{ProductId, WorkId};
use super::isbn::{Isbn10, Isbn13};
use super::money::Money;

macro_rules! names {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $text:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        pub enum $name {
            $($(#[$vdoc])* #[serde(rename = $text)] $variant),+
        }

        impl $name {
            /// Every value, in the order in which it is shown.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The name in the API and in the database.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text),+ }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::model::product::UnknownName;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                match text {
                    $($text => Ok(Self::$variant),)+
                    _ => Err($crate::model::product::UnknownName { allowed: &[$($text),+] }),
                }
            }
        }
    };
}

/// A name that is none of those allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnknownName {
    /// The names that would do.
    pub allowed: &'static [&'static str],
}

impl fmt::Display for UnknownName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "is none of {}", self.allowed.join(", "))
    }
}

impl std::error::Error for UnknownName {}

pub(super) use names;

names!(
    /// The form in which a book is sold.
    Format {
        /// Bound in boards.
        Hardcover = "hardcover",
        /// Bound in paper.
        Paperback = "paperback",
        /// To be read on a screen.
        Ebook = "ebook",
        /// To be listened to.
        Audiobook = "audiobook",
    }
);

impl Format {
    /// Whether it needs no parcel.
    #[must_use]
    pub fn is_digital(self) -> bool {
        matches!(self, Self::Ebook | Self::Audiobook)
    }
}

names!(
    /// Where a book stands between being prepared and being withdrawn.
    Status {
        /// Being prepared; administrators alone see it.
        Draft = "draft",
        /// Shown and sold.
        Active = "active",
        /// Withdrawn: still readable by its id, for old orders, but in no list.
        Retired = "retired",
    }
);

names!(
    /// How many copies can be had, as coarsely as a list shows it.
    Availability {
        /// More than [`FEW`] copies.
        InStock = "in_stock",
        /// Between one and [`FEW`] copies.
        FewLeft = "few_left",
        /// None.
        OutOfStock = "out_of_stock",
    }
);

/// The most copies that are called few.
pub const FEW: i32 = 5;

impl Availability {
    /// The class of a number of copies that can be sold.
    #[must_use]
    pub fn of(available: i32) -> Self {
        match available {
            ..=0 => Self::OutOfStock,
            1..=FEW => Self::FewLeft,
            _ => Self::InStock,
        }
    }
}

/// The series that a book belongs to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Series {
    /// Its name.
    pub name: String,
    /// The book's place in it; 1.5 stands between the first and the second.
    pub position: Option<f64>,
}

/// What readers think of a book.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Rating {
    /// The mean of all ratings, 1 to 5; 0 where there is none.
    pub average: f64,
    /// How many ratings there are.
    pub count: i64,
    /// How many gave one, two, three, four and five stars; absent where a source told the mean alone.
    pub histogram: Option<[i64; 5]>,
}

/// What administrators write about a book.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ProductFields {
    /// The title, without subtitle and series.
    pub title: String,
    /// The subtitle.
    pub subtitle: Option<String>,
    /// The series.
    pub series: Option<Series>,
    /// The authors, in the order of the title page.
    pub authors: Vec<String>,
    /// The ten-digit ISBN.
    pub isbn10: Option<Isbn10>,
    /// The thirteen-digit ISBN.
    pub isbn13: Option<Isbn13>,
    /// The language, as a BCP 47 tag.
    pub language: Option<String>,
    /// The format, where it is known.
    pub format: Option<Format>,
    /// The publisher.
    pub publisher: Option<String>,
    /// The day, month or year of publication.
    pub published: Option<PartialDate>,
    /// Pages.
    pub pages: Option<i32>,
    /// The blurb, plain text.
    pub description: Option<String>,
    /// The genres, by their slugs.
    pub genres: Vec<String>,
    /// Free subject headings; searched, but no filter.
    pub subjects: Vec<String>,
    /// Where a picture of the cover is.
    pub cover_url: Option<String>,
    /// The price; a book without one is shown but cannot be bought.
    pub price: Option<Money>,
    /// Draft, active or retired.
    pub status: Status,
}

/// A book with everything that a reader of its page sees.
#[derive(Clone, Debug, PartialEq)]
pub struct Product {
    /// The identifier of this edition.
    pub id: ProductId,
    /// What it shares with other editions and formats.
    pub work_id: WorkId,
    /// What administrators wrote.
    pub fields: ProductFields,
    /// What readers think.
    pub rating: Rating,
    /// Whether it can be had.
    pub availability: Availability,
    /// Counts the changes; part of the `ETag`.
    pub version: i64,
    /// When it entered the catalogue.
    pub created_at: OffsetDateTime,
    /// When it last changed.
    pub updated_at: OffsetDateTime,
}

/// A genre.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Genre {
    /// The name in addresses: `science-fiction`.
    pub slug: String,
    /// The name that people read.
    pub name: String,
    /// How many active books carry it.
    pub books: i64,
}
