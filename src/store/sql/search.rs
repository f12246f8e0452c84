//! Queries of the full-text search. The migration 0002 tells what is indexed.

use sqlx::PgConnection;

use super::listing::{formats, genres, summary_row};
use crate::model::ids::ProductId;
use crate::model::listing::{Filters, ProductSummary};
use crate::model::search::{Candidate, Highlights, Hit, Hits, MARK_END, MARK_START, Rank, TextQuery};

summary_row!(
    /// A match.
    HitRow {
        score: f64,
        ranked: i64,
        marked_title: String,
        marked_authors: Vec<String>,
        marked_series: Option<String>,
        marked_description: Option<String>,
    }
);

impl TryFrom<HitRow> for Hit {
    type Error = sqlx::Error;

    fn try_from(mut row: HitRow) -> sqlx::Result<Self> {
        let highlights = Highlights {
            title: std::mem::take(&mut row.marked_title),
            authors: std::mem::take(&mut row.marked_authors),
            series: row.marked_series.take(),
            description: row.marked_description.take(),
        };
        let rank = Rank { score: row.score, id: ProductId(row.id) };
        Ok(Self { book: ProductSummary::try_from(row)?, rank, highlights })
    }
}

/// Where this many books match, they are no longer gathered before they are sorted.
const GATHERED: i64 = 4_300;

/// The best matches after `after`.
///
/// Only so many matches are ranked as `bound` says, the most popular ones, so that the most frequent words cost little
/// more than rare ones; books of which the title is or begins with the phrase are ranked in any case. Up to [`GATHERED`]
/// matches are gathered from the full-text index; where there are more, one in twenty books or so matches, and the popular
/// ones are found sooner along the index of popularity. The planner, left alone, takes that way for much rarer words, on
/// which it is ten times longer. The score is that
/// of `ts_rank` with a part for popularity: a hundredfold popularity weighs about as much as a third of a word in the
/// title. Whole titles (with or without an article) come first, then beginnings of titles.
pub(in crate::store) async fn page(
    connection: &mut PgConnection,
    filters: &Filters,
    query: &TextQuery,
    after: Option<Rank>,
    limit: i64,
    bound: i64,
) -> sqlx::Result<Hits> {
    let formats = formats(filters);
    let marks = format!("{MARK_START}{MARK_END}");
    let mark = format!("StartSel=\"{MARK_START}\", StopSel=\"{MARK_END}\"");
    let rows = sqlx::query_as!(
        HitRow,
        r#"WITH matching AS MATERIALIZED (
               SELECT p.id, p.popularity
               FROM matching_products($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14) p
               WHERE p.search @@ to_tsquery('public.book', $15)
               LIMIT $23),
           found AS MATERIALIZED (
               (SELECT p.id, p.search, p.popularity, p.title_sort
                FROM (SELECT m.id
                      FROM matching m
                      WHERE (SELECT count(*) FROM matching) < $23
                      ORDER BY m.popularity DESC, m.id DESC
                      LIMIT $17) popular
                JOIN products p ON p.id = popular.id)
               UNION ALL
               (SELECT p.id, p.search, p.popularity, p.title_sort
                FROM matching_products($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14) p
                WHERE (SELECT count(*) FROM matching) >= $23 AND p.search @@ to_tsquery('public.book', $15)
                ORDER BY p.popularity DESC, p.id DESC
                LIMIT $17)
               UNION ALL
               (SELECT p.id, p.search, p.popularity, p.title_sort
                FROM matching_products($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14) p
                WHERE p.title_sort COLLATE "C" IN (fold($16), 'the ' || fold($16), 'a ' || fold($16), 'an ' || fold($16))
                ORDER BY p.popularity DESC, p.id DESC
                LIMIT 50)
               UNION ALL
               (SELECT p.id, p.search, p.popularity, p.title_sort
                FROM matching_products($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14) p
                WHERE p.title_sort COLLATE "C" >= fold($16) AND p.title_sort COLLATE "C" < fold($16) || chr(1114111)
                ORDER BY p.popularity DESC, p.id DESC
                LIMIT 50)),
           ranked AS MATERIALIZED (
               SELECT DISTINCT ON (f.id) f.id,
                      ts_rank('{0.1, 0.4, 0.7, 1.0}', f.search, to_tsquery('public.book', $15))
                      + 0.04 * ln(1 + f.popularity)
                      + CASE WHEN f.title_sort IN (fold($16), 'the ' || fold($16), 'a ' || fold($16), 'an ' || fold($16))
                             THEN 10
                             WHEN starts_with(f.title_sort, fold($16)) THEN 5
                             ELSE 0 END AS score
               FROM found f
               ORDER BY f.id),
           page AS MATERIALIZED (
               SELECT r.id, r.score
               FROM ranked r
               WHERE ($20::uuid IS NULL OR (r.score, r.id) < ($19::double precision, $20))
               ORDER BY r.score DESC, r.id DESC
               LIMIT $18)
           SELECT p.id AS "id!", p.work_id AS "work_id!", p.title AS "title!", p.subtitle, p.series, p.series_position,
                  p.authors AS "authors!", p.isbn13, p.language, p.format, p.publisher, p.published,
                  p.published_precision, p.genres AS "genres!", p.cover_url, p.price_amount, p.price_currency,
                  p.status AS "status!", p.rating_average AS "rating_average!", p.rating_count AS "rating_count!",
                  p.rating_histogram, p.created_at AS "created_at!", p.updated_at AS "updated_at!",
                  coalesce(s.on_hand - s.reserved, 0) AS "available!", page.score AS "score!",
                  (SELECT count(*) FROM ranked) AS "ranked!",
                  ts_headline('public.book', translate(p.title, $21, ''), to_tsquery('public.book', $15),
                              'HighlightAll=true, ' || $22) AS "marked_title!",
                  ARRAY(SELECT ts_headline('public.book', translate(author, $21, ''), to_tsquery('public.book', $15),
                                           'HighlightAll=true, ' || $22)
                        FROM unnest(p.authors) WITH ORDINALITY AS authors (author, position)
                        ORDER BY position) AS "marked_authors!",
                  ts_headline('public.book', translate(p.series, $21, ''), to_tsquery('public.book', $15),
                              'HighlightAll=true, ' || $22) AS marked_series,
                  ts_headline('public.book', translate(left(p.description, 2000), $21, ''),
                              to_tsquery('public.book', $15),
                              'MaxFragments=2, MinWords=8, MaxWords=24, FragmentDelimiter=" … ", ' || $22)
                      AS marked_description
           FROM page
           JOIN products p ON p.id = page.id
           LEFT JOIN stock s ON s.product_id = p.id
           ORDER BY page.score DESC, page.id DESC"#,
        filters.status.as_str(),
        genres(filters),
        filters.author.as_deref(),
        filters.series.as_deref(),
        filters.publisher.as_deref(),
        filters.language.as_deref(),
        formats.as_deref(),
        filters.min_price,
        filters.max_price,
        filters.min_rating,
        filters.published_from,
        filters.published_to,
        filters.in_stock,
        filters.work.map(|work| work.0),
        query.expression,
        query.phrase,
        bound,
        limit,
        after.map(|after| after.score),
        after.map(|after| after.id.0),
        marks,
        mark,
        GATHERED,
    )
    .fetch_all(connection)
    .await?;
    let ranked = rows.first().map_or(0, |row| row.ranked);
    Ok(Hits { hits: rows.into_iter().map(Hit::try_from).collect::<Result<_, _>>()?, ranked })
}

summary_row!(
    /// A book without anything else.
    BookRow {}
);

/// The book with this ISBN-13, where it passes the filters.
pub(in crate::store) async fn by_isbn(
    connection: &mut PgConnection,
    filters: &Filters,
    isbn13: &str,
) -> sqlx::Result<Option<ProductSummary>> {
    let formats = formats(filters);
    sqlx::query_as!(
        BookRow,
        r#"SELECT p.id AS "id!", p.work_id AS "work_id!", p.title AS "title!", p.subtitle, p.series, p.series_position,
                  p.authors AS "authors!", p.isbn13, p.language, p.format, p.publisher, p.published,
                  p.published_precision, p.genres AS "genres!", p.cover_url, p.price_amount, p.price_currency,
                  p.status AS "status!", p.rating_average AS "rating_average!", p.rating_count AS "rating_count!",
                  p.rating_histogram, p.created_at AS "created_at!", p.updated_at AS "updated_at!",
                  p.available AS "available!"
           FROM matching_products($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14) p
           WHERE p.isbn13 = $15"#,
        filters.status.as_str(),
        genres(filters),
        filters.author.as_deref(),
        filters.series.as_deref(),
        filters.publisher.as_deref(),
        filters.language.as_deref(),
        formats.as_deref(),
        filters.min_price,
        filters.max_price,
        filters.min_rating,
        filters.published_from,
        filters.published_to,
        filters.in_stock,
        filters.work.map(|work| work.0),
        isbn13,
    )
    .fetch_optional(connection)
    .await?
    .map(ProductSummary::try_from)
    .transpose()
}

/// Words like those that no active book has. `expressions` are the words in the notation of `to_tsquery`.
pub(in crate::store) async fn candidates(
    connection: &mut PgConnection,
    words: &[String],
    expressions: &[String],
) -> sqlx::Result<Vec<Candidate>> {
    let rows = sqlx::query!(
        r#"SELECT asked.position AS "position!", near.word AS "word!", near.likeness AS "likeness!",
                  (SELECT count(*) FROM (SELECT FROM products p
                                         WHERE p.status = 'active' AND p.search @@ plainto_tsquery('public.book', near.word)
                                         LIMIT 50) AS bounded) AS "books!"
           FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS asked (word, expression, position)
           CROSS JOIN LATERAL (
               SELECT EXISTS (SELECT FROM products p
                              WHERE p.status = 'active' AND p.search @@ to_tsquery('public.book', asked.expression))
                   AS found) known
           CROSS JOIN LATERAL (
               SELECT alike.word, alike.likeness
               FROM similar_words(fold(asked.word)) AS alike
               WHERE NOT known.found) near"#,
        words,
        expressions,
    )
    .fetch_all(connection)
    .await?;
    let candidate = |row: Result<usize, _>, word, books, likeness| {
        row.map(|position| Candidate { position, word, books, likeness })
    };
    Ok(rows
        .into_iter()
        .filter(|row| row.books > 0)
        .filter_map(|row| candidate(usize::try_from(row.position - 1), row.word, row.books, row.likeness).ok())
        .collect())
}
