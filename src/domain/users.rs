//! Accounts: opening, changing and closing them, and what their owners may ask for.

mod administrators;
mod email;
mod export;

use std::net::IpAddr;
use std::sync::Arc;

pub use administrators::Administration;
pub use email::{MAX_EMAIL_LENGTH, check as check_email, normalize};
pub use export::Export;

use super::credentials::{Credentials, CredentialsError};
use super::passwords::{Password, PasswordError};
use super::violation::Violation;
use crate::model::cart::Buyer;
use crate::model::clock::Clock;
use crate::model::events::{DomainEvent, Events};
use crate::model::identity::{Account, Identity, Role, User};
use crate::model::ids::UserId;
use crate::model::precondition::ExpectedVersion;
use crate::store::{Store, StoreError};

/// For how long after the password was given a session may close the account.
pub const CONFIRMATION_LASTS: time::Duration = time::Duration::minutes(10);

/// Why a request about an account was refused.
#[derive(Debug, thiserror::Error)]
pub enum UserError {
    /// The account is gone.
    #[error("there is no such account")]
    NotFound,
    /// Rules are broken.
    #[error("{} fields are not right", .0.len())]
    Invalid(Vec<Violation>),
    /// Another account has this address.
    #[error("another account has this address")]
    EmailTaken,
    /// The account has changed since its owner read it.
    #[error("the account is at version {current} by now")]
    Changed {
        /// Its version now.
        current: i64,
    },
    /// The password was not given in this session for too long.
    #[error("the password must be confirmed")]
    ConfirmationNeeded,
    /// Some of their orders are not over.
    #[error("there are orders that are not over")]
    OpenOrders,
    /// The password was not accepted.
    #[error(transparent)]
    Credentials(#[from] CredentialsError),
    /// A part of the export cannot be written, which is a defect.
    #[error("the export cannot be written: {0}")]
    Export(String),
    /// The database.
    #[error(transparent)]
    Store(StoreError),
}

impl From<StoreError> for UserError {
    fn from(error: StoreError) -> Self {
        match error.constraint() {
            Some("users_email_key") => Self::EmailTaken,
            _ => Self::Store(error),
        }
    }
}

impl From<PasswordError> for UserError {
    fn from(error: PasswordError) -> Self {
        CredentialsError::from(error).into()
    }
}

/// What a person fills in to open an account.
pub struct Registration {
    /// The address, in any spelling.
    pub email: String,
    /// The password.
    pub password: Password,
    /// How the shop shall call them.
    pub display_name: String,
}

/// What a person changes of their profile; what is absent stays.
pub struct ProfileChange {
    /// A new name.
    pub display_name: Option<String>,
    /// A new address.
    pub email: Option<String>,
    /// The password, which a new address needs: whoever has the address can get the account.
    pub current_password: Option<Password>,
}

/// The service for accounts.
#[derive(Clone)]
pub struct Users {
    store: Store,
    clock: Arc<dyn Clock>,
    credentials: Credentials,
}

impl Users {
    /// The service over this store.
    #[must_use]
    pub fn new(store: Store, clock: Arc<dyn Clock>, credentials: Credentials) -> Self {
        Self { store, clock, credentials }
    }

    /// Opens an account.
    ///
    /// # Errors
    /// [`UserError::Invalid`] with every broken rule, [`UserError::EmailTaken`], [`UserError::Credentials`] where the hasher
    /// is busy, or the database's.
    pub async fn register(&self, registration: Registration) -> Result<User, UserError> {
        let Registration { email, password, display_name } = registration;
        let mut violations = Vec::new();
        let normalized = email::check(&email).unwrap_or_else(|violation| {
            violations.push(violation);
            normalize(&email)
        });
        let name = name(&display_name).unwrap_or_else(|violation| {
            violations.push(violation);
            String::new()
        });
        violations.extend(password.check(&normalized).err().map(|message| Violation::new("/password", message)));
        if !violations.is_empty() {
            return Err(UserError::Invalid(violations));
        }
        // Hashed before the address is looked for: a taken one takes as long to refuse as a free one to accept.
        let password_hash = self.credentials.hash(&password).await?;
        let account = Account { user: self.new_user(normalized, name, Role::Customer), password_hash };
        self.retrying(|| async {
            let mut tx = self.store.begin("users.register").await?;
            tx.insert_account(&account).await?;
            Ok(tx.commit(DomainEvent::UserRegistered { user: account.user.id }).await?)
        })
        .await?;
        Ok(account.user)
    }

    /// The account of a person.
    ///
    /// # Errors
    /// [`UserError::NotFound`], or the database's.
    pub async fn get(&self, id: UserId) -> Result<User, UserError> {
        Ok(self.store.account(id).await?.ok_or(UserError::NotFound)?.user)
    }

    /// Changes a profile. What stays as it was is not written, and its version stays.
    ///
    /// # Errors
    /// [`UserError::Changed`] where it is at no expected version; [`UserError::Credentials`] where a new address comes
    /// with a wrong password; else as [`Users::register`].
    pub async fn change(
        &self,
        id: UserId,
        expected: &ExpectedVersion,
        change: ProfileChange,
        address: IpAddr,
    ) -> Result<User, UserError> {
        let before = self.get(id).await?;
        expect(expected, before.version)?;
        let email = change.email.as_deref().map(email::check).transpose().map_err(|v| UserError::Invalid(vec![v]))?;
        let name = change.display_name.as_deref().map(name).transpose().map_err(|v| UserError::Invalid(vec![v]))?;
        let mut proven = None;
        if email.as_ref().is_some_and(|email| *email != before.email) {
            let password = change.current_password.ok_or_else(|| {
                let violation = Violation::new("/current_password", "is needed to change the address");
                UserError::Invalid(vec![violation])
            })?;
            self.credentials.count(address).await?;
            proven = Some(self.credentials.prove(&before.email, &password, address).await?.account.password_hash);
        }
        self.retrying(|| async {
            let mut tx = self.store.begin("users.change").await?;
            let Account { user, password_hash } = tx.account_for_update(id).await?.ok_or(UserError::NotFound)?;
            expect(expected, user.version)?;
            let email = email.as_ref().unwrap_or(&user.email);
            let name = name.as_ref().unwrap_or(&user.display_name);
            if *email == user.email && *name == user.display_name {
                tx.rollback().await?;
                return Ok(user);
            }
            // The proof is of a moment ago: it holds as long as the password does.
            if *email != user.email && proven.as_ref() != Some(&password_hash) {
                return Err(UserError::Changed { current: user.version });
            }
            tx.update_profile(id, email, name, self.clock.now()).await?;
            let user = tx.account_for_update(id).await?.ok_or(UserError::NotFound)?.user;
            tx.commit(DomainEvent::UserChanged { user: id }).await?;
            Ok(user)
        })
        .await
    }

    /// Sets a new password and ends all other sessions of its owner.
    ///
    /// # Errors
    /// [`UserError::Credentials`] where the current one is wrong, [`UserError::Invalid`] where the new one is not
    /// acceptable, or the database's.
    pub async fn change_password(
        &self,
        caller: &Identity,
        current: &Password,
        new: &Password,
        address: IpAddr,
    ) -> Result<(), UserError> {
        let user = self.get(caller.user).await?;
        new.check(&user.email).map_err(|message| UserError::Invalid(vec![Violation::new("/new_password", message)]))?;
        let proven = self.credentials.prove(&user.email, current, address).await?.account;
        let password_hash = self.credentials.hash(new).await?;
        self.retrying(|| async {
            let mut tx = self.store.begin("users.change_password").await?;
            let now = tx.account_for_update(caller.user).await?.ok_or(UserError::NotFound)?;
            if now.password_hash != proven.password_hash {
                // Somebody else changed it in between: the proof is void.
                return Err(CredentialsError::Wrong.into());
            }
            tx.update_password(caller.user, &password_hash, self.clock.now()).await?;
            let ended = tx.delete_sessions(caller.user, Some(caller.session)).await?;
            let changed = Events::from(DomainEvent::UserChanged { user: caller.user });
            Ok(tx.commit(changed.and(DomainEvent::SessionsEnded { user: caller.user, sessions: ended })).await?)
        })
        .await
    }

    /// Closes an account and removes what the shop has about its owner. The audit log keeps what they did as an
    /// administrator, the books keep what was sold, without saying to whom, and what they wrote of books stays without a name.
    ///
    /// # Errors
    /// [`UserError::ConfirmationNeeded`] where the session's last proof of the password is too old,
    /// [`UserError::OpenOrders`] where books or money are still on their way,
    /// [`UserError::Changed`] where the account is at no expected version, or the database's.
    pub async fn close(&self, caller: &Identity, expected: &ExpectedVersion) -> Result<(), UserError> {
        let session = self.store.session(caller.session).await?.ok_or(UserError::NotFound)?;
        if self.clock.now() - session.confirmed_at > CONFIRMATION_LASTS {
            return Err(UserError::ConfirmationNeeded);
        }
        self.retrying(|| async {
            let mut tx = self.store.begin("users.close").await?;
            let user = tx.account_for_update(caller.user).await?.ok_or(UserError::NotFound)?.user;
            expect(expected, user.version)?;
            if tx.has_open_orders(user.id).await? {
                return Err(UserError::OpenOrders);
            }
            let sessions = tx.delete_sessions(user.id, None).await?;
            tx.forget_buyer(user.id).await?;
            // What they wrote of books stays, without their name.
            let products = tx.withdraw_review_votes(user.id).await?;
            tx.delete_account(user.id).await?;
            let deleted = Events::from(DomainEvent::UserDeleted { user: user.id });
            // The cart goes with the account.
            let cart = Buyer::User(user.id).cart();
            let events = deleted.and(DomainEvent::SessionsEnded { user: user.id, sessions });
            let withdrawn = (!products.is_empty()).then_some(DomainEvent::VotesWithdrawn { products });
            Ok(tx.commit(events.and(DomainEvent::CartChanged { cart }).and_all(withdrawn)).await?)
        })
        .await
    }

    fn new_user(&self, email: String, display_name: String, role: Role) -> User {
        let now = self.clock.now();
        User {
            id: UserId::generate(),
            email,
            display_name,
            role,
            version: 1,
            created_at: now,
            updated_at: now,
            password_changed_at: now,
        }
    }

    async fn retrying<T, Fut>(&self, work: impl Fn() -> Fut) -> Result<T, UserError>
    where
        Fut: Future<Output = Result<T, UserError>>,
    {
        self.store.retrying(|error| matches!(error, UserError::Store(error) if error.is_collision()), work).await
    }
}

fn expect(expected: &ExpectedVersion, current: i64) -> Result<(), UserError> {
    if expected.accepts(current) { Ok(()) } else { Err(UserError::Changed { current }) }
}

/// A name without the space around it.
fn name(text: &str) -> Result<String, Violation> {
    let name = text.trim();
    if name.is_empty() || name.chars().count() > 100 {
        return Err(Violation::new("/display_name", "must have 1 to 100 characters"));
    }
    if name.chars().any(char::is_control) {
        return Err(Violation::new("/display_name", "must be one line without control characters"));
    }
    Ok(name.to_owned())
}
