//! Queries for the neighbours of books.

use std::collections::HashMap;
use std::time::Duration;

use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::model::ids::ProductId;
use crate::model::recommendation::{
    Neighbour, NeighbourList, NeighbourQueue, Overlap, Readership, SAMPLED_BOOKS, SAMPLED_READERS,
};

/// Names the advisory lock of whoever computes neighbours; any number that nothing else uses.
const NEIGHBOURS: i64 = 0x4e16;

pub(in crate::store) async fn of(
    connection: &mut PgConnection,
    books: &[ProductId],
) -> sqlx::Result<HashMap<ProductId, Vec<Neighbour>>> {
    let books: Vec<Uuid> = books.iter().map(|book| book.0).collect();
    let rows = sqlx::query!(
        "SELECT product_id, neighbour_id, score, together FROM book_neighbours WHERE product_id = ANY ($1)
         ORDER BY product_id, place",
        &books,
    )
    .fetch_all(connection)
    .await?;
    let mut lists: HashMap<ProductId, Vec<Neighbour>> = HashMap::new();
    for row in rows {
        let neighbour = Neighbour {
            book: ProductId(row.neighbour_id),
            score: row.score,
            together: row.together.try_into().unwrap_or_default(),
        };
        lists.entry(ProductId(row.product_id)).or_default().push(neighbour);
    }
    Ok(lists)
}

pub(in crate::store) async fn due(
    connection: &mut PgConnection,
    now: OffsetDateTime,
    limit: i64,
) -> sqlx::Result<Vec<ProductId>> {
    let due = sqlx::query_scalar!(
        "SELECT product_id FROM neighbour_lists WHERE due_at <= $1 ORDER BY due_at, product_id LIMIT $2",
        now,
        limit,
    )
    .fetch_all(connection)
    .await?;
    Ok(due.into_iter().map(ProductId).collect())
}

/// First the marks, then what was marked: what changes in between is marked later.
pub(in crate::store) async fn readership(
    connection: &mut PgConnection,
    book: ProductId,
) -> sqlx::Result<Option<Readership>> {
    let list = sqlx::query!(
        "SELECT l.marks, l.readers, p.work_id FROM neighbour_lists l JOIN products p ON p.id = l.product_id
         WHERE l.product_id = $1",
        book.0,
    )
    .fetch_optional(&mut *connection)
    .await?;
    let Some(list) = list else { return Ok(None) };
    let rows = sqlx::query!(
        r#"WITH reader AS MATERIALIZED (
               SELECT user_id FROM tastes WHERE product_id = $1 ORDER BY latest DESC, user_id LIMIT $3
           ), shared AS (
               SELECT own.product_id, count(*) AS together
               FROM reader
               CROSS JOIN LATERAL (SELECT t.product_id FROM tastes t WHERE t.user_id = reader.user_id
                                   ORDER BY t.latest DESC, t.product_id LIMIT $4) own
               WHERE own.product_id <> $1
               GROUP BY own.product_id)
           SELECT shared.product_id AS "id!", shared.together AS "together!", l.readers AS "others!",
                  (SELECT count(*) FROM reader) AS "sampled!"
           FROM shared
           JOIN neighbour_lists l ON l.product_id = shared.product_id
           JOIN products p ON p.id = shared.product_id
           WHERE p.work_id <> $2"#,
        book.0,
        list.work_id,
        SAMPLED_READERS as i64,
        SAMPLED_BOOKS as i64,
    )
    .fetch_all(connection)
    .await?;
    let count = |n: i64| u64::try_from(n).unwrap_or_default();
    let readers = count(list.readers.into());
    let shared = rows.into_iter().map(|row| {
        let (sampled, together) = (count(row.sampled), count(row.together));
        (ProductId(row.id), Overlap { sampled, together, readers, others: count(row.others.into()) })
    });
    Ok(Some(Readership { book, marks: list.marks, shared: shared.collect() }))
}

pub(in crate::store) async fn queue(
    connection: &mut PgConnection,
    now: OffsetDateTime,
) -> sqlx::Result<NeighbourQueue> {
    let row = sqlx::query!(
        r#"SELECT count(*) AS "depth!", extract(epoch FROM $1 - min(due_at))::double precision AS "oldest"
           FROM neighbour_lists WHERE due_at <= $1"#,
        now,
    )
    .fetch_one(connection)
    .await?;
    let oldest = Duration::try_from_secs_f64(row.oldest.unwrap_or_default()).unwrap_or_default();
    Ok(NeighbourQueue { depth: row.depth, oldest })
}

pub(in crate::store) async fn try_lock(connection: &mut PgConnection) -> sqlx::Result<bool> {
    sqlx::query_scalar!(r#"SELECT pg_try_advisory_xact_lock($1) AS "locked!""#, NEIGHBOURS).fetch_one(connection).await
}

/// Only rows that are other ones are written: many a list stays as it is.
pub(in crate::store) async fn write(
    connection: &mut PgConnection,
    lists: &[NeighbourList],
    now: OffsetDateTime,
    again_at: OffsetDateTime,
) -> sqlx::Result<Vec<ProductId>> {
    let books: Vec<Uuid> = lists.iter().map(|list| list.book.0).collect();
    let marks: Vec<i64> = lists.iter().map(|list| list.marks).collect();
    // In the order in which they are marked.
    let mine = sqlx::query_scalar!(
        "SELECT l.product_id
         FROM neighbour_lists l JOIN unnest($1::uuid[], $2::bigint[]) AS new (id, marks) ON new.id = l.product_id
         WHERE l.counted <= new.marks
         ORDER BY l.product_id
         FOR UPDATE OF l",
        &books,
        &marks,
    )
    .fetch_all(&mut *connection)
    .await?;
    let lists: Vec<&NeighbourList> = lists.iter().filter(|list| mine.contains(&list.book.0)).collect();
    let books: Vec<Uuid> = lists.iter().map(|list| list.book.0).collect();
    let marks: Vec<i64> = lists.iter().map(|list| list.marks).collect();
    let lengths: Vec<i64> = lists.iter().map(|list| list.neighbours.len() as i64).collect();
    let rows = || {
        let placed = |list: &'_ &NeighbourList| {
            let book = list.book.0;
            (0_i16..).zip(list.neighbours.clone()).map(move |(place, neighbour)| (book, place, neighbour))
        };
        lists.iter().flat_map(placed)
    };
    let owners: Vec<Uuid> = rows().map(|(book, ..)| book).collect();
    let places: Vec<i16> = rows().map(|(_, place, _)| place).collect();
    let neighbours: Vec<Uuid> = rows().map(|(.., neighbour)| neighbour.book.0).collect();
    let scores: Vec<f32> = rows().map(|(.., neighbour)| neighbour.score).collect();
    let together: Vec<i32> = rows().map(|(.., one)| i32::try_from(one.together).unwrap_or(i32::MAX)).collect();
    let changed = sqlx::query_scalar!(
        r#"WITH gone AS (
               DELETE FROM book_neighbours n
               USING unnest($1::uuid[], $2::bigint[]) AS list (id, length)
               WHERE n.product_id = list.id AND n.place >= list.length
               RETURNING n.product_id
           ), written AS (
               INSERT INTO book_neighbours AS n (product_id, place, neighbour_id, score, together)
               SELECT * FROM unnest($3::uuid[], $4::smallint[], $5::uuid[], $6::real[], $7::integer[])
               ON CONFLICT (product_id, place) DO UPDATE
               SET neighbour_id = excluded.neighbour_id, score = excluded.score, together = excluded.together
               WHERE (n.neighbour_id, n.score, n.together)
                     IS DISTINCT FROM (excluded.neighbour_id, excluded.score, excluded.together)
               RETURNING n.product_id
           )
           SELECT product_id AS "book!" FROM gone UNION SELECT product_id FROM written"#,
        &books,
        &lengths,
        &owners,
        &places,
        &neighbours,
        &scores,
        &together,
    )
    .fetch_all(&mut *connection)
    .await?;
    // What was marked meanwhile goes to the end of the queue: a book that is bought every second keeps no other waiting.
    sqlx::query!(
        "UPDATE neighbour_lists l
         SET counted = list.marks,
             due_at = CASE WHEN l.marks > list.marks THEN $3::timestamptz WHEN l.readers = 0 THEN 'infinity' ELSE $4 END
         FROM unnest($1::uuid[], $2::bigint[]) AS list (id, marks)
         WHERE l.product_id = list.id",
        &books,
        &marks,
        now,
        again_at,
    )
    .execute(connection)
    .await?;
    Ok(changed.into_iter().map(ProductId).collect())
}
