//! Queries for books in bulk: each takes a whole batch, as one JSON document.

use serde_json::{Value, json};
use sqlx::PgConnection;
use time::{Date, OffsetDateTime};

use crate::model::date::PartialDate;
use crate::model::ids::ProductId;
use crate::store::import::{ImportRow, ImportTarget};

/// A date as Postgres reads it: years before our era count from 1 BC.
fn date(day: Date) -> String {
    let (year, month, day) = day.to_calendar_date();
    let month = u8::from(month);
    if year > 0 { format!("{year:04}-{month:02}-{day:02}") } else { format!("{:04}-{month:02}-{day:02} BC", 1 - year) }
}

/// The rows as the queries expect them, in this order.
fn document(rows: &[ImportRow]) -> Value {
    let list = |list: &[String]| if list.is_empty() { Value::Null } else { json!(list) };
    rows.iter()
        .enumerate()
        .map(|(position, row)| {
            let fields = &row.fields;
            let rating = row.rating.as_ref();
            json!({
                "position": position,
                "id": row.id,
                "work_id": row.work,
                "title": fields.title,
                "subtitle": fields.subtitle,
                "series": fields.series.as_ref().map(|series| &series.name),
                "series_position": fields.series.as_ref().and_then(|series| series.position),
                "authors": fields.authors,
                "isbn10": fields.isbn10,
                "isbn13": fields.isbn13,
                "language": fields.language,
                "format": fields.format,
                "publisher": fields.publisher,
                "published": fields.published.map(|published| date(published.first_day())),
                "published_precision": fields.published.map(PartialDate::precision).map(|precision| precision.as_str()),
                "dates_from_work": row.dates_from_work,
                "pages": fields.pages,
                "description": fields.description,
                "genres": list(&fields.genres),
                "subjects": list(&fields.subjects),
                "cover_url": fields.cover_url,
                "price_amount": fields.price.map(|price| price.amount),
                "price_currency": fields.price.map(|price| price.currency),
                "status": fields.status,
                "has_status": row.has_status,
                "rating_average": rating.map(|rating| rating.average),
                "rating_count": rating.map(|rating| rating.count),
                "rating_histogram": rating.and_then(|rating| rating.histogram),
                "source": row.origin.as_ref().map(|(source, _)| source),
                "source_id": row.origin.as_ref().map(|(_, id)| id),
                "stock": row.stock,
            })
        })
        .collect()
}

/// Locked in the order of their identifiers, so that two imports wait for each other instead of deadlocking.
pub(in crate::store) async fn targets(
    connection: &mut PgConnection,
    isbns: &[String],
    origins: &[(String, String)],
) -> sqlx::Result<Vec<ImportTarget>> {
    let (sources, ids): (Vec<String>, Vec<String>) = origins.iter().cloned().unzip();
    let rows = sqlx::query!(
        r#"WITH meant AS MATERIALIZED (
               SELECT p.id FROM unnest($1::text[]) AS isbns (isbn13) JOIN products p USING (isbn13)
               UNION
               SELECT p.id FROM unnest($2::text[], $3::text[]) AS origins (source, source_id)
               JOIN products p USING (source, source_id)
           )
           SELECT p.id, p.isbn13, p.source, p.source_id, s.reserved
           FROM products p JOIN stock s ON s.product_id = p.id
           WHERE p.id IN (SELECT id FROM meant)
           ORDER BY p.id FOR UPDATE OF p"#,
        isbns,
        &sources,
        &ids,
    )
    .fetch_all(connection)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| ImportTarget {
            id: ProductId(row.id),
            isbn13: row.isbn13,
            source: row.source,
            source_id: row.source_id,
            reserved: row.reserved,
        })
        .collect())
}

/// A new book joins the work of an active one with its title and first author, which the index of the titles finds: that
/// of the authors has a pending list, which grows with every batch and is read through by every lookup. Of books in one
/// batch that share them, the first decides.
pub(in crate::store) async fn insert(
    connection: &mut PgConnection,
    rows: &[ImportRow],
    now: OffsetDateTime,
) -> sqlx::Result<Vec<ProductId>> {
    let ids = sqlx::query_scalar!(
        r#"WITH new AS (
               SELECT n.*, fold(n.title) AS title_key, fold(n.authors[1]) AS author_key
               FROM jsonb_to_recordset($1::jsonb) AS n (
                   position integer, id uuid, work_id uuid, title text, subtitle text, series text,
                   series_position double precision, authors text[], isbn10 text, isbn13 text, language text, format text,
                   publisher text, published date, published_precision text, pages integer, description text,
                   genres text[], subjects text[], cover_url text, price_amount bigint, price_currency text, status text,
                   rating_average double precision, rating_count bigint, rating_histogram bigint[], source text,
                   source_id text, stock integer)
           ), book AS (
               INSERT INTO products (id, work_id, title, subtitle, series, series_position, authors, isbn10, isbn13, language,
                   format, publisher, published, published_precision, pages, description, genres, subjects, cover_url,
                   price_amount, price_currency, status, rating_average, rating_count, rating_histogram,
                   imported_rating_average, imported_rating_count, imported_rating_histogram, popularity, source, source_id,
                   created_at, updated_at)
               SELECT id,
                   coalesce(
                       (SELECT p.work_id FROM products p
                        WHERE p.title_sort = left(new.title_key, 200) AND p.status = 'active'
                            AND p.title_key = new.title_key AND p.author_keys[1] = new.author_key
                        ORDER BY p.id LIMIT 1),
                       first_value(work_id) OVER (PARTITION BY title_key, author_key ORDER BY position)),
                   title, subtitle, series, series_position, authors, isbn10, isbn13, language, format, publisher, published,
                   published_precision, pages, description, coalesce(genres, '{}'), coalesce(subjects, '{}'), cover_url,
                   price_amount, price_currency, status, coalesce(rating_average, 0), coalesce(rating_count, 0),
                   rating_histogram, rating_average, rating_count, rating_histogram, coalesce(rating_count, 0), source,
                   source_id, $2, $2
               FROM new ORDER BY position
               ON CONFLICT DO NOTHING
               RETURNING id
           ), shelf AS (
               INSERT INTO stock (product_id, on_hand, updated_at)
               SELECT book.id, coalesce(new.stock, 0), $2 FROM book JOIN new USING (id)
           )
           SELECT id AS "id!" FROM book"#,
        document(rows),
        now,
    )
    .fetch_all(connection)
    .await?;
    Ok(ids.into_iter().map(ProductId).collect())
}

/// What belongs together changes together: a series and its position, a date and its precision, a price and its
/// currency, both ISBNs, an average with its count and histogram. What the shop tells of a book's ratings follows from the
/// imported ones and its own reviews, by a trigger.
pub(in crate::store) async fn update(
    connection: &mut PgConnection,
    rows: &[ImportRow],
    now: OffsetDateTime,
) -> sqlx::Result<Vec<ProductId>> {
    let ids = sqlx::query_scalar!(
        r#"WITH merged AS (
               SELECT p.id, n.title, coalesce(n.subtitle, p.subtitle) AS subtitle, coalesce(n.series, p.series) AS series,
                   CASE WHEN n.series IS NULL THEN p.series_position ELSE n.series_position END AS series_position,
                   n.authors, coalesce(p.isbn13, n.isbn13) AS isbn13,
                   CASE WHEN p.isbn13 IS NULL THEN coalesce(n.isbn10, p.isbn10) ELSE p.isbn10 END AS isbn10,
                   coalesce(n.language, p.language) AS language, coalesce(n.format, p.format) AS format,
                   coalesce(n.publisher, p.publisher) AS publisher,
                   CASE WHEN dates.taken THEN n.published ELSE p.published END AS published,
                   CASE WHEN dates.taken THEN n.published_precision ELSE p.published_precision END AS published_precision,
                   coalesce(n.pages, p.pages) AS pages, coalesce(n.description, p.description) AS description,
                   coalesce(n.genres, p.genres) AS genres, coalesce(n.subjects, p.subjects) AS subjects,
                   coalesce(n.cover_url, p.cover_url) AS cover_url,
                   coalesce(n.price_amount, p.price_amount) AS price_amount,
                   coalesce(n.price_currency, p.price_currency) AS price_currency,
                   CASE WHEN n.has_status THEN n.status ELSE p.status END AS status,
                   CASE WHEN ratings.taken THEN n.rating_average ELSE p.imported_rating_average END AS rating_average,
                   CASE WHEN ratings.taken THEN n.rating_count ELSE p.imported_rating_count END AS rating_count,
                   CASE WHEN ratings.taken THEN n.rating_histogram ELSE p.imported_rating_histogram END AS rating_histogram,
                   coalesce(p.source, n.source) AS source,
                   CASE WHEN p.source IS NULL THEN n.source_id ELSE p.source_id END AS source_id
               FROM jsonb_to_recordset($1::jsonb) AS n (
                   id uuid, title text, subtitle text, series text, series_position double precision, authors text[],
                   isbn10 text, isbn13 text, language text, format text, publisher text, published date,
                   published_precision text, dates_from_work boolean, pages integer, description text, genres text[],
                   subjects text[], cover_url text, price_amount bigint, price_currency text, status text, has_status boolean,
                   rating_average double precision, rating_count bigint, rating_histogram bigint[], source text,
                   source_id text)
               JOIN products p USING (id)
               CROSS JOIN LATERAL (
                   SELECT n.published IS NOT NULL AND (p.published IS NULL OR NOT n.dates_from_work) AS taken) AS dates
               CROSS JOIN LATERAL (
                   SELECT n.rating_count IS NOT NULL
                       AND (n.rating_histogram IS NOT NULL OR p.imported_rating_histogram IS NULL) AS taken) AS ratings
           )
           UPDATE products p
           SET title = m.title, subtitle = m.subtitle, series = m.series, series_position = m.series_position,
               authors = m.authors, isbn13 = m.isbn13, isbn10 = m.isbn10, language = m.language, format = m.format,
               publisher = m.publisher, published = m.published, published_precision = m.published_precision,
               pages = m.pages, description = m.description, genres = m.genres, subjects = m.subjects,
               cover_url = m.cover_url, price_amount = m.price_amount, price_currency = m.price_currency, status = m.status,
               imported_rating_average = m.rating_average, imported_rating_count = m.rating_count,
               imported_rating_histogram = m.rating_histogram,
               popularity = coalesce(m.rating_count, p.popularity),
               source = m.source, source_id = m.source_id, version = p.version + 1, updated_at = $2
           FROM merged m
           WHERE p.id = m.id AND ROW(
                   p.title, p.subtitle, p.series, p.series_position, p.authors, p.isbn13, p.isbn10, p.language, p.format,
                   p.publisher, p.published, p.published_precision, p.pages, p.description, p.genres, p.subjects, p.cover_url,
                   p.price_amount, p.price_currency, p.status, p.imported_rating_average, p.imported_rating_count,
                   p.imported_rating_histogram, p.source, p.source_id)
               IS DISTINCT FROM ROW(
                   m.title, m.subtitle, m.series, m.series_position, m.authors, m.isbn13, m.isbn10, m.language, m.format,
                   m.publisher, m.published, m.published_precision, m.pages, m.description, m.genres, m.subjects, m.cover_url,
                   m.price_amount, m.price_currency, m.status, m.rating_average, m.rating_count, m.rating_histogram, m.source,
                   m.source_id)
           RETURNING p.id AS "id!""#,
        document(rows),
        now,
    )
    .fetch_all(connection)
    .await?;
    Ok(ids.into_iter().map(ProductId).collect())
}

/// Copies that orders reserved since the rows were checked are there, whatever a file says.
pub(in crate::store) async fn stock(
    connection: &mut PgConnection,
    rows: &[ImportRow],
    now: OffsetDateTime,
) -> sqlx::Result<Vec<ProductId>> {
    let (ids, counts): (Vec<_>, Vec<_>) = rows.iter().filter_map(|row| Some((row.id.0, row.stock?))).unzip();
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let changed = sqlx::query_scalar!(
        "UPDATE stock s SET on_hand = greatest(n.on_hand, s.reserved), updated_at = $3, version = s.version + 1, reason = 'import',
             order_id = NULL, actor_id = NULL, note = NULL
         FROM unnest($1::uuid[], $2::integer[]) AS n (id, on_hand)
         WHERE s.product_id = n.id AND s.on_hand <> greatest(n.on_hand, s.reserved)
         RETURNING s.product_id",
        &ids,
        &counts,
        now,
    )
    .fetch_all(connection)
    .await?;
    Ok(changed.into_iter().map(ProductId).collect())
}
