//! Sessions.

use std::sync::Arc;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use time::OffsetDateTime;

use super::sql::sessions as sql;
use super::{Family, Key, Rendered, Store, StoreError, WriteTx};
use crate::db::Consistency;
use crate::model::identity::{Role, Session};
use crate::model::ids::{SessionId, UserId};
use crate::model::representation::{Particulars, Representation};
use crate::model::tags::Tag;

/// A session that cannot be written or read in the cache's form, which is a mistake in the code.
fn unreadable(error: postcard::Error) -> StoreError {
    StoreError::Unexpected(Arc::new(sqlx::Error::Decode(error.into())))
}

impl Store {
    /// The session whose token has this hash, ended ones included, and the role of its user. A new session must be known at
    /// once, so where the cache has none, the primary is asked; while it is gone, reads go on with what a replica knows.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn session_by_token(&self, token_hash: [u8; 32]) -> Result<Option<(Session, Role)>, StoreError> {
        let load = move |store: Self| async move {
            let found = store
                .read("sessions.by_token", Consistency::PreferLatest, |mut c| async move {
                    sql::by_token(&mut c, &token_hash).await
                })
                .await?;
            let Some(found) = found else { return Ok(Rendered::absent()) };
            let (session, user) = (Tag::session(found.0.id), Tag::user(found.0.user));
            let kept = postcard::to_stdvec(&found).map_err(unreadable)?;
            let kept = Representation::new(kept.into(), Particulars::default());
            Ok::<_, StoreError>(Rendered::found(kept).depends_on(session).depends_on(user))
        };
        let key = Key::new(Family::Session, URL_SAFE_NO_PAD.encode(token_hash));
        let answer = self.cached(&key, &[], load).await?;
        answer.map(|answer| postcard::from_bytes(&answer.representation.body).map_err(unreadable)).transpose()
    }

    /// The sessions of a user, the newest first, ended ones included.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn sessions_of(&self, user: UserId) -> Result<Vec<Session>, StoreError> {
        self.read(
            "sessions.of_user",
            Consistency::PreferLatest,
            |mut c| async move { sql::of_user(&mut c, user).await },
        )
        .await
    }

    /// The session with this id, ended or not.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn session(&self, id: SessionId) -> Result<Option<Session>, StoreError> {
        self.read("sessions.by_id", Consistency::Latest, |mut c| async move { sql::by_id(&mut c, id).await }).await
    }

    /// Whether the account of `email` has a session that began at `address`.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn has_session_from(&self, email: &str, address: &str) -> Result<bool, StoreError> {
        self.read("sessions.known_address", Consistency::PreferLatest, |mut c| async move {
            sql::known_address(&mut c, email, address).await
        })
        .await
    }
}

impl WriteTx {
    /// Adds a session.
    ///
    /// # Errors
    /// [`StoreError::Constraint`] where its user is gone.
    pub async fn insert_session(&mut self, session: &Session, token_hash: &[u8]) -> Result<(), StoreError> {
        Ok(sql::insert(&mut self.transaction, session, token_hash).await?)
    }

    /// Moves the end of a session that was last seen no later than `seen_before`. Says whether that was so.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn extend_session(
        &mut self,
        session: SessionId,
        seen_before: OffsetDateTime,
        now: OffsetDateTime,
        expires_at: OffsetDateTime,
    ) -> Result<bool, StoreError> {
        Ok(sql::extend(&mut self.transaction, session, seen_before, now, expires_at).await?)
    }

    /// Notes that the password was given in a session just now. Says whether there is such a session.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn confirm_session(&mut self, session: SessionId, now: OffsetDateTime) -> Result<bool, StoreError> {
        Ok(sql::confirm(&mut self.transaction, session, now).await?)
    }

    /// Ends a session of a user. Says whether there was one.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn delete_session(&mut self, user: UserId, session: SessionId) -> Result<bool, StoreError> {
        Ok(sql::delete(&mut self.transaction, user, session).await?)
    }

    /// Ends all sessions of a user, but for one where it is given. Gives those that it ended.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn delete_sessions(
        &mut self,
        user: UserId,
        except: Option<SessionId>,
    ) -> Result<Vec<SessionId>, StoreError> {
        Ok(sql::delete_all(&mut self.transaction, user, except).await?)
    }

    /// Ends the sessions of a user that were not used for longest, so that `keep` are left. Gives those that it ended.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn delete_surplus_sessions(&mut self, user: UserId, keep: i64) -> Result<Vec<SessionId>, StoreError> {
        Ok(sql::delete_surplus(&mut self.transaction, user, keep).await?)
    }

    /// Removes at most `limit` sessions that ended by `now`. Gives those.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn delete_expired_sessions(
        &mut self,
        now: OffsetDateTime,
        limit: i64,
    ) -> Result<Vec<SessionId>, StoreError> {
        Ok(sql::delete_expired(&mut self.transaction, now, limit).await?)
    }
}
