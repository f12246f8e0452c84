//! Queries on refunds.

use std::time::Duration;

use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use super::payments::{self, PaymentRow, failure, unreadable};
use crate::model::ids::{OrderId, PaymentId, ProductId, RefundId, UserId};
use crate::model::money::Money;
use crate::model::payment::{Failure, Payment, Refund, RefundState, ReturnedCopies};
use crate::store::refunds::NewRefund;

struct Row {
    id: Uuid,
    payment_id: Uuid,
    order_id: Uuid,
    reference: Option<String>,
    state: String,
    amount: i64,
    currency: String,
    reason: String,
    actor_id: Option<Uuid>,
    failure_code: Option<String>,
    failure: Option<String>,
    created_at: OffsetDateTime,
    updated_at: OffsetDateTime,
}

impl TryFrom<Row> for Refund {
    type Error = sqlx::Error;

    fn try_from(row: Row) -> sqlx::Result<Self> {
        Ok(Self {
            id: RefundId(row.id),
            payment: PaymentId(row.payment_id),
            order: OrderId(row.order_id),
            reference: row.reference,
            state: row.state.parse().map_err(unreadable)?,
            amount: Money { amount: row.amount, currency: row.currency.parse().map_err(unreadable)? },
            reason: row.reason,
            actor: row.actor_id.map(UserId),
            failure: failure(row.failure_code, row.failure),
            created_at: row.created_at,
            updated_at: row.updated_at,
        })
    }
}

macro_rules! refund_query {
    ($tail:literal $(, $argument:expr)* $(,)?) => {
        sqlx::query_as!(
            Row,
            "SELECT r.id, r.payment_id, r.order_id, r.reference, r.state, r.amount, p.currency, r.reason, r.actor_id,
                 r.failure_code, r.failure, r.created_at, r.updated_at
             FROM refunds r JOIN payments p ON p.id = r.payment_id " + $tail,
            $($argument),*
        )
    };
}

pub(in crate::store) async fn of_order(connection: &mut PgConnection, order: OrderId) -> sqlx::Result<Vec<Refund>> {
    let rows = refund_query!("WHERE r.order_id = $1 ORDER BY r.id", order.0).fetch_all(connection).await?;
    rows.into_iter().map(Refund::try_from).collect()
}

pub(in crate::store) async fn by_id(
    connection: &mut PgConnection,
    id: RefundId,
) -> sqlx::Result<Option<(Refund, Payment)>> {
    let Some(row) = refund_query!("WHERE r.id = $1", id.0).fetch_optional(&mut *connection).await? else {
        return Ok(None);
    };
    let refund = Refund::try_from(row)?;
    let payment = payments::by_id(connection, refund.payment).await?;
    Ok(payment.map(|payment| (refund, payment)))
}

pub(in crate::store) async fn by_id_for_update(
    connection: &mut PgConnection,
    id: RefundId,
) -> sqlx::Result<Option<Refund>> {
    let row = refund_query!("WHERE r.id = $1 FOR UPDATE OF r", id.0).fetch_optional(connection).await?;
    row.map(Refund::try_from).transpose()
}

pub(in crate::store) async fn begin(
    connection: &mut PgConnection,
    new: &NewRefund<'_>,
) -> sqlx::Result<Option<Refund>> {
    let row = sqlx::query_file!(
        "src/store/sql/queries/begin_refund.sql",
        new.order.0,
        new.id.0,
        new.payment.map(|payment| payment.0) as Option<Uuid>,
        new.amount as Option<i64>,
        new.reason,
        new.actor.map(|actor| actor.0) as Option<Uuid>,
        new.now,
        new.send_at,
    )
    .fetch_optional(connection)
    .await?;
    row.map(|row| {
        Ok(Refund {
            id: new.id,
            payment: PaymentId(row.payment_id),
            order: new.order,
            reference: None,
            state: RefundState::Processing,
            amount: Money { amount: row.amount, currency: row.currency.parse().map_err(unreadable)? },
            reason: new.reason.to_owned(),
            actor: new.actor,
            failure: None,
            created_at: new.now,
            updated_at: new.now,
        })
    })
    .transpose()
}

pub(in crate::store) async fn settle(
    connection: &mut PgConnection,
    id: RefundId,
    state: RefundState,
    reference: Option<&str>,
    failure: Option<&Failure>,
    now: OffsetDateTime,
) -> sqlx::Result<bool> {
    sqlx::query_file_scalar!(
        "src/store/sql/queries/settle_refund.sql",
        id.0,
        state.as_str(),
        reference,
        failure.map(|failure| failure.code.as_str()),
        failure.map(|failure| failure.message.as_str()),
        now,
    )
    .fetch_one(connection)
    .await
}

pub(in crate::store) async fn refundable(
    connection: &mut PgConnection,
    order: OrderId,
    payment: Option<PaymentId>,
) -> sqlx::Result<i64> {
    sqlx::query_scalar!(
        r#"SELECT coalesce(sum(amount - refunded), 0)::bigint AS "left!" FROM payments
           WHERE order_id = $1 AND state = 'succeeded' AND (id = $2 OR $2 IS NULL AND NOT surplus)"#,
        order.0,
        payment.map(|payment| payment.0) as Option<Uuid>,
    )
    .fetch_one(connection)
    .await
}

pub(in crate::store) async fn is_refunded(connection: &mut PgConnection, order: OrderId) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"SELECT EXISTS (
               SELECT FROM payments p
               WHERE p.order_id = $1 AND p.state = 'succeeded' AND NOT p.surplus AND p.refunded = p.amount
                   AND NOT EXISTS (SELECT FROM refunds r WHERE r.payment_id = p.id AND r.state = 'processing')
           ) AS "refunded!""#,
        order.0,
    )
    .fetch_one(connection)
    .await
}

pub(in crate::store) async fn returned(
    connection: &mut PgConnection,
    order: OrderId,
) -> sqlx::Result<Vec<ReturnedCopies>> {
    let rows = sqlx::query!(
        r#"SELECT product_id, sum(quantity)::integer AS "quantity!" FROM returned_copies WHERE order_id = $1
           GROUP BY product_id"#,
        order.0,
    )
    .fetch_all(connection)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| ReturnedCopies { product: ProductId(row.product_id), quantity: row.quantity })
        .collect())
}

pub(in crate::store) async fn note_returned(
    connection: &mut PgConnection,
    refund: &Refund,
    copies: &[ReturnedCopies],
) -> sqlx::Result<()> {
    let products: Vec<_> = copies.iter().map(|one| one.product.0).collect();
    let quantities: Vec<_> = copies.iter().map(|one| one.quantity).collect();
    sqlx::query!(
        "INSERT INTO returned_copies (refund_id, order_id, product_id, quantity)
         SELECT $1, $2, product_id, quantity FROM unnest($3::uuid[], $4::integer[]) AS c (product_id, quantity)",
        refund.id.0,
        refund.order.0,
        &products,
        &quantities,
    )
    .execute(connection)
    .await?;
    Ok(())
}

pub(in crate::store) async fn take_due(
    connection: &mut PgConnection,
    now: OffsetDateTime,
    lease: Duration,
    limit: i64,
) -> sqlx::Result<Vec<(Refund, Payment)>> {
    let ids = sqlx::query_scalar!(
        "UPDATE refunds SET check_at = $1 + make_interval(secs => $2)
         WHERE id IN (SELECT id FROM refunds WHERE state = 'processing' AND check_at <= $1
             ORDER BY check_at LIMIT $3 FOR UPDATE SKIP LOCKED)
         RETURNING id",
        now,
        lease.as_secs_f64(),
        limit,
    )
    .fetch_all(&mut *connection)
    .await?;
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let rows = refund_query!("WHERE r.id = ANY($1)", &ids).fetch_all(&mut *connection).await?;
    let of: Vec<_> = rows.iter().map(|row| row.payment_id).collect();
    let payments: Vec<PaymentRow> = payments::by_ids(connection, &of).await?;
    let payments = payments.into_iter().map(Payment::try_from).collect::<sqlx::Result<Vec<_>>>()?;
    let mut taken = Vec::with_capacity(rows.len());
    for row in rows {
        let refund = Refund::try_from(row)?;
        if let Some(payment) = payments.iter().find(|payment| payment.id == refund.payment) {
            taken.push((refund, payment.clone()));
        }
    }
    Ok(taken)
}
