//! The transactional outbox: events are written by the transaction that caused them, so that none is lost and none
//! is told that did not happen (Richardson, "Pattern: Transactional outbox").

use std::time::Duration;

use sqlx::PgConnection;

use super::rules;
use crate::db::{Consistency, Db, DbError, Journal, WriteTransaction};
use crate::model::events::{DomainEvent, Events};
use crate::model::tags::Tag;

/// Most rows that are published or read in one go.
const BATCH: i64 = 500;

/// For how long published rows are kept: so long a process can be away and still learn what it missed.
pub const RETENTION: Duration = Duration::from_secs(3_600);

/// A row of the outbox.
#[derive(Clone, Debug)]
pub struct Row {
    /// What it is called by.
    pub id: i64,
    /// What happened; nothing where another release wrote what this one does not know.
    pub event: Option<DomainEvent>,
}

/// A place between transactions: all that a snapshot of the primary did not show lies behind it.
#[derive(Clone, Debug)]
pub struct Horizon {
    /// The snapshot's xmin, as text: Postgres' 64-bit transaction numbers are unsigned.
    xmin: String,
    /// Rows that it showed and that were not published.
    pub unpublished: Vec<i64>,
}

impl Horizon {
    /// The same where all that the snapshot showed is known, published or not.
    #[must_use]
    pub fn all_known(self) -> Self {
        Self { unpublished: Vec::new(), ..self }
    }
}

/// Events as the outbox stores them, for a statement that writes them together with what it writes:
/// `INSERT INTO outbox (kind, payload) SELECT * FROM unnest($1::text[], $2::jsonb[]) RETURNING id`.
#[derive(Clone, Debug)]
pub struct OutboxRows {
    /// The names of their kinds.
    pub kinds: Vec<String>,
    /// The events.
    pub payloads: Vec<serde_json::Value>,
}

impl OutboxRows {
    /// The rows of these events.
    ///
    /// # Errors
    /// Where one cannot be written as JSON, which is a defect.
    pub fn of(events: &Events) -> sqlx::Result<Self> {
        let (kinds, payloads) = events
            .iter()
            .map(|event| Ok((event.kind().to_owned(), serde_json::to_value(event)?)))
            .collect::<Result<Vec<_>, serde_json::Error>>()
            .map_err(|error| sqlx::Error::Encode(error.into()))?
            .into_iter()
            .unzip();
        Ok(Self { kinds, payloads })
    }
}

impl Journal for Events {
    type Record = Vec<i64>;

    async fn append(&self, connection: &mut PgConnection) -> sqlx::Result<Vec<i64>> {
        let rows = OutboxRows::of(self)?;
        sqlx::query_scalar!(
            "INSERT INTO outbox (kind, payload) SELECT * FROM unnest($1::text[], $2::jsonb[]) RETURNING id",
            &rows.kinds,
            &rows.payloads,
        )
        .fetch_all(connection)
        .await
    }
}

/// The journal of book-keeping that no answer shows, and that so is no news to anybody.
pub struct Bookkeeping;

impl Journal for Bookkeeping {
    type Record = ();

    async fn append(&self, _: &mut PgConnection) -> sqlx::Result<()> {
        Ok(())
    }
}

/// The events of a payload. What another release wrote may be unknown to this one.
fn read(id: i64, payload: serde_json::Value) -> Row {
    let event = serde_json::from_value(payload);
    if let Err(error) = &event {
        tracing::warn!(id, %error, "an event of another release cannot be read");
    }
    Row { id, event: event.ok() }
}

/// What these rows make out of date. An event that this release does not know may concern anything.
#[must_use]
pub fn tags<'a>(mut rows: impl Iterator<Item = &'a Row> + Clone) -> Vec<Tag> {
    let mut tags = rules::tags_of(rows.clone().filter_map(|row| row.event.as_ref()));
    if rows.any(|row| row.event.is_none()) {
        tags.push(Tag::all());
    }
    tags
}

/// Rows that nobody has published `grace` after they were written, locked against others who look, in a transaction that
/// [`mark_published`] ends. Rows that others hold are passed over.
///
/// # Errors
/// [`DbError`].
pub async fn take_unpublished(db: &Db, grace: Duration) -> Result<Option<(WriteTransaction, Vec<Row>)>, DbError> {
    let waiting = db
        .read("outbox.waiting", Consistency::Latest, |mut c| async move {
            sqlx::query_scalar!(
                r#"SELECT EXISTS (SELECT FROM outbox WHERE published_at IS NULL
                       AND occurred_at < clock_timestamp() - make_interval(secs => $1)) AS "waiting!""#,
                grace.as_secs_f64(),
            )
            .fetch_one(&mut *c)
            .await
        })
        .await?;
    if !waiting {
        return Ok(None);
    }
    let mut transaction = db.begin("outbox.relay").await?;
    let rows = sqlx::query!(
        "SELECT id, payload FROM outbox
         WHERE published_at IS NULL AND occurred_at < clock_timestamp() - make_interval(secs => $1)
         ORDER BY id LIMIT $2 FOR UPDATE SKIP LOCKED",
        grace.as_secs_f64(),
        BATCH,
    )
    .fetch_all(&mut *transaction)
    .await?;
    let rows = rows.into_iter().map(|row| read(row.id, row.payload)).collect();
    Ok(Some((transaction, rows)))
}

/// Notes that rows were published.
///
/// # Errors
/// [`DbError`].
pub async fn mark_published(mut transaction: WriteTransaction, ids: &[i64]) -> Result<(), DbError> {
    sqlx::query!("UPDATE outbox SET published_at = now() WHERE id = ANY($1) AND published_at IS NULL", ids)
        .execute(&mut *transaction)
        .await?;
    transaction.commit_silently(&Bookkeeping).await
}

/// Begins a transaction for [`mark_published`].
///
/// # Errors
/// [`DbError`].
pub async fn begin_marking(db: &Db) -> Result<WriteTransaction, DbError> {
    db.begin("outbox.mark").await
}

/// Removes published rows that are older than [`RETENTION`] and that all who follow the outbox have behind them. Says how many.
///
/// # Errors
/// [`DbError`].
pub async fn remove_old(db: &Db) -> Result<u64, DbError> {
    let mut transaction = db.begin("outbox.remove").await?;
    let removed = sqlx::query!(
        "DELETE FROM outbox WHERE id IN (
             SELECT id FROM outbox WHERE published_at < now() - make_interval(secs => $1)
                 AND xid < (SELECT min(place) FROM outbox_places)
             ORDER BY id LIMIT 10000 FOR UPDATE SKIP LOCKED)",
        RETENTION.as_secs_f64(),
    )
    .execute(&mut *transaction)
    .await?
    .rows_affected();
    transaction.commit_silently(&Bookkeeping).await?;
    Ok(removed)
}

/// The horizon of this moment.
///
/// # Errors
/// [`DbError`].
pub async fn horizon(db: &Db) -> Result<Horizon, DbError> {
    db.read("outbox.horizon", Consistency::Latest, |mut c| async move {
        let row = sqlx::query!(
            r#"SELECT pg_snapshot_xmin(pg_current_snapshot())::text AS "xmin!",
                      ARRAY(SELECT id FROM outbox WHERE published_at IS NULL ORDER BY id LIMIT $1) AS "unpublished!""#,
            BATCH,
        )
        .fetch_one(&mut *c)
        .await?;
        Ok(Horizon { xmin: row.xmin, unpublished: row.unpublished })
    })
    .await
}

/// Whether a horizon could not name all that was unpublished, and so is of no use.
#[must_use]
pub fn is_overfull(horizon: &Horizon) -> bool {
    horizon.unpublished.len() as i64 >= BATCH
}

/// All rows that lie behind a horizon, and the horizon of this moment.
///
/// # Errors
/// [`DbError`].
pub async fn behind(db: &Db, horizon: &Horizon) -> Result<(Vec<Row>, Horizon), DbError> {
    db.read("outbox.behind", Consistency::Latest, |mut c| async move {
        let rows = sqlx::query!(
            r#"SELECT pg_snapshot_xmin(now_seen)::text AS "xmin!", o.id AS "id?", o.payload AS "payload?"
               FROM pg_current_snapshot() AS now_seen
               LEFT JOIN outbox o ON o.xid >= $1::text::xid8 OR o.id = ANY($2)"#,
            horizon.xmin,
            &horizon.unpublished,
        )
        .fetch_all(&mut *c)
        .await?;
        let xmin = rows.first().map_or_else(|| horizon.xmin.clone(), |row| row.xmin.clone());
        let found = rows.into_iter().filter_map(|row| Some(read(row.id?, row.payload?))).collect();
        Ok((found, Horizon { xmin, unpublished: Vec::new() }))
    })
    .await
}
