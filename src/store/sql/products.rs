//! Queries for single books.

use sqlx::PgConnection;
use time::{Date, OffsetDateTime};
use uuid::Uuid;

use crate::model::date::PartialDate;
use crate::model::ids::{ProductId, WorkId};
use crate::model::money::Money;
use crate::model::product::{Availability, Product, ProductFields, Rating, Series};

/// A row of `products` with its stock, as `product_query!` selects it.
pub(super) struct ProductRow {
    id: Uuid,
    work_id: Uuid,
    title: String,
    subtitle: Option<String>,
    series: Option<String>,
    series_position: Option<f64>,
    authors: Vec<String>,
    isbn10: Option<String>,
    isbn13: Option<String>,
    language: Option<String>,
    format: Option<String>,
    publisher: Option<String>,
    published: Option<Date>,
    published_precision: Option<String>,
    pages: Option<i32>,
    description: Option<String>,
    genres: Vec<String>,
    subjects: Vec<String>,
    cover_url: Option<String>,
    price_amount: Option<i64>,
    price_currency: Option<String>,
    status: String,
    rating_average: f64,
    rating_count: i64,
    rating_histogram: Option<Vec<i64>>,
    available: i32,
    version: i64,
    created_at: OffsetDateTime,
    updated_at: OffsetDateTime,
}

/// A value that the schema's constraints should have kept out.
pub(super) fn unreadable(column: &str, error: impl std::error::Error + Send + Sync + 'static) -> sqlx::Error {
    sqlx::Error::ColumnDecode { index: column.to_owned(), source: Box::new(error) }
}

/// Reads a text column that holds one of the model's own notations.
pub(super) fn parse<T>(column: &str, text: &str) -> sqlx::Result<T>
where
    T: std::str::FromStr,
    T::Err: std::error::Error + Send + Sync + 'static,
{
    text.parse().map_err(|error| unreadable(column, error))
}

fn parse_some<T>(column: &str, text: Option<&str>) -> sqlx::Result<Option<T>>
where
    T: std::str::FromStr,
    T::Err: std::error::Error + Send + Sync + 'static,
{
    text.map(|text| parse(column, text)).transpose()
}

/// The date of the two columns that keep it.
pub(super) fn published(day: Option<Date>, precision: Option<&str>) -> sqlx::Result<Option<PartialDate>> {
    let precision = parse_some("published_precision", precision)?;
    Ok(day.zip(precision).map(|(day, precision)| PartialDate::new(day, precision)))
}

/// The price of the two columns that keep it.
pub(super) fn price(amount: Option<i64>, currency: Option<&str>) -> sqlx::Result<Option<Money>> {
    let currency = parse_some("price_currency", currency)?;
    Ok(amount.zip(currency).map(|(amount, currency)| Money { amount, currency }))
}

impl TryFrom<ProductRow> for Product {
    type Error = sqlx::Error;

    fn try_from(row: ProductRow) -> sqlx::Result<Self> {
        let published = published(row.published, row.published_precision.as_deref())?;
        let price = price(row.price_amount, row.price_currency.as_deref())?;
        let position = row.series_position;
        Ok(Self {
            id: ProductId(row.id),
            work_id: WorkId(row.work_id),
            rating: Rating {
                average: row.rating_average,
                count: row.rating_count,
                histogram: row.rating_histogram.and_then(|counts| counts.try_into().ok()),
            },
            availability: Availability::of(row.available),
            version: row.version,
            created_at: row.created_at,
            updated_at: row.updated_at,
            fields: ProductFields {
                title: row.title,
                subtitle: row.subtitle,
                series: row.series.map(|name| Series { name, position }),
                authors: row.authors,
                isbn10: parse_some("isbn10", row.isbn10.as_deref())?,
                isbn13: parse_some("isbn13", row.isbn13.as_deref())?,
                language: row.language,
                format: parse_some("format", row.format.as_deref())?,
                publisher: row.publisher,
                published,
                pages: row.pages,
                description: row.description,
                genres: row.genres,
                subjects: row.subjects,
                cover_url: row.cover_url,
                price,
                status: parse("status", &row.status)?,
            },
        })
    }
}

macro_rules! product_query {
    ($tail:literal, $($argument:expr),*) => {
        sqlx::query_as!(
            ProductRow,
            r#"SELECT p.id, p.work_id, p.title, p.subtitle, p.series, p.series_position, p.authors, p.isbn10, p.isbn13,
                      p.language, p.format, p.publisher, p.published, p.published_precision, p.pages, p.description,
                      p.genres, p.subjects, p.cover_url, p.price_amount, p.price_currency, p.status, p.rating_average,
                      p.rating_count, p.rating_histogram, p.version, p.created_at, p.updated_at,
                      s.on_hand - s.reserved AS "available!"
               FROM products p JOIN stock s ON s.product_id = p.id "# + $tail,
            $($argument),*
        )
    };
}

pub(in crate::store) async fn by_id(connection: &mut PgConnection, id: ProductId) -> sqlx::Result<Option<Product>> {
    product_query!("WHERE p.id = $1", id.0).fetch_optional(connection).await?.map(Product::try_from).transpose()
}

pub(in crate::store) async fn by_ids(connection: &mut PgConnection, ids: &[Uuid]) -> sqlx::Result<Vec<Product>> {
    product_query!("WHERE p.id = ANY($1)", ids)
        .fetch_all(connection)
        .await?
        .into_iter()
        .map(Product::try_from)
        .collect()
}

pub(in crate::store) async fn by_isbn13(connection: &mut PgConnection, isbn: &str) -> sqlx::Result<Option<Product>> {
    product_query!("WHERE p.isbn13 = $1", isbn).fetch_optional(connection).await?.map(Product::try_from).transpose()
}

pub(in crate::store) async fn by_id_for_update(
    connection: &mut PgConnection,
    id: ProductId,
) -> sqlx::Result<Option<Product>> {
    product_query!("WHERE p.id = $1 FOR UPDATE OF p", id.0)
        .fetch_optional(connection)
        .await?
        .map(Product::try_from)
        .transpose()
}

/// A statement that writes a book: `$1` is its id, `$2` to `$21` its fields in this order, `$22` the time, and what
/// follows is the statement's own.
macro_rules! write_query {
    ($sql:literal, $id:expr, $fields:expr, $now:expr $(, $more:expr)*) => {
        sqlx::query!(
            $sql,
            $id.0,
            $fields.title,
            $fields.subtitle.as_deref(),
            $fields.series.as_ref().map(|s| s.name.as_str()),
            $fields.series.as_ref().and_then(|s| s.position),
            &$fields.authors,
            $fields.isbn10.as_ref().map(|i| i.as_str()),
            $fields.isbn13.as_ref().map(|i| i.as_str()),
            $fields.language.as_deref(),
            $fields.format.map(|f| f.as_str()),
            $fields.publisher.as_deref(),
            $fields.published.map(PartialDate::first_day),
            $fields.published.map(|d| d.precision().as_str()),
            $fields.pages,
            $fields.description.as_deref(),
            &$fields.genres,
            &$fields.subjects,
            $fields.cover_url.as_deref(),
            $fields.price.map(|p| p.amount),
            $fields.price.map(|p| p.currency.to_string()),
            $fields.status.as_str(),
            $now
            $(, $more)*
        )
    };
}

pub(in crate::store) async fn insert(
    connection: &mut PgConnection,
    id: ProductId,
    work: WorkId,
    fields: &ProductFields,
    now: OffsetDateTime,
) -> sqlx::Result<()> {
    write_query!(
        "WITH book AS (
            INSERT INTO products (id, title, subtitle, series, series_position, authors, isbn10, isbn13, language, format,
                                  publisher, published, published_precision, pages, description, genres, subjects,
                                  cover_url, price_amount, price_currency, status, created_at, updated_at, work_id)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22,
                    $22, $23)
            RETURNING id)
         INSERT INTO stock (product_id, updated_at) SELECT id, $22 FROM book",
        id,
        fields,
        now,
        work.0
    )
    .execute(connection)
    .await?;
    Ok(())
}

pub(in crate::store) async fn update(
    connection: &mut PgConnection,
    id: ProductId,
    fields: &ProductFields,
    now: OffsetDateTime,
) -> sqlx::Result<()> {
    write_query!(
        "UPDATE products
         SET title = $2, subtitle = $3, series = $4, series_position = $5, authors = $6, isbn10 = $7, isbn13 = $8,
             language = $9, format = $10, publisher = $11, published = $12, published_precision = $13, pages = $14,
             description = $15, genres = $16, subjects = $17, cover_url = $18, price_amount = $19, price_currency = $20,
             status = $21, updated_at = $22, version = version + 1
         WHERE id = $1",
        id,
        fields,
        now
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Genres are inserted in the order of their slugs, so that two writers who need the same new ones wait for each
/// other instead of deadlocking.
pub(in crate::store) async fn ensure_genres(
    connection: &mut PgConnection,
    genres: &[(String, String)],
) -> sqlx::Result<()> {
    let (slugs, names): (Vec<String>, Vec<String>) = genres.iter().cloned().unzip();
    sqlx::query!(
        "INSERT INTO genres (slug, name)
         SELECT slug, name FROM unnest($1::text[], $2::text[]) AS wanted (slug, name)
         WHERE NOT EXISTS (SELECT FROM genres g WHERE g.slug = wanted.slug)
         ORDER BY slug
         ON CONFLICT DO NOTHING",
        &slugs,
        &names,
    )
    .execute(connection)
    .await?;
    Ok(())
}
