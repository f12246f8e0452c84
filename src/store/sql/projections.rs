//! Queries that follow the outbox.

use std::time::Duration;

use sqlx::PgConnection;

use crate::store::projections::{OutboxEvent, OutboxPage, OutboxPlace};

/// How many rows of the outbox are read in one go: or more, where one transaction wrote more of them.
const PAGE: usize = 500;

/// The place of a reader, locked until the transaction ends; nothing where another process has it.
pub(in crate::store) async fn lock_place(
    connection: &mut PgConnection,
    reader: &str,
) -> sqlx::Result<Option<OutboxPlace>> {
    sqlx::query_as!(
        OutboxPlace,
        r#"SELECT place::text AS "place!", seen::text FROM outbox_places WHERE reader = $1 FOR UPDATE SKIP LOCKED"#,
        reader,
    )
    .fetch_optional(connection)
    .await
}

/// Whether anything lies behind the place of a reader.
pub(in crate::store) async fn is_waiting(connection: &mut PgConnection, reader: &str) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"SELECT EXISTS (
               SELECT FROM outbox WHERE xid >= (SELECT place FROM outbox_places WHERE reader = $1)) AS "waiting!""#,
        reader,
    )
    .fetch_one(connection)
    .await
}

/// What lies between the place and the oldest transaction that still runs, but for what was seen before. All transactions in
/// between have ended, so that none of them can add anything behind the reader's back. What one transaction wrote is never
/// divided.
pub(in crate::store) async fn page_from(connection: &mut PgConnection, from: &OutboxPlace) -> sqlx::Result<OutboxPage> {
    let rows = sqlx::query!(
        r#"SELECT pg_snapshot_xmin(now_seen)::text AS "horizon!",
                  EXISTS (SELECT FROM outbox b WHERE b.xid >= pg_snapshot_xmin(now_seen)) AS "more_behind!",
                  o.id AS "id?", o.xid::text AS "xid?", o.payload AS "payload?", o.occurred_at AS "occurred_at?",
                  coalesce(pg_visible_in_snapshot(o.xid, $2::text::pg_snapshot), false) AS "seen!",
                  extract(epoch FROM clock_timestamp() - o.occurred_at)::double precision AS "age?"
           FROM pg_current_snapshot() AS now_seen
           LEFT JOIN LATERAL (
               SELECT id, xid, payload, occurred_at FROM outbox
               WHERE xid >= $1::text::xid8 AND xid < pg_snapshot_xmin(now_seen)
               ORDER BY xid FETCH FIRST 500 ROWS WITH TIES) o ON true"#,
        from.place,
        from.seen,
    )
    .fetch_all(connection)
    .await?;
    let (horizon, more_behind) =
        rows.first().map_or_else(|| (from.place.clone(), false), |row| (row.horizon.clone(), row.more_behind));
    let full = rows.len() >= PAGE;
    let next = match rows.last().filter(|_| full).and_then(|row| row.xid.as_deref()) {
        // The rest of the last transaction came with it.
        Some(last) => {
            let number: u64 = last.parse().map_err(|error| sqlx::Error::Decode(Box::new(error)))?;
            (number + 1).to_string()
        }
        None => horizon,
    };
    let events = rows
        .into_iter()
        .filter(|row| !row.seen)
        .filter_map(|row| {
            Some(OutboxEvent {
                id: row.id?,
                transaction: row.xid?,
                event: serde_json::from_value(row.payload?).ok(),
                occurred_at: row.occurred_at?,
                age: Duration::try_from_secs_f64(row.age?).unwrap_or_default(),
            })
        })
        .collect();
    Ok(OutboxPage { events, next, more: full, more_behind })
}

pub(in crate::store) async fn move_place(connection: &mut PgConnection, reader: &str, place: &str) -> sqlx::Result<()> {
    sqlx::query!("UPDATE outbox_places SET place = $2::text::xid8 WHERE reader = $1", reader, place)
        .execute(connection)
        .await?;
    Ok(())
}
