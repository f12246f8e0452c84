//! Who asks: from the token of a request to a person, and the life of the session behind it.

use std::sync::Arc;
use std::time::Duration;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use rand::{TryRng as _, rngs::SysRng};
use sha2::{Digest as _, Sha256};
use time::OffsetDateTime;

use crate::config;
use crate::model::clock::Clock;
use crate::model::events::DomainEvent;
use crate::model::identity::{Identity, Session};
use crate::store::{Store, StoreError};

/// How often the end of a session in use is moved: a write per request would cost more than it tells.
const EXTEND_EVERY: time::Duration = time::Duration::minutes(5);

/// Longest time that a request waits for the end of its session to be moved.
const EXTENSION_PATIENCE: Duration = Duration::from_millis(500);

/// Characters of a token: 256 bits in base64url without padding.
const TOKEN_LENGTH: usize = 43;

/// Why somebody is not let in.
#[derive(Debug, thiserror::Error)]
pub enum AccessError {
    /// The token is none, or its session has ended.
    #[error("the token opens no session")]
    Refused,
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// How long sessions live.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionLimits {
    /// Idle time after which a session ends.
    pub idle: Duration,
    /// Age at which it ends however much it is used.
    pub absolute: Duration,
}

impl From<&config::Auth> for SessionLimits {
    fn from(settings: &config::Auth) -> Self {
        Self { idle: settings.session_idle, absolute: settings.session_absolute }
    }
}

impl SessionLimits {
    /// When a session that began at `created_at` ends unless it is used after `now`.
    #[must_use]
    pub fn end(&self, created_at: OffsetDateTime, now: OffsetDateTime) -> OffsetDateTime {
        (now + self.idle).min(created_at + self.absolute)
    }

    /// Whether a session still opens something. The absolute limit counts as it is configured today, whatever it was
    /// when the session began.
    #[must_use]
    pub fn is_alive(&self, session: &Session, now: OffsetDateTime) -> bool {
        now < session.expires_at && now < session.created_at + self.absolute
    }
}

/// The secret of a session: 256 bits of the operating system's random numbers. The shop keeps its hash alone.
pub struct Token(String);

impl Token {
    /// A new token.
    ///
    /// # Errors
    /// Where the operating system has no random numbers.
    pub fn generate() -> Result<Self, rand::rngs::SysError> {
        let mut secret = [0_u8; 32];
        SysRng.try_fill_bytes(&mut secret)?;
        Ok(Self(URL_SAFE_NO_PAD.encode(secret)))
    }

    /// The token with this text, if that is one.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        let secret = URL_SAFE_NO_PAD.decode(text).ok()?;
        (secret.len() == 32).then(|| Self(text.to_owned()))
    }

    /// The text to hand to its owner, once.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// The hash that is kept.
    #[must_use]
    pub fn hash(&self) -> [u8; 32] {
        hash(&self.0)
    }
}

/// A token has 256 random bits: nobody can guess what a fast hash was made of.
fn hash(token: &str) -> [u8; 32] {
    Sha256::digest(token).into()
}

/// The service that knows people by their tokens.
#[derive(Clone)]
pub struct Access {
    store: Store,
    clock: Arc<dyn Clock>,
    limits: SessionLimits,
}

impl Access {
    /// The service over this store.
    #[must_use]
    pub fn new(store: Store, clock: Arc<dyn Clock>, limits: SessionLimits) -> Self {
        Self { store, clock, limits }
    }

    /// The person behind a token. A session in use lives on; where that cannot be written down, because the primary is
    /// gone, the person is let in all the same.
    ///
    /// # Errors
    /// [`AccessError::Refused`], or the database's.
    pub async fn authenticate(&self, token: &str) -> Result<Identity, AccessError> {
        if token.len() != TOKEN_LENGTH {
            return Err(AccessError::Refused);
        }
        let now = self.clock.now();
        let (session, role) = self.store.session_by_token(hash(token)).await?.ok_or(AccessError::Refused)?;
        if !self.limits.is_alive(&session, now) {
            return Err(AccessError::Refused);
        }
        if now - session.last_seen_at >= EXTEND_EVERY {
            let extended = tokio::time::timeout(EXTENSION_PATIENCE, self.extend(&session, now)).await;
            match extended {
                Ok(Ok(())) => {}
                Ok(Err(error)) => tracing::debug!(%error, "a session could not be extended"),
                Err(_) => tracing::debug!("a session could not be extended in time"),
            }
        }
        Ok(Identity { user: session.user, session: session.id, role })
    }

    async fn extend(&self, session: &Session, now: OffsetDateTime) -> Result<(), StoreError> {
        let mut tx = self.store.begin("sessions.extend").await?;
        let end = self.limits.end(session.created_at, now);
        if tx.extend_session(session.id, now - EXTEND_EVERY, now, end).await? {
            tx.commit(DomainEvent::SessionExtended { user: session.user, session: session.id }).await
        } else {
            tx.rollback().await
        }
    }
}
