//! Sessions: signing in, looking after one's devices, signing out.

use std::net::IpAddr;
use std::sync::Arc;

use super::access::{SessionLimits, Token};
use super::credentials::{Credentials, CredentialsError, Proof};
use super::passwords::Password;
use super::users;
use crate::model::clock::Clock;
use crate::model::events::{DomainEvent, Events};
use crate::model::identity::{Identity, Session, User};
use crate::model::ids::{SessionId, UserId};
use crate::store::{Store, StoreError};

/// Most devices of one person. One more ends the session that was not used for longest; so a list of them has an end.
pub const MAX_SESSIONS: u16 = 100;

/// How many sessions that ran out are removed at once.
const PURGE_BATCH: i64 = 1_000;

/// Longest name of a device that is kept.
const MAX_USER_AGENT: usize = 512;

/// Why a request about sessions was refused.
#[derive(Debug, thiserror::Error)]
pub enum SessionError {
    /// There is no such session of this person.
    #[error("there is no such session")]
    NotFound,
    /// The address and password were not accepted.
    #[error(transparent)]
    Credentials(#[from] CredentialsError),
    /// No token could be made.
    #[error("the operating system has no random numbers: {0}")]
    Random(#[from] rand::rngs::SysError),
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What a person fills in to sign in, and where from.
pub struct SignIn {
    /// The address, in any spelling.
    pub email: String,
    /// The password.
    pub password: Password,
    /// What the device calls itself.
    pub user_agent: Option<String>,
    /// The client's address.
    pub address: IpAddr,
}

/// A session that has just begun.
pub struct SignedIn {
    /// Its secret, which is told here and never again.
    pub token: Token,
    /// The session.
    pub session: Session,
    /// Whose it is.
    pub user: User,
}

/// The service for sessions.
#[derive(Clone)]
pub struct Sessions {
    store: Store,
    clock: Arc<dyn Clock>,
    credentials: Credentials,
    limits: SessionLimits,
}

impl Sessions {
    /// The service over this store.
    #[must_use]
    pub fn new(store: Store, clock: Arc<dyn Clock>, credentials: Credentials, limits: SessionLimits) -> Self {
        Self { store, clock, credentials, limits }
    }

    /// Begins a session.
    ///
    /// # Errors
    /// [`SessionError::Credentials`], or the database's.
    pub async fn sign_in(&self, request: SignIn) -> Result<SignedIn, SessionError> {
        let SignIn { email, password, user_agent, address } = request;
        let Proof { account, outdated } = self.credentials.prove(&users::normalize(&email), &password, address).await?;
        let new_hash = if outdated { Some(self.credentials.hash(&password).await?) } else { None };
        let (id, token) = (SessionId::generate(), Token::generate()?);
        let user_agent = user_agent.map(|name| name.chars().take(MAX_USER_AGENT).collect::<String>());
        let (session, user) = self
            .retrying(|| async {
                let mut tx = self.store.begin("sessions.sign_in").await?;
                // Locked, so that a change of the password either ends this session too, or makes this proof void.
                let present = tx.account_for_update(account.user.id).await?.ok_or(CredentialsError::Wrong)?;
                if present.password_hash != account.password_hash {
                    return Err(CredentialsError::Wrong.into());
                }
                let user = present.user;
                if let Some(hash) = &new_hash {
                    tx.replace_password_hash(user.id, hash).await?;
                }
                let now = self.clock.now();
                let session = Session {
                    id,
                    user: user.id,
                    created_at: now,
                    last_seen_at: now,
                    expires_at: self.limits.end(now, now),
                    confirmed_at: now,
                    user_agent: user_agent.clone(),
                    address: address.to_string(),
                };
                tx.insert_session(&session, &token.hash()).await?;
                let surplus = tx.delete_surplus_sessions(user.id, i64::from(MAX_SESSIONS)).await?;
                let mut events = Events::from(DomainEvent::SessionStarted { user: user.id, session: id });
                if !surplus.is_empty() {
                    events = events.and(DomainEvent::SessionsEnded { user: user.id, sessions: surplus });
                }
                tx.commit(events).await?;
                Ok((session, user))
            })
            .await?;
        Ok(SignedIn { token, session, user })
    }

    /// The sessions of a person that have not run out, the newest first; at most [`MAX_SESSIONS`].
    ///
    /// # Errors
    /// The database's.
    pub async fn list(&self, user: UserId) -> Result<Vec<Session>, SessionError> {
        let now = self.clock.now();
        let mut sessions = self.store.sessions_of(user).await?;
        sessions.retain(|session| self.limits.is_alive(session, now));
        Ok(sessions)
    }

    /// Ends a session of a person.
    ///
    /// # Errors
    /// [`SessionError::NotFound`] where it is none of theirs, or the database's.
    pub async fn end(&self, user: UserId, session: SessionId) -> Result<(), SessionError> {
        self.retrying(|| async {
            let mut tx = self.store.begin("sessions.end").await?;
            if !tx.delete_session(user, session).await? {
                tx.rollback().await?;
                return Err(SessionError::NotFound);
            }
            Ok(tx.commit(DomainEvent::SessionsEnded { user, sessions: vec![session] }).await?)
        })
        .await
    }

    /// Ends all sessions of a person, but for one where it is given.
    ///
    /// # Errors
    /// The database's.
    pub async fn end_all(&self, user: UserId, except: Option<SessionId>) -> Result<(), SessionError> {
        self.retrying(|| async {
            let mut tx = self.store.begin("sessions.end_all").await?;
            let sessions = tx.delete_sessions(user, except).await?;
            if sessions.is_empty() {
                return Ok(tx.rollback().await?);
            }
            Ok(tx.commit(DomainEvent::SessionsEnded { user, sessions }).await?)
        })
        .await
    }

    /// Takes the password once more, for what a session alone may not do.
    ///
    /// # Errors
    /// [`SessionError::Credentials`], [`SessionError::NotFound`] where the session has just ended, or the database's.
    pub async fn confirm(&self, caller: &Identity, password: &Password, address: IpAddr) -> Result<(), SessionError> {
        let account = self.store.account(caller.user).await?.ok_or(SessionError::NotFound)?;
        let proven = self.credentials.prove(&account.user.email, password, address).await?.account;
        self.retrying(|| async {
            let mut tx = self.store.begin("sessions.confirm").await?;
            let present = tx.account_for_update(caller.user).await?.ok_or(SessionError::NotFound)?;
            if present.password_hash != proven.password_hash {
                return Err(CredentialsError::Wrong.into());
            }
            if !tx.confirm_session(caller.session, self.clock.now()).await? {
                tx.rollback().await?;
                return Err(SessionError::NotFound);
            }
            Ok(tx.commit(DomainEvent::SessionExtended { user: caller.user, session: caller.session }).await?)
        })
        .await
    }

    /// Removes sessions that have run out, and says how many. They open nothing any more; this is housekeeping, for a
    /// background task.
    ///
    /// # Errors
    /// The database's.
    pub async fn purge_expired(&self) -> Result<usize, SessionError> {
        let mut removed = 0;
        loop {
            let sessions = self
                .retrying(|| async {
                    let mut tx = self.store.begin("sessions.purge").await?;
                    let sessions = tx.delete_expired_sessions(self.clock.now(), PURGE_BATCH).await?;
                    if sessions.is_empty() {
                        tx.rollback().await?;
                    } else {
                        tx.commit(DomainEvent::SessionsExpired { sessions: sessions.clone() }).await?;
                    }
                    Ok(sessions.len())
                })
                .await?;
            removed += sessions;
            if i64::try_from(sessions).unwrap_or(i64::MAX) < PURGE_BATCH {
                return Ok(removed);
            }
        }
    }

    async fn retrying<T, Fut>(&self, work: impl Fn() -> Fut) -> Result<T, SessionError>
    where
        Fut: Future<Output = Result<T, SessionError>>,
    {
        self.store.retrying(|error| matches!(error, SessionError::Store(error) if error.is_collision()), work).await
    }
}
