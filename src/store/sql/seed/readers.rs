//! Loading made-up readers.

use sqlx::PgConnection;
use sqlx::types::Json;

use super::copy::copy;
use crate::model::ids::{ProductId, WorkId};
use crate::model::money::Currency;
use crate::model::order::OrderLine;
use crate::model::product::Format;
use crate::model::seed::{
    SeededFavourite, SeededOrder, SeededPerson, SeededReaders, SeededReview, SeededVote, ShelvedBook,
};

pub(in crate::store) async fn has_readers(connection: &mut PgConnection) -> sqlx::Result<bool> {
    sqlx::query_scalar!(r#"SELECT EXISTS (SELECT FROM orders) OR EXISTS (SELECT FROM reviews) AS "any!""#)
        .fetch_one(connection)
        .await
}

/// The greatest number in the addresses that match the pattern, whose first group is the number.
pub(in crate::store) async fn greatest_number(
    connection: &mut PgConnection,
    pattern: &str,
) -> sqlx::Result<Option<i64>> {
    sqlx::query_scalar!("SELECT max(substring(email FROM $1)::bigint) FROM users", pattern).fetch_one(connection).await
}

/// The best known books that can be bought in this currency, the best known one first.
pub(in crate::store) async fn books(
    connection: &mut PgConnection,
    currency: Currency,
    limit: i64,
) -> sqlx::Result<Vec<ShelvedBook>> {
    let rows = sqlx::query!(
        r#"SELECT id, work_id, title, authors, isbn13, format, language, genres[1] AS genre, series, series_position,
                  price_amount AS "price!", imported_rating_average AS rating, popularity
           FROM products WHERE status = 'active' AND price_currency = $1
           ORDER BY popularity DESC, id LIMIT $2"#,
        currency.to_string(),
        limit,
    )
    .fetch_all(connection)
    .await?;
    rows.into_iter()
        .map(|row| {
            let format = row.format.as_deref().map(str::parse::<Format>).transpose();
            Ok(ShelvedBook {
                product: ProductId(row.id),
                work: WorkId(row.work_id),
                title: row.title,
                authors: row.authors,
                isbn13: row.isbn13,
                format: format.map_err(|error| sqlx::Error::Decode(Box::new(error)))?,
                language: row.language,
                genre: row.genre,
                series: row.series,
                volume: row.series_position,
                price: row.price,
                rating: row.rating.filter(|rating| *rating > 0.0),
                popularity: row.popularity,
            })
        })
        .collect()
}

/// All but what they have written, whoever is named before what names them.
pub(in crate::store) async fn copy_readers(
    connection: &mut PgConnection,
    readers: &SeededReaders,
    password_hash: &str,
) -> sqlx::Result<()> {
    copy_people(connection, &readers.people, password_hash).await?;
    copy_orders(connection, &readers.orders).await?;
    copy_lines(connection, &readers.orders).await?;
    copy_history(connection, &readers.orders).await?;
    copy_payments(connection, &readers.orders).await?;
    copy_favourites(connection, &readers.favourites).await
}

async fn copy_people(connection: &mut PgConnection, people: &[SeededPerson], hash: &str) -> sqlx::Result<()> {
    copy(
        connection,
        "COPY users (id, email, password_hash, display_name, role, version, created_at, updated_at, password_changed_at)
         FROM STDIN WITH (FORMAT binary)",
        people,
        |row, person| {
            row.begin(9)
                .value(&person.id.0)?
                .value(&person.email)?
                .value(&hash)?
                .value(&person.name)?
                .value(&"customer")?
                .value(&1_i64)?
                .value(&person.created_at)?
                .value(&person.created_at)?
                .value(&person.created_at)?;
            Ok(())
        },
    )
    .await
}

/// Without their numbers, which the sequence gives them.
async fn copy_orders(connection: &mut PgConnection, orders: &[SeededOrder]) -> sqlx::Result<()> {
    copy(
        connection,
        "COPY orders (id, user_id, email, shipping_address, country, shipping_method, state, currency, subtotal, discount,
         shipping, tax, total, refunded, version, placed_at, updated_at, expires_at)
         FROM STDIN WITH (FORMAT binary)",
        orders,
        |row, SeededOrder { order, .. }| {
            row.begin(18)
                .value(&order.id.0)?
                .value(&order.user.map(|user| user.0))?
                .value(&order.email)?
                .value(&Json(&order.address))?
                .value(&order.address.country)?
                .value(&order.shipping_method)?
                .value(&order.state.as_str())?
                .value(&order.currency.to_string())?
                .value(&order.subtotal)?
                .value(&order.discount)?
                .value(&order.shipping)?
                .value(&order.tax)?
                .value(&order.total)?
                .value(&order.refunded)?
                .value(&order.version)?
                .value(&order.placed_at)?
                .value(&order.updated_at)?
                .value(&order.expires_at)?;
            Ok(())
        },
    )
    .await
}

async fn copy_lines(connection: &mut PgConnection, orders: &[SeededOrder]) -> sqlx::Result<()> {
    let lines: Vec<(&SeededOrder, i16, &OrderLine)> = orders
        .iter()
        .flat_map(|seeded| seeded.order.lines.iter().zip(0..).map(move |(line, position)| (seeded, position, line)))
        .collect();
    copy(
        connection,
        "COPY order_lines (order_id, position, product_id, title, authors, isbn13, format, quantity, unit_price, subtotal,
         discount, tax, total) FROM STDIN WITH (FORMAT binary)",
        &lines,
        |row, (seeded, position, line)| {
            row.begin(13)
                .value(&seeded.order.id.0)?
                .value(position)?
                .value(&line.product.0)?
                .value(&line.title)?
                .value(&line.authors)?
                .value(&line.isbn13)?
                .value(&line.format.map(Format::as_str))?
                .value(&line.quantity)?
                .value(&line.unit_price)?
                .value(&line.subtotal)?
                .value(&line.discount)?
                .value(&line.tax)?
                .value(&line.total)?;
            Ok(())
        },
    )
    .await
}

async fn copy_history(connection: &mut PgConnection, orders: &[SeededOrder]) -> sqlx::Result<()> {
    let entries: Vec<_> = orders
        .iter()
        .flat_map(|seeded| seeded.history.iter().zip(1_i64..).map(move |(entry, version)| (seeded, version, entry)))
        .collect();
    copy(
        connection,
        "COPY order_history (order_id, version, state, occurred_at, actor_id) FROM STDIN WITH (FORMAT binary)",
        &entries,
        |row, (seeded, version, entry)| {
            row.begin(5)
                .value(&seeded.order.id.0)?
                .value(version)?
                .value(&entry.state.as_str())?
                .value(&entry.occurred_at)?
                .value(&entry.actor.map(|actor| actor.0))?;
            Ok(())
        },
    )
    .await
}

/// One for each order that cost anything, as if the test provider had taken it.
async fn copy_payments(connection: &mut PgConnection, orders: &[SeededOrder]) -> sqlx::Result<()> {
    let paid: Vec<_> = orders.iter().filter(|seeded| seeded.order.total > 0).collect();
    copy(
        connection,
        "COPY payments (id, order_id, provider, method, reference, state, amount, currency, created_at, updated_at, check_at)
         FROM STDIN WITH (FORMAT binary)",
        &paid,
        |row, seeded| {
            let order = &seeded.order;
            row.begin(11)
                .value(&seeded.payment.0)?
                .value(&order.id.0)?
                .value(&"test")?
                .value(&"tok_success")?
                .value(&format!("seeded_{}", seeded.payment.0.simple()))?
                .value(&"succeeded")?
                .value(&order.total)?
                .value(&order.currency.to_string())?
                .value(&order.placed_at)?
                .value(&order.updated_at)?
                .value(&order.updated_at)?;
            Ok(())
        },
    )
    .await
}

/// What they and the votes on them count for is counted by the database.
pub(in crate::store) async fn copy_reviews(
    connection: &mut PgConnection,
    reviews: &[SeededReview],
) -> sqlx::Result<()> {
    copy(
        connection,
        "COPY reviews (id, product_id, user_id, rating, title, body, language, verified, created_at,
         updated_at) FROM STDIN WITH (FORMAT binary)",
        reviews,
        |row, review| {
            row.begin(10)
                .value(&review.id.0)?
                .value(&review.product.0)?
                .value(&review.user.0)?
                .value(&review.rating)?
                .value(&review.title)?
                .value(&review.body)?
                .value(&review.language)?
                .value(&review.verified)?
                .value(&review.created_at)?
                .value(&review.created_at)?;
            Ok(())
        },
    )
    .await
}

pub(in crate::store) async fn copy_votes(connection: &mut PgConnection, votes: &[SeededVote]) -> sqlx::Result<()> {
    copy(
        connection,
        "COPY review_votes (review_id, user_id, helpful, voted_at) FROM STDIN WITH (FORMAT binary)",
        votes,
        |row, vote| {
            row.begin(4).value(&vote.review.0)?.value(&vote.user.0)?.value(&vote.helpful)?.value(&vote.voted_at)?;
            Ok(())
        },
    )
    .await
}

async fn copy_favourites(connection: &mut PgConnection, favourites: &[SeededFavourite]) -> sqlx::Result<()> {
    copy(
        connection,
        "COPY favourites (user_id, product_id, added_at) FROM STDIN WITH (FORMAT binary)",
        favourites,
        |row, favourite| {
            row.begin(3).value(&favourite.user.0)?.value(&favourite.product.0)?.value(&favourite.added_at)?;
            Ok(())
        },
    )
    .await
}
