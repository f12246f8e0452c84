//! Proving oneself by a password: the one way in which anything compares one.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use super::passwords::{Password, PasswordError, Passwords, Verdict};
use super::throttle::{Admission, Throttle};
use crate::model::identity::Account;
use crate::store::{Store, StoreError};

/// Why a password was not accepted as proof.
#[derive(Debug, thiserror::Error)]
pub enum CredentialsError {
    /// The password is not that of the account, or there is no account: nobody learns which.
    #[error("the password is not that of the account")]
    Wrong,
    /// Too many attempts.
    #[error("too many attempts; the next one may be made in {retry_after:?}")]
    TooMany {
        /// When the next one may be made.
        retry_after: Duration,
    },
    /// Hashing.
    #[error(transparent)]
    Password(#[from] PasswordError),
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A proven account.
#[derive(Debug)]
pub struct Proof {
    /// The account as it was when the password was compared.
    pub account: Account,
    /// Whether its hash should be made anew.
    pub outdated: bool,
}

/// Compares passwords, no faster than the throttle allows.
#[derive(Clone)]
pub struct Credentials {
    store: Store,
    passwords: Passwords,
    throttle: Arc<Throttle>,
}

impl Credentials {
    /// Compares with the accounts of this store.
    #[must_use]
    pub fn new(store: Store, passwords: Passwords, throttle: Throttle) -> Self {
        Self { store, passwords, throttle: Arc::new(throttle) }
    }

    /// Whether the account of `email`, normalized, has this password. Takes the same work whether or not there is one.
    ///
    /// # Errors
    /// [`CredentialsError`].
    pub async fn prove(&self, email: &str, password: &Password, address: IpAddr) -> Result<Proof, CredentialsError> {
        let attempt = match self.throttle.admit(email, address).await {
            Admission::Admitted(attempt) => attempt,
            Admission::OnlyIfKnown(attempt, retry_after) => {
                if !self.store.has_session_from(email, &address.to_string()).await? {
                    return Err(CredentialsError::TooMany { retry_after });
                }
                attempt
            }
            Admission::Refused(retry_after) => return Err(CredentialsError::TooMany { retry_after }),
        };
        let account = match self.store.account_by_email(email).await {
            Ok(account) => account,
            Err(error) => {
                self.throttle.give_back(attempt).await;
                return Err(error.into());
            }
        };
        let hash = account.as_ref().map(|account| account.password_hash.as_str());
        match (self.passwords.verify(password, hash).await, account) {
            (Ok(Verdict::Right { outdated }), Some(account)) => {
                self.throttle.give_back(attempt).await;
                Ok(Proof { account, outdated })
            }
            (Ok(_), _) => Err(CredentialsError::Wrong),
            (Err(error), _) => {
                self.throttle.give_back(attempt).await;
                Err(error.into())
            }
        }
    }

    /// Counts a use of a password from `address`, for a request that was not counted as a sign-in when it came in.
    ///
    /// # Errors
    /// [`CredentialsError::TooMany`].
    pub async fn count(&self, address: IpAddr) -> Result<(), CredentialsError> {
        let counted = self.throttle.charge_address(address).await;
        counted.map_err(|retry_after| CredentialsError::TooMany { retry_after })
    }

    /// The hash of a new password.
    ///
    /// # Errors
    /// The hasher's.
    pub async fn hash(&self, password: &Password) -> Result<String, CredentialsError> {
        Ok(self.passwords.hash(password).await?)
    }
}
