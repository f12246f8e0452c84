//! The query for suggestions.

use sqlx::PgConnection;

use super::products::parse;
use crate::model::ids::ProductId;
use crate::model::search::Suggestion;

/// Where this many books match, they are no longer gathered before they are sorted: see the search.
const GATHERED: i64 = 4_000;

/// Names are looked for in a bounded number of books: those whose title begins with the phrase, and the most popular of
/// those that match the expression. Without an expression (a very short phrase, with which many words begin) the most
/// popular books of all are looked through.
pub(in crate::store) async fn find(
    connection: &mut PgConnection,
    phrase: &str,
    expression: Option<&str>,
    limit: i64,
) -> sqlx::Result<Vec<Suggestion>> {
    let rows = sqlx::query!(
        r#"WITH matching AS MATERIALIZED (
               SELECT p.id, p.popularity
               FROM products p
               WHERE p.status = 'active' AND $2::text IS NOT NULL AND p.search @@ to_tsquery('public.book', $2)
               LIMIT $4),
           books AS MATERIALIZED (
               (SELECT p.id, p.title, p.authors, p.series, p.popularity, p.title_sort, p.author_keys, p.series_key
                FROM products p
                WHERE p.status = 'active' AND p.title_sort >= fold($1) AND p.title_sort < fold($1) || chr(1114111)
                ORDER BY p.popularity DESC, p.id DESC
                LIMIT 50)
               UNION ALL
               (SELECT p.id, p.title, p.authors, p.series, p.popularity, p.title_sort, p.author_keys, p.series_key
                FROM (SELECT m.id
                      FROM matching m
                      WHERE (SELECT count(*) FROM matching) < $4
                      ORDER BY m.popularity DESC, m.id DESC
                      LIMIT 200) popular
                JOIN products p ON p.id = popular.id)
               UNION ALL
               (SELECT p.id, p.title, p.authors, p.series, p.popularity, p.title_sort, p.author_keys, p.series_key
                FROM products p
                WHERE p.status = 'active' AND $2::text IS NOT NULL AND p.search @@ to_tsquery('public.book', $2)
                  AND (SELECT count(*) FROM matching) >= $4
                ORDER BY p.popularity DESC, p.id DESC
                LIMIT 200)
               UNION ALL
               (SELECT p.id, p.title, p.authors, p.series, p.popularity, p.title_sort, p.author_keys, p.series_key
                FROM products p
                WHERE p.status = 'active' AND $2::text IS NULL
                ORDER BY p.popularity DESC, p.id DESC
                LIMIT 1000)),
           names AS (
               SELECT 'title' AS kind, b.title AS name, b.title_sort AS key, b.id, b.popularity FROM books b
               UNION ALL
               SELECT 'author', author.name, author.key, NULL, b.popularity
               FROM books b CROSS JOIN LATERAL unnest(b.authors, b.author_keys) AS author (name, key)
               UNION ALL
               SELECT 'series', b.series, b.series_key, NULL, b.popularity FROM books b WHERE b.series IS NOT NULL),
           fitting AS (
               SELECT DISTINCT ON (n.kind, n.key) n.kind, n.name, n.key, n.id, n.popularity
               FROM names n
               WHERE strpos(' ' || n.key, ' ' || fold($1)) > 0
                  OR ($2::text IS NOT NULL AND n.kind = 'title'
                      AND to_tsvector('public.book', plain_words(n.key)) @@ to_tsquery('public.book', $2))
               ORDER BY n.kind, n.key, n.popularity DESC, n.id)
           SELECT f.kind AS "kind!", f.name AS "name!", f.id
           FROM fitting f
           ORDER BY starts_with(f.key, fold($1)) DESC, f.popularity DESC, f.kind DESC, f.key
           LIMIT $3"#,
        phrase,
        expression,
        limit,
        GATHERED,
    )
    .fetch_all(connection)
    .await?;
    rows.into_iter()
        .map(|row| Ok(Suggestion { kind: parse("kind", &row.kind)?, text: row.name, id: row.id.map(ProductId) }))
        .collect()
}
