//! Queries for the ranking of hot keys.

use sqlx::PgConnection;

use crate::model::hot_keys::{KeyReads, RankedKey};

/// Two processes that write at once would lock the same rows in different orders; readers do not wait.
pub(in crate::store) async fn lock(connection: &mut PgConnection) -> sqlx::Result<()> {
    sqlx::query!("LOCK TABLE hot_keys IN SHARE ROW EXCLUSIVE MODE").execute(connection).await?;
    Ok(())
}

/// An exponent beyond 500 says nothing more, and Postgres refuses what is too small for a number.
pub(in crate::store) async fn add(
    connection: &mut PgConnection,
    reads: &[KeyReads],
    half_life_seconds: f64,
) -> sqlx::Result<()> {
    let keys: Vec<String> = reads.iter().map(|one| one.key.clone()).collect();
    let counts: Vec<f64> = reads.iter().map(|one| one.reads).collect();
    sqlx::query!(
        "INSERT INTO hot_keys AS kept (key, heat, counted_at)
         SELECT seen.key, sum(seen.reads), now()
         FROM unnest($1::text[], $2::double precision[]) AS seen (key, reads)
         WHERE seen.reads > 0
         GROUP BY seen.key
         ON CONFLICT (key) DO UPDATE SET
             heat = EXCLUDED.heat + kept.heat * power(0.5::double precision,
                 least(greatest(extract(epoch FROM now() - kept.counted_at)::double precision, 0) / $3, 500)),
             counted_at = now()",
        &keys,
        &counts,
        half_life_seconds,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// In the order of logarithms, a key's place among the others does not change while nothing is added to either.
pub(in crate::store) async fn prune(
    connection: &mut PgConnection,
    most: i64,
    half_life_seconds: f64,
) -> sqlx::Result<()> {
    sqlx::query!(
        "DELETE FROM hot_keys WHERE key IN (
             SELECT key FROM hot_keys
             ORDER BY ln(heat) + ln(2) * extract(epoch FROM counted_at)::double precision / $2 DESC, key
             OFFSET $1)",
        most,
        half_life_seconds,
    )
    .execute(connection)
    .await?;
    Ok(())
}

pub(in crate::store) async fn hottest(
    connection: &mut PgConnection,
    most: i64,
    half_life_seconds: f64,
) -> sqlx::Result<Vec<RankedKey>> {
    sqlx::query_as!(
        RankedKey,
        r#"SELECT key,
                  heat * power(0.5::double precision,
                      least(greatest(extract(epoch FROM now() - counted_at)::double precision, 0) / $2, 500)) AS "reads!"
           FROM hot_keys
           ORDER BY ln(heat) + ln(2) * extract(epoch FROM counted_at)::double precision / $2 DESC, key
           LIMIT $1"#,
        most,
        half_life_seconds,
    )
    .fetch_all(connection)
    .await
}
