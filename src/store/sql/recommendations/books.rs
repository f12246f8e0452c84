//! Books that can be recommended.

use sqlx::PgConnection;
use uuid::Uuid;

use crate::model::ids::ProductId;
use crate::model::listing::ProductSummary;
use crate::store::sql::listing::summary_row;

summary_row!(
    /// A book that can be recommended.
    RecommendableRow {}
);

pub(in crate::store) async fn recommendable(
    connection: &mut PgConnection,
    ids: &[ProductId],
) -> sqlx::Result<Vec<ProductSummary>> {
    let ids: Vec<Uuid> = ids.iter().map(|id| id.0).collect();
    let rows = sqlx::query_as!(
        RecommendableRow,
        r#"SELECT p.id, p.work_id, p.title, p.subtitle, p.series, p.series_position, p.authors, p.isbn13, p.language,
                  p.format, p.publisher, p.published, p.published_precision, p.genres, p.cover_url, p.price_amount,
                  p.price_currency, p.status, p.rating_average, p.rating_count, p.rating_histogram, p.created_at,
                  p.updated_at, coalesce(s.on_hand - s.reserved, 0) AS "available!"
           FROM products p
           LEFT JOIN stock s ON s.product_id = p.id
           WHERE p.id = ANY ($1) AND p.status = 'active' AND p.price_amount IS NOT NULL"#,
        &ids,
    )
    .fetch_all(connection)
    .await?;
    rows.into_iter().map(ProductSummary::try_from).collect()
}
