//! The transactional outbox: events are written by the transaction that caused them, so that none is lost and none
//! is told that did not happen (Richardson, "Pattern: Transactional outbox").

use sqlx::PgConnection;

use crate::db::Journal;
use crate::model::events::Events;

impl Journal for Events {
    async fn append(&self, connection: &mut PgConnection) -> sqlx::Result<()> {
        let (kinds, payloads): (Vec<String>, Vec<serde_json::Value>) = self
            .iter()
            .map(|event| Ok((event.kind().to_owned(), serde_json::to_value(event)?)))
            .collect::<Result<Vec<_>, serde_json::Error>>()
            .map_err(|error| sqlx::Error::Encode(error.into()))?
            .into_iter()
            .unzip();
        sqlx::query!(
            "INSERT INTO outbox (kind, payload) SELECT * FROM unnest($1::text[], $2::jsonb[])",
            &kinds,
            &payloads,
        )
        .execute(connection)
        .await?;
        Ok(())
    }
}
