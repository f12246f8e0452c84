//! Queries for lists of books. What passes the filters is told by the SQL function `matching_products`, which the
//! planner takes apart (migration 0002).

use sqlx::PgConnection;

use super::products::unreadable;
use crate::model::listing::{Filters, Position, ProductSummary, Sort, SortKey};

/// A row with the columns of a [`ProductSummary`] and more. `query_as!` wants flat structs, so they cannot share one.
macro_rules! summary_row {
    ($(#[$doc:meta])* $name:ident { $($field:ident: $kind:ty),* $(,)? }) => {
        $(#[$doc])*
        pub(in crate::store::sql) struct $name {
            $(pub(in crate::store::sql) $field: $kind,)*
            pub(in crate::store::sql) id: uuid::Uuid,
            pub(in crate::store::sql) work_id: uuid::Uuid,
            pub(in crate::store::sql) title: String,
            pub(in crate::store::sql) subtitle: Option<String>,
            pub(in crate::store::sql) series: Option<String>,
            pub(in crate::store::sql) series_position: Option<f64>,
            pub(in crate::store::sql) authors: Vec<String>,
            pub(in crate::store::sql) isbn13: Option<String>,
            pub(in crate::store::sql) language: Option<String>,
            pub(in crate::store::sql) format: Option<String>,
            pub(in crate::store::sql) publisher: Option<String>,
            pub(in crate::store::sql) published: Option<time::Date>,
            pub(in crate::store::sql) published_precision: Option<String>,
            pub(in crate::store::sql) genres: Vec<String>,
            pub(in crate::store::sql) cover_url: Option<String>,
            pub(in crate::store::sql) price_amount: Option<i64>,
            pub(in crate::store::sql) price_currency: Option<String>,
            pub(in crate::store::sql) status: String,
            pub(in crate::store::sql) rating_average: f64,
            pub(in crate::store::sql) rating_count: i64,
            pub(in crate::store::sql) rating_histogram: Option<Vec<i64>>,
            pub(in crate::store::sql) created_at: time::OffsetDateTime,
            pub(in crate::store::sql) updated_at: time::OffsetDateTime,
            pub(in crate::store::sql) available: i32,
        }

        impl TryFrom<$name> for crate::model::listing::ProductSummary {
            type Error = sqlx::Error;

            fn try_from(row: $name) -> sqlx::Result<Self> {
                use crate::store::sql::products::{parse, price, published};
                let position = row.series_position;
                Ok(Self {
                    id: crate::model::ids::ProductId(row.id),
                    work_id: crate::model::ids::WorkId(row.work_id),
                    published: published(row.published, row.published_precision.as_deref())?,
                    price: price(row.price_amount, row.price_currency.as_deref())?,
                    title: row.title,
                    subtitle: row.subtitle,
                    series: row.series.map(|name| crate::model::product::Series { name, position }),
                    authors: row.authors,
                    isbn13: row.isbn13.map(|isbn| parse("isbn13", &isbn)).transpose()?,
                    language: row.language,
                    format: row.format.map(|format| parse("format", &format)).transpose()?,
                    publisher: row.publisher,
                    genres: row.genres,
                    cover_url: row.cover_url,
                    status: parse("status", &row.status)?,
                    rating: crate::model::product::Rating {
                        average: row.rating_average,
                        count: row.rating_count,
                        histogram: row.rating_histogram.and_then(|counts| counts.try_into().ok()),
                    },
                    availability: crate::model::product::Availability::of(row.available),
                    created_at: row.created_at,
                    updated_at: row.updated_at,
                })
            }
        }
    };
}
pub(super) use summary_row;

summary_row!(
    /// A book of a list, with what it can be sorted by.
    SummaryRow { rating_score: f64, popularity: f64, title_sort: String }
);

impl SummaryRow {
    fn key(&self, sort: Sort) -> SortKey {
        match sort {
            Sort::Popularity => SortKey::Popularity(self.popularity),
            Sort::Newest => SortKey::Created(self.created_at),
            Sort::Published | Sort::PublishedDescending => SortKey::Published(self.published),
            Sort::Price | Sort::PriceDescending => SortKey::Price(self.price_amount),
            Sort::Rating => SortKey::Rating(self.rating_score),
            Sort::Title => SortKey::Title(self.title_sort.clone()),
        }
    }
}

/// The names of formats, or null for no filter.
pub(super) fn formats(filters: &Filters) -> Option<Vec<String>> {
    (!filters.formats.is_empty()).then(|| filters.formats.iter().map(|format| format.as_str().to_owned()).collect())
}

/// The slugs of genres, or null for no filter.
pub(super) fn genres(filters: &Filters) -> Option<&[String]> {
    (!filters.genres.is_empty()).then_some(filters.genres.as_slice())
}

/// One static query a sort. `$after` and `$order` compare and sort by the same columns: Postgres starts to read the
/// sort's index at the row after the last one of the page before. First the ids alone are found: the index of the default
/// sort carries what most filters look at, so that the wide rows are read for the page alone. `$range` repeats filters in
/// the terms of the sort's index, where they are not in them already.
macro_rules! page_query {
    ($page:expr, $key:expr, $after:literal, $order:literal) => {
        page_query!($page, $key, $after, "", $order)
    };
    ($page:expr, $key:expr, $after:literal, $range:literal, $order:literal) => {
        sqlx::query_as!(
            SummaryRow,
            r#"SELECT p.id AS "id!", p.work_id AS "work_id!", p.title AS "title!", p.subtitle, p.series,
                      p.series_position, p.authors AS "authors!", p.isbn13, p.language, p.format, p.publisher,
                      p.published, p.published_precision, p.genres AS "genres!", p.cover_url, p.price_amount,
                      p.price_currency, p.status AS "status!", p.rating_average AS "rating_average!",
                      p.rating_count AS "rating_count!", p.rating_histogram, p.rating_score AS "rating_score!",
                      p.popularity AS "popularity!", p.title_sort AS "title_sort!", p.created_at AS "created_at!",
                      p.updated_at AS "updated_at!", coalesce(s.on_hand - s.reserved, 0) AS "available!"
               FROM (SELECT p.id
                     FROM matching_products($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14) p
                     WHERE ($16::uuid IS NULL OR "#
                + $after
                + ")"
                + $range
                + " ORDER BY "
                + $order
                + " LIMIT $15) page
               JOIN products p ON p.id = page.id
               LEFT JOIN stock s ON s.product_id = p.id
               ORDER BY "
                + $order,
            $page.filters.status.as_str(),
            genres($page.filters),
            $page.filters.author.as_deref(),
            $page.filters.series.as_deref(),
            $page.filters.publisher.as_deref(),
            $page.filters.language.as_deref(),
            $page.formats.as_deref(),
            $page.filters.min_price,
            $page.filters.max_price,
            $page.filters.min_rating,
            $page.filters.published_from,
            $page.filters.published_to,
            $page.filters.in_stock,
            $page.filters.work.map(|work| work.0),
            $page.limit,
            $page.after.map(|after| after.id.0),
            $key,
        )
        .fetch_all($page.connection)
        .await
    };
}

/// What a page is made of, beside its sort.
struct Page<'a> {
    connection: &'a mut PgConnection,
    filters: &'a Filters,
    formats: Option<Vec<String>>,
    after: Option<&'a Position>,
    limit: i64,
}

/// A page starts after a position of its own sort, or at the beginning.
macro_rules! key {
    ($page:expr, $kind:ident) => {
        match $page.after.map(|after| &after.key) {
            Some(SortKey::$kind(key)) => Some(key.clone()),
            Some(_) => return Err(foreign_position()),
            None => None,
        }
    };
}

fn foreign_position() -> sqlx::Error {
    unreadable("cursor", std::io::Error::other("the position belongs to another sort"))
}

pub(in crate::store) async fn page(
    connection: &mut PgConnection,
    filters: &Filters,
    sort: Sort,
    after: Option<&Position>,
    limit: i64,
) -> sqlx::Result<Vec<(ProductSummary, SortKey)>> {
    let page = Page { connection, filters, formats: formats(filters), after, limit };
    let rows = match sort {
        Sort::Popularity => page_query!(
            page,
            key!(page, Popularity),
            "(p.popularity, p.id) < ($17::double precision, $16)",
            "p.popularity DESC, p.id DESC"
        ),
        Sort::Newest => page_query!(
            page,
            key!(page, Created),
            "(p.created_at, p.id) < ($17::timestamptz, $16)",
            "p.created_at DESC, p.id DESC"
        ),
        Sort::Published => page_query!(
            page,
            key!(page, Published).flatten(),
            "(coalesce(p.published, 'infinity'::date), p.id) > (coalesce($17::date, 'infinity'::date), $16)",
            "coalesce(p.published, 'infinity'::date), p.id"
        ),
        Sort::PublishedDescending => page_query!(
            page,
            key!(page, Published).flatten(),
            "(coalesce(p.published, '-infinity'::date), p.id) < (coalesce($17::date, '-infinity'::date), $16)",
            " AND ($11::date IS NULL OR coalesce(p.published, '-infinity'::date) >= $11)
              AND ($12::date IS NULL OR coalesce(p.published, '-infinity'::date) <= $12)",
            "coalesce(p.published, '-infinity'::date) DESC, p.id DESC"
        ),
        Sort::Price => page_query!(
            page,
            key!(page, Price).flatten(),
            "(coalesce(p.price_amount, 9223372036854775807), p.id)
                 > (coalesce($17::bigint, 9223372036854775807), $16)",
            "coalesce(p.price_amount, 9223372036854775807), p.id"
        ),
        Sort::PriceDescending => page_query!(
            page,
            key!(page, Price).flatten(),
            "(coalesce(p.price_amount, -1), p.id) < (coalesce($17::bigint, -1), $16)",
            " AND ($8::bigint IS NULL OR coalesce(p.price_amount, -1) >= $8)
              AND ($9::bigint IS NULL OR coalesce(p.price_amount, -1) <= $9)",
            "coalesce(p.price_amount, -1) DESC, p.id DESC"
        ),
        Sort::Rating => page_query!(
            page,
            key!(page, Rating),
            "(p.rating_score, p.id) < ($17::double precision, $16)",
            "p.rating_score DESC, p.id DESC"
        ),
        Sort::Title => page_query!(
            page,
            key!(page, Title),
            r#"(p.title_sort COLLATE "C", p.id) > ($17::text COLLATE "C", $16)"#,
            r#"p.title_sort COLLATE "C", p.id"#
        ),
    }?;
    rows.into_iter()
        .map(|row| {
            let key = row.key(sort);
            Ok((ProductSummary::try_from(row)?, key))
        })
        .collect()
}
