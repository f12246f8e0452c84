//! The query that counts facets.

use sqlx::PgConnection;

use super::listing::{formats, genres};
use crate::model::listing::{Facet, Filters};
use crate::model::product::FEW;

/// How facets are counted.
#[derive(Clone, Debug)]
pub struct FacetQuery {
    /// At most so many books, the most popular ones, are counted.
    pub limit: i64,
    /// Where bands of price begin, in minor units, ascending. The band before the first one has the number 0.
    pub price_bands: Vec<i64>,
    /// What they must match, in the notation of `to_tsquery`.
    pub expression: Option<String>,
}

/// One count. A facet with a value of `None` counts the books that have none; an absent facet counts them all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FacetCount {
    /// The facet's name.
    pub facet: Option<String>,
    /// The value: a text, the number of a band of price, whole stars, or the number of a decade.
    pub value: Option<String>,
    /// Books.
    pub count: i64,
}

/// A facet whose own filter is set is counted without it, in a pass of its own; all others share one pass. Passes that
/// nobody needs are folded away when the statement is planned.
pub(in crate::store) async fn facets(
    connection: &mut PgConnection,
    filters: &Filters,
    facets: &[Facet],
    query: &FacetQuery,
) -> sqlx::Result<Vec<FacetCount>> {
    let formats = formats(filters);
    let names: Vec<String> = facets.iter().map(|facet| facet.as_str().to_owned()).collect();
    sqlx::query_as!(
        FacetCount,
        r#"WITH base AS MATERIALIZED (
               SELECT p.genres, p.format, p.language, p.price_amount, p.rating_average, p.published,
                      CASE WHEN 'availability' = ANY ($16) THEN p.available END AS available
               FROM matching_products($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14) p
               WHERE ($19::text IS NULL OR p.search @@ to_tsquery('public.book', $19))
               ORDER BY p.popularity DESC
               LIMIT $15)
           SELECT NULL AS facet, NULL AS value, count(*) AS "count!" FROM base
           UNION ALL
           SELECT 'genre', genre, count(*)
           FROM base, unnest(base.genres) AS genre WHERE 'genre' = ANY ($16) GROUP BY 2
           UNION ALL
           SELECT 'format', p.format, count(*)
           FROM base p WHERE 'format' = ANY ($16) AND $7 IS NULL GROUP BY 2
           UNION ALL
           SELECT 'format', p.format, count(*)
           FROM (SELECT p.format FROM matching_products($1, $2, $3, $4, $5, $6, NULL, $8, $9, $10, $11, $12, $13, $14) p
                 WHERE 'format' = ANY ($16) AND $7 IS NOT NULL
                   AND ($19::text IS NULL OR p.search @@ to_tsquery('public.book', $19))
                 ORDER BY p.popularity DESC LIMIT $15) p
           GROUP BY 2
           UNION ALL
           SELECT 'language', split_part(p.language, '-', 1), count(*)
           FROM base p WHERE 'language' = ANY ($16) AND $6 IS NULL GROUP BY 2
           UNION ALL
           SELECT 'language', split_part(p.language, '-', 1), count(*)
           FROM (SELECT p.language FROM matching_products($1, $2, $3, $4, $5, NULL, $7, $8, $9, $10, $11, $12, $13, $14) p
                 WHERE 'language' = ANY ($16) AND $6 IS NOT NULL
                   AND ($19::text IS NULL OR p.search @@ to_tsquery('public.book', $19))
                 ORDER BY p.popularity DESC LIMIT $15) p
           GROUP BY 2
           UNION ALL
           SELECT 'price', width_bucket(p.price_amount, $17::bigint[])::text, count(*)
           FROM base p WHERE 'price' = ANY ($16) AND coalesce($8, $9) IS NULL GROUP BY 2
           UNION ALL
           SELECT 'price', width_bucket(p.price_amount, $17::bigint[])::text, count(*)
           FROM (SELECT p.price_amount FROM matching_products($1, $2, $3, $4, $5, $6, $7, NULL, NULL, $10, $11, $12, $13, $14) p
                 WHERE 'price' = ANY ($16) AND coalesce($8, $9) IS NOT NULL
                   AND ($19::text IS NULL OR p.search @@ to_tsquery('public.book', $19))
                 ORDER BY p.popularity DESC LIMIT $15) p
           GROUP BY 2
           UNION ALL
           SELECT 'rating', floor(p.rating_average)::text, count(*)
           FROM base p WHERE 'rating' = ANY ($16) AND $10 IS NULL GROUP BY 2
           UNION ALL
           SELECT 'rating', floor(p.rating_average)::text, count(*)
           FROM (SELECT p.rating_average FROM matching_products($1, $2, $3, $4, $5, $6, $7, $8, $9, NULL, $11, $12, $13, $14) p
                 WHERE 'rating' = ANY ($16) AND $10 IS NOT NULL
                   AND ($19::text IS NULL OR p.search @@ to_tsquery('public.book', $19))
                 ORDER BY p.popularity DESC LIMIT $15) p
           GROUP BY 2
           UNION ALL
           SELECT 'decade', floor((extract(year FROM p.published) + (p.published < '0001-01-01')::integer) / 10)::text, count(*)
           FROM base p WHERE 'decade' = ANY ($16) AND coalesce($11, $12) IS NULL GROUP BY 2
           UNION ALL
           SELECT 'decade', floor((extract(year FROM p.published) + (p.published < '0001-01-01')::integer) / 10)::text, count(*)
           FROM (SELECT p.published FROM matching_products($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, NULL, NULL, $13, $14) p
                 WHERE 'decade' = ANY ($16) AND coalesce($11, $12) IS NOT NULL
                   AND ($19::text IS NULL OR p.search @@ to_tsquery('public.book', $19))
                 ORDER BY p.popularity DESC LIMIT $15) p
           GROUP BY 2
           UNION ALL
           SELECT 'availability', CASE WHEN p.available <= 0 THEN 'out_of_stock' WHEN p.available <= $18::integer THEN 'few_left' ELSE 'in_stock' END, count(*)
           FROM base p WHERE 'availability' = ANY ($16) AND $13 IS NULL GROUP BY 2
           UNION ALL
           SELECT 'availability', CASE WHEN p.available <= 0 THEN 'out_of_stock' WHEN p.available <= $18::integer THEN 'few_left' ELSE 'in_stock' END, count(*)
           FROM (SELECT p.available FROM matching_products($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, NULL, $14) p
                 WHERE 'availability' = ANY ($16) AND $13 IS NOT NULL
                   AND ($19::text IS NULL OR p.search @@ to_tsquery('public.book', $19))
                 ORDER BY p.popularity DESC LIMIT $15) p
           GROUP BY 2"#,
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
        query.limit,
        &names,
        &query.price_bands,
        FEW,
        query.expression,
    )
    .fetch_all(connection)
    .await
}
