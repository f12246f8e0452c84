//! Queries on payments.

use std::time::Duration;

use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::invalidation::outbox::OutboxRows;
use crate::model::ids::{OrderId, PaymentId};
use crate::model::money::Money;
use crate::model::payment::{Failure, Payment, PaymentState};
use crate::store::payments::{NewPayment, PaidOrder};

/// A stored name that no release has written.
pub(super) fn unreadable(error: impl std::error::Error + Send + Sync + 'static) -> sqlx::Error {
    sqlx::Error::Decode(Box::new(error))
}

pub(super) fn failure(code: Option<String>, message: Option<String>) -> Option<Failure> {
    let (code, message) = code.zip(message)?;
    Some(Failure { code, message })
}

pub(super) struct PaymentRow {
    id: Uuid,
    order_id: Uuid,
    provider: String,
    method: String,
    reference: Option<String>,
    state: String,
    amount: i64,
    currency: String,
    refunded: i64,
    surplus: bool,
    failure_code: Option<String>,
    failure: Option<String>,
    created_at: OffsetDateTime,
    updated_at: OffsetDateTime,
}

impl TryFrom<PaymentRow> for Payment {
    type Error = sqlx::Error;

    fn try_from(row: PaymentRow) -> sqlx::Result<Self> {
        Ok(Self {
            id: PaymentId(row.id),
            order: OrderId(row.order_id),
            provider: row.provider,
            method: row.method,
            reference: row.reference,
            state: row.state.parse().map_err(unreadable)?,
            amount: Money { amount: row.amount, currency: row.currency.parse().map_err(unreadable)? },
            refunded: row.refunded,
            surplus: row.surplus,
            failure: failure(row.failure_code, row.failure),
            created_at: row.created_at,
            updated_at: row.updated_at,
        })
    }
}

macro_rules! payment_query {
    ($tail:literal $(, $argument:expr)* $(,)?) => {
        sqlx::query_as!(
            PaymentRow,
            "SELECT id, order_id, provider, method, reference, state, amount, currency, refunded, surplus, failure_code,
                 failure, created_at, updated_at
             FROM payments " + $tail,
            $($argument),*
        )
    };
}

pub(in crate::store) async fn of_order(connection: &mut PgConnection, order: OrderId) -> sqlx::Result<Vec<Payment>> {
    let rows = payment_query!("WHERE order_id = $1 ORDER BY id", order.0).fetch_all(connection).await?;
    rows.into_iter().map(Payment::try_from).collect()
}

pub(in crate::store) async fn by_id(connection: &mut PgConnection, id: PaymentId) -> sqlx::Result<Option<Payment>> {
    payment_query!("WHERE id = $1", id.0).fetch_optional(connection).await?.map(Payment::try_from).transpose()
}

pub(super) async fn by_ids(connection: &mut PgConnection, ids: &[Uuid]) -> sqlx::Result<Vec<PaymentRow>> {
    payment_query!("WHERE id = ANY($1)", ids).fetch_all(connection).await
}

pub(in crate::store) async fn by_id_for_update(
    connection: &mut PgConnection,
    id: PaymentId,
) -> sqlx::Result<Option<Payment>> {
    let row = payment_query!("WHERE id = $1 FOR UPDATE", id.0).fetch_optional(connection).await?;
    row.map(Payment::try_from).transpose()
}

pub(in crate::store) async fn begin(
    connection: &mut PgConnection,
    new: &NewPayment<'_>,
    outbox: OutboxRows,
) -> sqlx::Result<(Option<(Payment, i64)>, Vec<i64>)> {
    let request = new.request;
    let row = sqlx::query_file!(
        "src/store/sql/queries/begin_payment.sql",
        new.order.0,
        new.buyer.user().map(|user| user.0) as Option<Uuid>,
        new.buyer.guest().map(<[u8; 32]>::as_slice) as Option<&[u8]>,
        new.id.0,
        new.provider,
        new.method,
        new.now,
        new.check_at,
        request.owner,
        request.operation,
        request.key,
        request.fingerprint.as_slice(),
        new.key_expires_at,
        &outbox.kinds,
        &outbox.payloads,
    )
    .fetch_optional(connection)
    .await?;
    let Some(row) = row else { return Ok((None, Vec::new())) };
    let payment = Payment {
        id: new.id,
        order: new.order,
        provider: new.provider.to_owned(),
        method: new.method.to_owned(),
        reference: None,
        state: PaymentState::Processing,
        amount: Money { amount: row.total, currency: row.currency.parse().map_err(unreadable)? },
        refunded: 0,
        surplus: false,
        failure: None,
        created_at: new.now,
        updated_at: new.now,
    };
    Ok((Some((payment, row.number)), row.outbox))
}

pub(in crate::store) async fn record(
    connection: &mut PgConnection,
    paid: &PaidOrder<'_>,
    outbox: OutboxRows,
) -> sqlx::Result<(bool, Vec<i64>)> {
    let PaidOrder { payment, from, to, request, answer } = paid;
    let ids = sqlx::query_file_scalar!(
        "src/store/sql/queries/record_payment.sql",
        payment.id.0,
        payment.order.0,
        payment.reference,
        payment.updated_at,
        from.as_str(),
        to.as_str(),
        request.owner,
        request.operation,
        request.key,
        i16::try_from(answer.0).unwrap_or_default(),
        answer.1,
        &outbox.kinds,
        &outbox.payloads,
    )
    .fetch_one(connection)
    .await?;
    Ok((!ids.is_empty(), ids))
}

pub(in crate::store) async fn settle(connection: &mut PgConnection, payment: &Payment) -> sqlx::Result<()> {
    sqlx::query!(
        "UPDATE payments
         SET state = $2, reference = $3, surplus = $4, failure_code = $5, failure = $6, updated_at = $7
         WHERE id = $1",
        payment.id.0,
        payment.state.as_str(),
        payment.reference,
        payment.surplus,
        payment.failure.as_ref().map(|failure| failure.code.as_str()),
        payment.failure.as_ref().map(|failure| failure.message.as_str()),
        payment.updated_at,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// The pauses grow with the age of a payment, so that one that takes days is not asked for every minute.
pub(in crate::store) async fn take_due(
    connection: &mut PgConnection,
    now: OffsetDateTime,
    lease: Duration,
    limit: i64,
) -> sqlx::Result<Vec<Payment>> {
    let ids = sqlx::query_scalar!(
        "UPDATE payments
         SET check_at = $1 + least(greatest(make_interval(secs => $2), ($1 - created_at) / 2), interval '1 hour')
         WHERE id IN (SELECT id FROM payments WHERE state = 'processing' AND check_at <= $1
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
    let rows = by_ids(connection, &ids).await?;
    rows.into_iter().map(Payment::try_from).collect()
}

pub(in crate::store) async fn note_event(
    connection: &mut PgConnection,
    provider: &str,
    event: &str,
    now: OffsetDateTime,
) -> sqlx::Result<bool> {
    let noted = sqlx::query!(
        "INSERT INTO provider_events (provider, event_id, received_at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
        provider,
        event,
        now,
    )
    .execute(connection)
    .await?;
    Ok(noted.rows_affected() > 0)
}

pub(in crate::store) async fn forget_events(
    connection: &mut PgConnection,
    before: OffsetDateTime,
    limit: i64,
) -> sqlx::Result<u64> {
    let forgotten = sqlx::query!(
        "DELETE FROM provider_events WHERE (provider, event_id) IN (
             SELECT provider, event_id FROM provider_events WHERE received_at < $1
             ORDER BY received_at LIMIT $2 FOR UPDATE SKIP LOCKED)",
        before,
        limit,
    )
    .execute(connection)
    .await?;
    Ok(forgotten.rows_affected())
}
