//! Loading by COPY in its binary format, with the driver's own encoding of values.

mod copy;
pub(in crate::store) mod readers;

use sqlx::PgConnection;

use copy::copy;

use super::products::parse;
use crate::model::date::PartialDate;
use crate::model::isbn::Isbn13;
use crate::model::product::Rating;
use crate::model::seed::SeededBook;

/// Names the advisory lock of bulk loads; any number that nothing else uses.
const BULK_LOAD: i64 = 0x5eed;

pub(in crate::store) async fn begin_bulk_load(connection: &mut PgConnection) -> sqlx::Result<bool> {
    // The limits on time are for requests. Memory and a long pending list make the upkeep of GIN indexes cheaper.
    sqlx::query!(
        r#"SELECT count(set_config(name, value, true)) AS "set!"
           FROM (VALUES ('statement_timeout', '0'), ('idle_in_transaction_session_timeout', '0'),
                        ('gin_pending_list_limit', '64MB'), ('work_mem', '128MB'),
                        ('maintenance_work_mem', '256MB')) AS settings (name, value)"#
    )
    .fetch_one(&mut *connection)
    .await?;
    let locked = sqlx::query_scalar!(r#"SELECT pg_try_advisory_xact_lock($1) AS "locked!""#, BULK_LOAD)
        .fetch_one(&mut *connection)
        .await?;
    if locked {
        // What ANALYZE needs in the end is taken now. Else autovacuum, which is at the tables of a shop that was just
        // filled, would wait for the index below while this waited for the table.
        sqlx::query!(
            "LOCK TABLE products, stock, genres, users, orders, order_lines, order_history, payments, reviews, review_votes,
                 favourites IN SHARE UPDATE EXCLUSIVE MODE"
        )
        .execute(&mut *connection)
        .await?;
        // Entering each book's words one by one would take longer than all the rest: they are collected and entered in
        // order (the Postgres manual, "GIN Tips and Tricks"). Dropping the index would be no faster and lock readers out.
        sqlx::query!("ALTER INDEX products_search_idx SET (fastupdate = on)").execute(connection).await?;
    }
    Ok(locked)
}

pub(in crate::store) async fn has_products(connection: &mut PgConnection) -> sqlx::Result<bool> {
    sqlx::query_scalar!(r#"SELECT EXISTS (SELECT FROM products) AS "any!""#).fetch_one(connection).await
}

pub(in crate::store) async fn greatest_isbn13(
    connection: &mut PgConnection,
    from: &str,
    to: &str,
) -> sqlx::Result<Option<Isbn13>> {
    let greatest = sqlx::query_scalar!("SELECT max(isbn13) FROM products WHERE isbn13 BETWEEN $1 AND $2", from, to)
        .fetch_one(connection)
        .await?;
    greatest.map(|isbn| parse("isbn13", &isbn)).transpose()
}

pub(in crate::store) async fn finish_bulk_load(connection: &mut PgConnection) -> sqlx::Result<()> {
    sqlx::query!(
        r#"SELECT count(gin_clean_pending_list(i.indexrelid)) AS "cleaned!"
           FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_am a ON a.oid = c.relam
           WHERE i.indrelid = 'products'::regclass AND a.amname = 'gin'"#
    )
    .fetch_one(&mut *connection)
    .await?;
    sqlx::query!("ALTER INDEX products_search_idx SET (fastupdate = off)").execute(&mut *connection).await?;
    sqlx::query!(
        "ANALYZE products, stock, genres, users, orders, order_lines, order_history, payments, reviews, review_votes, favourites"
    )
    .execute(connection)
    .await?;
    Ok(())
}

const COPY_PRODUCTS: &str =
    "COPY products (id, work_id, title, subtitle, series, series_position, authors, isbn10, isbn13,
    language, format, publisher, published, published_precision, pages, description, genres, subjects, cover_url,
    price_amount, price_currency, status, rating_average, rating_count, rating_histogram, imported_rating_average,
    imported_rating_count, imported_rating_histogram, popularity, version, created_at, updated_at)
    FROM STDIN WITH (FORMAT binary)";

pub(in crate::store) async fn copy_products(connection: &mut PgConnection, books: &[SeededBook]) -> sqlx::Result<()> {
    copy(connection, COPY_PRODUCTS, books, |row, book| {
        let product = &book.product;
        let fields = &product.fields;
        let Rating { average, count, histogram } = &product.rating;
        row.begin(32)
            .value(&product.id.0)?
            .value(&product.work_id.0)?
            .value(&fields.title)?
            .value(&fields.subtitle)?
            .value(&fields.series.as_ref().map(|series| series.name.as_str()))?
            .value(&fields.series.as_ref().and_then(|series| series.position))?
            .value(&fields.authors)?
            .value(&fields.isbn10.as_ref().map(|isbn| isbn.as_str()))?
            .value(&fields.isbn13.as_ref().map(|isbn| isbn.as_str()))?
            .value(&fields.language)?
            .value(&fields.format.map(|format| format.as_str()))?
            .value(&fields.publisher)?
            .value(&fields.published.map(PartialDate::first_day))?
            .value(&fields.published.map(|date| date.precision().as_str()))?
            .value(&fields.pages)?
            .value(&fields.description)?
            .value(&fields.genres)?
            .value(&fields.subjects)?
            .value(&fields.cover_url)?
            .value(&fields.price.map(|price| price.amount))?
            .value(&fields.price.map(|price| price.currency.to_string()))?
            .value(&fields.status.as_str())?
            .value(average)?
            .value(count)?
            .value(histogram)?
            // Made-up ratings are like imported ones: the shop's own reviews are counted on top of them, and until then
            // they are what popularity rests on.
            .value(average)?
            .value(count)?
            .value(histogram)?
            .value(&(*count as f64))?
            .value(&product.version)?
            .value(&product.created_at)?
            .value(&product.updated_at)?;
        Ok(())
    })
    .await
}

pub(in crate::store) async fn copy_stock(connection: &mut PgConnection, books: &[SeededBook]) -> sqlx::Result<()> {
    copy(
        connection,
        "COPY stock (product_id, on_hand, reserved, updated_at) FROM STDIN WITH (FORMAT binary)",
        books,
        |row, book| {
            row.begin(4)
                .value(&book.product.id.0)?
                .value(&book.on_hand)?
                .value(&0_i32)?
                .value(&book.product.updated_at)?;
            Ok(())
        },
    )
    .await
}
