//! What the columns of a file mean: the names of this API, and the headers of two public catalogues.

use std::fmt;

use super::report::Unusable;

macro_rules! columns {
    ($($(#[doc = $doc:literal])+ $name:ident = $($header:literal)|+;)+) => {
        /// What a cell of a file says about a book.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Column {$($(#[doc = $doc])+ $name,)+}

        impl Column {
            /// Every column.
            pub const ALL: &'static [Self] = &[$(Self::$name,)+];

            /// The headers that name it, the API's own first.
            #[must_use]
            pub fn headers(self) -> &'static [&'static str] {
                match self {$(Self::$name => &[$($header),+],)+}
            }
        }
    };
}

columns! {
    /// The title, in some catalogues with the series behind it.
    Title = "title";
    /// The subtitle.
    Subtitle = "subtitle";
    /// The name of the series.
    Series = "series";
    /// The place in the series.
    SeriesPosition = "series_position";
    /// The authors.
    Authors = "authors" | "author";
    /// The ISBN-10.
    Isbn10 = "isbn10" | "isbn_10";
    /// The ISBN-13.
    Isbn13 = "isbn13" | "isbn_13";
    /// An ISBN of ten or thirteen digits.
    Isbn = "isbn";
    /// The language.
    Language = "language" | "language_code";
    /// The format.
    Format = "format";
    /// The publisher.
    Publisher = "publisher";
    /// When this edition was published.
    Published = "published" | "publish_date" | "publication_date";
    /// The year in which the work was published first.
    OriginalYear = "original_publication_year";
    /// The number of pages.
    Pages = "pages" | "# num_pages" | "num_pages";
    /// The blurb.
    Description = "description";
    /// Genres, by slug or name.
    Genres = "genres" | "genre";
    /// Subject headings, among them genres.
    Subjects = "subjects";
    /// Where a picture of the cover is.
    CoverUrl = "cover_url" | "image_url";
    /// The price in minor units.
    PriceAmount = "price_amount";
    /// The currency of the price.
    PriceCurrency = "price_currency";
    /// Draft, active or retired.
    Status = "status";
    /// Copies on the shelf.
    Stock = "stock";
    /// The catalogue that the book comes from.
    Source = "source";
    /// What the book is called there.
    SourceId = "source_id" | "goodreads_book_id";
    /// What the work is called there.
    WorkId = "work_id";
    /// The mean of the ratings.
    RatingAverage = "rating_average" | "average_rating";
    /// The number of ratings.
    RatingCount = "rating_count" | "ratings_count";
    /// The number of ratings of all editions of the work.
    WorkRatingCount = "work_ratings_count";
    /// Ratings of one star.
    Ratings1 = "ratings_1";
    /// Ratings of two stars.
    Ratings2 = "ratings_2";
    /// Ratings of three stars.
    Ratings3 = "ratings_3";
    /// Ratings of four stars.
    Ratings4 = "ratings_4";
    /// Ratings of five stars.
    Ratings5 = "ratings_5";
}

impl Column {
    /// The columns of the histogram, from one star to five.
    pub const HISTOGRAM: [Self; 5] = [Self::Ratings1, Self::Ratings2, Self::Ratings3, Self::Ratings4, Self::Ratings5];

    /// The name in this API.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.headers()[0]
    }

    /// The column of this header, whatever its case.
    #[must_use]
    pub fn of_header(header: &str) -> Option<Self> {
        let header = header.trim().to_lowercase();
        Self::ALL.iter().copied().find(|column| column.headers().contains(&header.as_str()))
    }

    /// The column that a pointer into a product draft is about.
    #[must_use]
    pub fn of_pointer(pointer: &str) -> Option<Self> {
        let mut segments = pointer.split('/').skip(1);
        match (segments.next()?, segments.next()) {
            ("series", Some("position")) => Some(Self::SeriesPosition),
            ("price", Some("currency")) => Some(Self::PriceCurrency),
            ("price", _) => Some(Self::PriceAmount),
            (field, _) => Self::ALL.iter().copied().find(|column| column.name() == field),
        }
    }
}

/// Whose habits a file has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// The names of this API.
    Own,
    /// The public "Goodreads books" table: `bookID`, authors joined by `-`, commas of titles lost.
    GoodreadsBooks,
    /// goodbooks-10k: `goodreads_book_id`, authors joined by commas, ISBNs that went through a spreadsheet.
    Goodbooks10k,
}

impl Dialect {
    /// The catalogue that gave the identifiers, where the file does not say it itself.
    #[must_use]
    pub fn source(self) -> &'static str {
        match self {
            Self::Own => "import",
            Self::GoodreadsBooks | Self::Goodbooks10k => "goodreads",
        }
    }

    /// Whether titles carry their series behind them, as in `Twilight (Twilight, #1)`.
    #[must_use]
    pub fn has_series_in_title(self) -> bool {
        self != Self::Own
    }
}

impl fmt::Display for Dialect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Own => "this API's columns",
            Self::GoodreadsBooks => "the Goodreads books table",
            Self::Goodbooks10k => "goodbooks-10k",
        })
    }
}

/// The header of a CSV file, understood.
#[derive(Clone, Debug)]
pub struct Layout {
    /// Whose habits the file has.
    pub dialect: Dialect,
    /// For every field of a record: what it says, if anything.
    pub fields: Vec<Option<Column>>,
    headers: Vec<String>,
}

impl Layout {
    /// Understands a header.
    ///
    /// # Errors
    /// Where two headers mean the same, or title or authors are missing.
    pub fn of_headers(headers: Vec<String>) -> Result<Self, Unusable> {
        let known = |name: &str| headers.iter().any(|header| header.trim().eq_ignore_ascii_case(name));
        let dialect = if known("bookID") && known("average_rating") {
            Dialect::GoodreadsBooks
        } else if known("goodreads_book_id") {
            Dialect::Goodbooks10k
        } else {
            Dialect::Own
        };
        let mut fields = Vec::with_capacity(headers.len());
        for (at, header) in headers.iter().enumerate() {
            let column = match dialect {
                Dialect::GoodreadsBooks if header.trim().eq_ignore_ascii_case("bookID") => Some(Column::SourceId),
                _ => Column::of_header(header),
            };
            let same = |other: &usize| {
                headers[*other].trim().eq_ignore_ascii_case(header.trim()) && !header.trim().is_empty()
                    || column.is_some() && fields[*other] == column
            };
            if let Some(other) = (0..at).find(same) {
                return Err(Unusable::RepeatedHeader { first: headers[other].clone(), second: header.clone() });
            }
            fields.push(column);
        }
        let missing: Vec<_> =
            [Column::Title, Column::Authors].into_iter().filter(|column| !fields.contains(&Some(*column))).collect();
        if missing.is_empty() {
            Ok(Self { dialect, fields, headers })
        } else {
            Err(Unusable::MissingColumns { missing, found: headers })
        }
    }

    /// The header of a column as this file writes it; the API's name where the file has none.
    #[must_use]
    pub fn header(&self, column: Column) -> &str {
        let at = self.fields.iter().position(|field| *field == Some(column));
        at.map_or(column.name(), |at| self.headers[at].trim())
    }

    /// The header of a field.
    #[must_use]
    pub fn header_at(&self, field: usize) -> &str {
        self.headers.get(field).map_or("", |header| header.trim())
    }

    /// Headers that mean nothing here.
    #[must_use]
    pub fn ignored(&self) -> Vec<String> {
        self.headers
            .iter()
            .zip(&self.fields)
            .filter(|(header, field)| field.is_none() && !header.trim().is_empty())
            .map(|(header, _)| header.trim().to_owned())
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layout(headers: &str) -> Result<Layout, Unusable> {
        Layout::of_headers(headers.split(',').map(str::to_owned).collect())
    }

    #[test]
    fn knows_three_dialects() {
        let own = layout("Title,Authors,isbn13,Shelf").unwrap();
        assert_eq!((own.dialect, own.ignored()), (Dialect::Own, vec!["Shelf".to_owned()]));
        let goodreads = layout("bookID,title,authors,average_rating,# num_pages").unwrap();
        assert_eq!(goodreads.dialect, Dialect::GoodreadsBooks);
        assert_eq!(goodreads.header(Column::SourceId), "bookID");
        assert_eq!(goodreads.header(Column::Pages), "# num_pages");
        assert_eq!(layout("goodreads_book_id,title,authors").unwrap().dialect, Dialect::Goodbooks10k);
    }

    #[test]
    fn refuses_what_cannot_be_read_one_way() {
        assert!(matches!(layout("title,authors,Title"), Err(Unusable::RepeatedHeader { .. })));
        assert!(matches!(layout("title,authors,pages,num_pages"), Err(Unusable::RepeatedHeader { .. })));
        let error = layout("name,writer").unwrap_err().to_string();
        assert!(error.contains("title, authors") && error.contains("name, writer"), "{error}");
        assert!(layout("title,authors,,").is_ok());
    }

    #[test]
    fn every_header_leads_to_one_column() {
        let mut all: Vec<_> = Column::ALL.iter().flat_map(|column| column.headers()).collect();
        let count = all.len();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), count);
    }
}
