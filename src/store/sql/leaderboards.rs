//! Queries on leaderboards.

use sqlx::PgConnection;
use time::{Date, OffsetDateTime};
use uuid::Uuid;

use super::listing::summary_row;
use super::products::parse;
use crate::model::ids::{OrderId, ProductId, UserId};
use crate::model::leaderboard::{Board, Period, Placing, Ranked, Score, ScoreChange, Stand, Stretch, Window};
use crate::model::listing::ProductSummary;

fn number(version: Option<String>) -> sqlx::Result<Option<u64>> {
    version.map(|text| text.parse().map_err(|error| sqlx::Error::Decode(Box::new(error)))).transpose()
}

pub(in crate::store) async fn version(connection: &mut PgConnection) -> sqlx::Result<Option<u64>> {
    let version = sqlx::query_scalar!("SELECT version::text FROM leaderboard_state").fetch_optional(connection).await?;
    number(version.flatten())
}

/// Notes this transaction as the one that moved the scores last. No other one, not even one that failed, has its number.
pub(in crate::store) async fn advance(connection: &mut PgConnection) -> sqlx::Result<Option<u64>> {
    let version =
        sqlx::query_scalar!("UPDATE leaderboard_state SET version = pg_current_xact_id() RETURNING version::text")
            .fetch_optional(connection)
            .await?;
    number(version.flatten())
}

/// The copies in these orders by book and by the moment at which they were paid for, each times the number beside its order.
pub(in crate::store) async fn copies(
    connection: &mut PgConnection,
    orders: &[(OrderId, i64)],
) -> sqlx::Result<Vec<(ProductId, OffsetDateTime, i64)>> {
    let (ids, times): (Vec<Uuid>, Vec<i64>) = orders.iter().map(|(order, times)| (order.0, *times)).unzip();
    let rows = sqlx::query!(
        r#"SELECT l.product_id, h.occurred_at, sum(l.quantity * moved.times)::bigint AS "copies!"
           FROM unnest($1::uuid[], $2::bigint[]) AS moved (id, times)
           JOIN order_history h ON h.order_id = moved.id AND h.state = 'paid'
           JOIN order_lines l ON l.order_id = moved.id
           GROUP BY l.product_id, h.occurred_at"#,
        &ids,
        &times,
    )
    .fetch_all(connection)
    .await?;
    Ok(rows.into_iter().map(|row| (ProductId(row.product_id), row.occurred_at, row.copies)).collect())
}

struct ScoreRow {
    board: String,
    period: String,
    starts_on: Date,
    member: Uuid,
    key: Option<f64>,
}

impl TryFrom<ScoreRow> for Score {
    type Error = sqlx::Error;

    fn try_from(row: ScoreRow) -> sqlx::Result<Self> {
        Ok(Self {
            board: parse("board", &row.board)?,
            window: Window { period: parse("period", &row.period)?, starts_on: row.starts_on },
            member: row.member,
            key: row.key,
        })
    }
}

/// The columns of changes.
#[derive(Default)]
struct Columns {
    boards: Vec<String>,
    periods: Vec<String>,
    starts: Vec<Date>,
    members: Vec<Uuid>,
    counts: Vec<i64>,
    stars: Vec<i64>,
}

impl Columns {
    fn of(changes: &[ScoreChange]) -> Self {
        let mut columns = Self::default();
        for change in changes {
            columns.boards.push(change.board.as_str().to_owned());
            columns.periods.push(change.window.period.as_str().to_owned());
            columns.starts.push(change.window.starts_on);
            columns.members.push(change.member);
            columns.counts.push(change.count);
            columns.stars.push(change.stars);
        }
        columns
    }
}

/// Adds to scores, and gives what they are then. Of people only those count who have an account at this moment: whoever closes
/// one later is taken out by an event that is still to be read.
pub(in crate::store) async fn add(connection: &mut PgConnection, changes: &[ScoreChange]) -> sqlx::Result<Vec<Score>> {
    let Columns { boards, periods, starts, members, counts, stars } = Columns::of(changes);
    let rows = sqlx::query_as!(
        ScoreRow,
        r#"INSERT INTO leaderboard_scores AS s (board, period, starts_on, member, count, stars)
           SELECT c.board, c.period, c.starts_on, c.member, c.count, c.stars
           FROM unnest($1::text[], $2::text[], $3::date[], $4::uuid[], $5::bigint[], $6::bigint[])
               AS c (board, period, starts_on, member, count, stars)
           WHERE c.board <> 'top_reviewers' OR EXISTS (SELECT FROM users u WHERE u.id = c.member)
           ON CONFLICT (board, period, starts_on, member)
               DO UPDATE SET count = s.count + excluded.count, stars = s.stars + excluded.stars
           RETURNING s.board, s.period, s.starts_on, s.member, CASE WHEN s.count > 0 THEN s.key END AS key"#,
        &boards,
        &periods,
        &starts,
        &members,
        &counts,
        &stars,
    )
    .fetch_all(&mut *connection)
    .await?;
    sqlx::query!(
        "DELETE FROM leaderboard_scores s
         USING unnest($1::text[], $2::text[], $3::date[], $4::uuid[]) AS c (board, period, starts_on, member)
         WHERE (s.board, s.period, s.starts_on, s.member) = (c.board, c.period, c.starts_on, c.member)
             AND s.count = 0 AND s.stars = 0",
        &boards,
        &periods,
        &starts,
        &members,
    )
    .execute(connection)
    .await?;
    rows.into_iter().map(Score::try_from).collect()
}

/// Takes people off their boards, and gives what they had.
pub(in crate::store) async fn leave(connection: &mut PgConnection, people: &[UserId]) -> sqlx::Result<Vec<Score>> {
    let people: Vec<Uuid> = people.iter().map(|user| user.0).collect();
    let rows = sqlx::query_as!(
        ScoreRow,
        r#"DELETE FROM leaderboard_scores WHERE board = 'top_reviewers' AND member = ANY ($1)
           RETURNING board, period, starts_on, member, NULL::double precision AS key"#,
        &people,
    )
    .fetch_all(connection)
    .await?;
    rows.into_iter().map(Score::try_from).collect()
}

/// Counts everything again. The second statement counts and notes its own snapshot, so that what it has seen is exactly what
/// is not read from the outbox any more.
pub(in crate::store) async fn recount(connection: &mut PgConnection) -> sqlx::Result<()> {
    // The limits on time are for requests.
    sqlx::query!(
        r#"SELECT count(set_config(name, '0', true)) AS "set!"
           FROM (VALUES ('statement_timeout'), ('idle_in_transaction_session_timeout')) AS settings (name)"#
    )
    .fetch_one(&mut *connection)
    .await?;
    sqlx::query!("DELETE FROM leaderboard_scores").execute(&mut *connection).await?;
    sqlx::query_file!("src/store/sql/queries/recount_leaderboards.sql").execute(connection).await?;
    Ok(())
}

/// The days, weeks and months that end after this day and have anything in them, by board.
pub(in crate::store) async fn windows(connection: &mut PgConnection, day: Date) -> sqlx::Result<Vec<(Board, Window)>> {
    let [days, weeks, months] =
        [Period::Day, Period::Week, Period::Month].map(|period| Window::of(period, day).starts_on);
    let rows = sqlx::query!(
        "SELECT DISTINCT board, period, starts_on FROM leaderboard_scores
         WHERE count > 0 AND (period = 'day' AND starts_on >= $1 OR period = 'week' AND starts_on >= $2
                              OR period = 'month' AND starts_on >= $3)",
        days,
        weeks,
        months,
    )
    .fetch_all(connection)
    .await?;
    rows.into_iter()
        .map(|row| {
            let window = Window { period: parse("period", &row.period)?, starts_on: row.starts_on };
            Ok((parse("board", &row.board)?, window))
        })
        .collect()
}

/// All who stand on a board.
pub(in crate::store) async fn everybody(
    connection: &mut PgConnection,
    board: Board,
    window: Window,
) -> sqlx::Result<Vec<Stand>> {
    sqlx::query_as!(
        Stand,
        "SELECT key, member FROM leaderboard_scores WHERE board = $1 AND period = $2 AND starts_on = $3 AND count > 0",
        board.as_str(),
        window.period.as_str(),
        window.starts_on,
    )
    .fetch_all(connection)
    .await
}

/// A page of a board, from behind `after` on. The ranks before it are counted along the index.
pub(in crate::store) async fn page(
    connection: &mut PgConnection,
    board: Board,
    window: Window,
    after: Option<Stand>,
    limit: i64,
) -> sqlx::Result<Stretch> {
    let after = after.unwrap_or(Stand { key: f64::NEG_INFINITY, member: Uuid::nil() });
    let rows = sqlx::query!(
        r#"SELECT whole.total AS "total!", whole.before + row_number() OVER (ORDER BY e.key, e.member) AS "rank!",
                  e.key AS "key?", e.member AS "member?"
           FROM (SELECT count(*) AS total, count(*) FILTER (WHERE (key, member) <= ($4::double precision, $5::uuid)) AS before
                 FROM leaderboard_scores WHERE board = $1 AND period = $2 AND starts_on = $3 AND count > 0) whole
           LEFT JOIN LATERAL (
               SELECT key, member FROM leaderboard_scores
               WHERE board = $1 AND period = $2 AND starts_on = $3 AND count > 0 AND (key, member) > ($4, $5)
               ORDER BY key, member LIMIT $6) e ON true
           ORDER BY e.key, e.member"#,
        board.as_str(),
        window.period.as_str(),
        window.starts_on,
        after.key,
        after.member,
        limit,
    )
    .fetch_all(connection)
    .await?;
    let total = rows.first().map_or(0, |row| row.total);
    let place = |key: Option<f64>, member: Option<Uuid>, rank| {
        Some(Ranked { rank, stand: Stand { key: key?, member: member? } })
    };
    Ok(Stretch { places: rows.iter().filter_map(|row| place(row.key, row.member, row.rank)).collect(), total })
}

/// A member's place with at most so many on either side; without places where it has none.
pub(in crate::store) async fn around(
    connection: &mut PgConnection,
    board: Board,
    window: Window,
    member: Uuid,
    neighbours: i64,
) -> sqlx::Result<Stretch> {
    let rows = sqlx::query!(
        r#"WITH own AS (
               SELECT key, member FROM leaderboard_scores
               WHERE board = $1 AND period = $2 AND starts_on = $3 AND member = $4 AND count > 0
           ), near AS (
               (SELECT s.key, s.member FROM own, leaderboard_scores s
                WHERE s.board = $1 AND s.period = $2 AND s.starts_on = $3 AND s.count > 0
                    AND (s.key, s.member) < (own.key, own.member)
                ORDER BY s.key DESC, s.member DESC LIMIT $5)
               UNION ALL
               (SELECT s.key, s.member FROM own, leaderboard_scores s
                WHERE s.board = $1 AND s.period = $2 AND s.starts_on = $3 AND s.count > 0
                    AND (s.key, s.member) >= (own.key, own.member)
                ORDER BY s.key, s.member LIMIT $5 + 1)
           ), first AS (SELECT key, member FROM near ORDER BY key, member LIMIT 1)
           SELECT whole.total AS "total!", whole.before + row_number() OVER (ORDER BY near.key, near.member) AS "rank!",
                  near.key AS "key?", near.member AS "member?"
           FROM (SELECT count(*) AS total, count(*) FILTER (WHERE (s.key, s.member) < (first.key, first.member)) AS before
                 FROM leaderboard_scores s LEFT JOIN first ON true
                 WHERE s.board = $1 AND s.period = $2 AND s.starts_on = $3 AND s.count > 0) whole
           LEFT JOIN near ON true
           ORDER BY near.key, near.member"#,
        board.as_str(),
        window.period.as_str(),
        window.starts_on,
        member,
        neighbours,
    )
    .fetch_all(connection)
    .await?;
    let total = rows.first().map_or(0, |row| row.total);
    let place = |key: Option<f64>, member: Option<Uuid>, rank| {
        Some(Ranked { rank, stand: Stand { key: key?, member: member? } })
    };
    Ok(Stretch { places: rows.iter().filter_map(|row| place(row.key, row.member, row.rank)).collect(), total })
}

/// Where a member stands on each of these boards, in their order.
pub(in crate::store) async fn placings(
    connection: &mut PgConnection,
    member: Uuid,
    boards: &[(Board, Window)],
) -> sqlx::Result<Vec<Placing>> {
    let names: Vec<String> = boards.iter().map(|(board, _)| board.as_str().to_owned()).collect();
    let periods: Vec<String> = boards.iter().map(|(_, window)| window.period.as_str().to_owned()).collect();
    let starts: Vec<Date> = boards.iter().map(|(_, window)| window.starts_on).collect();
    let rows = sqlx::query!(
        r#"SELECT own.key AS "key?", whole.before + 1 AS "rank!", whole.total AS "total!"
           FROM unnest($1::text[], $2::text[], $3::date[]) WITH ORDINALITY AS b (board, period, starts_on, place)
           LEFT JOIN leaderboard_scores own ON own.board = b.board AND own.period = b.period
               AND own.starts_on = b.starts_on AND own.member = $4 AND own.count > 0
           CROSS JOIN LATERAL (
               SELECT count(*) AS total, count(*) FILTER (WHERE (s.key, s.member) < (own.key, own.member)) AS before
               FROM leaderboard_scores s
               WHERE s.board = b.board AND s.period = b.period AND s.starts_on = b.starts_on AND s.count > 0) whole
           ORDER BY b.place"#,
        &names,
        &periods,
        &starts,
        member,
    )
    .fetch_all(connection)
    .await?;
    let placing = |key: Option<f64>, rank, total| Placing {
        place: key.map(|key| Ranked { rank, stand: Stand { key, member } }),
        total,
    };
    Ok(rows.into_iter().map(|row| placing(row.key, row.rank, row.total)).collect())
}

summary_row!(
    /// A book of a board.
    BookRow {}
);

/// These books, unless they are drafts.
pub(in crate::store) async fn books(connection: &mut PgConnection, ids: &[Uuid]) -> sqlx::Result<Vec<ProductSummary>> {
    let rows = sqlx::query_as!(
        BookRow,
        r#"SELECT p.id, p.work_id, p.title, p.subtitle, p.series, p.series_position, p.authors, p.isbn13, p.language,
                  p.format, p.publisher, p.published, p.published_precision, p.genres, p.cover_url, p.price_amount,
                  p.price_currency, p.status, p.rating_average, p.rating_count, p.rating_histogram, p.created_at,
                  p.updated_at, coalesce(s.on_hand - s.reserved, 0) AS "available!"
           FROM products p
           LEFT JOIN stock s ON s.product_id = p.id
           WHERE p.id = ANY ($1) AND p.status <> 'draft'"#,
        ids,
    )
    .fetch_all(connection)
    .await?;
    rows.into_iter().map(ProductSummary::try_from).collect()
}

/// What these people are called.
pub(in crate::store) async fn people(
    connection: &mut PgConnection,
    ids: &[Uuid],
) -> sqlx::Result<Vec<(UserId, String)>> {
    let rows =
        sqlx::query!("SELECT id, display_name FROM users WHERE id = ANY ($1)", ids).fetch_all(connection).await?;
    Ok(rows.into_iter().map(|row| (UserId(row.id), row.display_name)).collect())
}
