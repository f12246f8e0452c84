//! Passwords: what makes an acceptable one (NIST SP 800-63B-4, section 3.1.1), and argon2id hashes of them (RFC 9106;
//! parameters after OWASP's "Password Storage Cheat Sheet").
//!
//! A hash takes tens of milliseconds of a core and megabytes of memory by design. So only a few are computed at once, on
//! threads of their own, a bounded number waits, and the rest is told to come back: a burst of sign-ins costs sign-ins.

mod policy;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use argon2::password_hash::phc::{ParamsString, PasswordHash};
use argon2::password_hash::{self, PasswordHasher as _, PasswordVerifier as _};
use argon2::{Algorithm, Argon2, Params, Version};
use secrecy::{ExposeSecret as _, SecretString};
use tokio::sync::Semaphore;
use unicode_normalization::UnicodeNormalization as _;

use crate::config;

pub use policy::{MAX_LENGTH, MIN_LENGTH, generate};

/// Why a password could not be hashed or compared.
#[derive(Debug, thiserror::Error)]
pub enum PasswordError {
    /// Too many wait already.
    #[error("too many passwords wait to be hashed")]
    Busy,
    /// A parameter out of range, no memory, no random numbers, or a stored hash that cannot be read.
    #[error("a password could not be hashed: {0}")]
    Hash(#[from] password_hash::Error),
    /// The thread that computed it was lost.
    #[error("a password could not be hashed: {0}")]
    Lost(#[from] tokio::task::JoinError),
}

/// A password as it is hashed: in NFKC, so that it is the same from every keyboard. It shows itself to nobody.
#[derive(Clone, Debug)]
pub struct Password(SecretString);

impl Password {
    /// The password that somebody typed.
    #[must_use]
    pub fn new(typed: &str) -> Self {
        Self(typed.nfkc().collect::<String>().into())
    }

    /// Whether a person with this address may choose it.
    ///
    /// # Errors
    /// Why not, in words.
    pub fn check(&self, email: &str) -> Result<(), &'static str> {
        policy::check(self.0.expose_secret(), email)
    }
}

/// The outcome of a comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is another password, or there is no account.
    Wrong,
    /// It is the password.
    Right {
        /// Whether the hash was made with other parameters than today's, and should be made anew.
        outdated: bool,
    },
}

/// Hashes passwords, a few at a time.
#[derive(Clone)]
pub struct Passwords {
    inner: Arc<Inner>,
}

struct Inner {
    argon2: Argon2<'static>,
    /// Those at work.
    threads: Arc<Semaphore>,
    /// Those at work and those that wait.
    room: Arc<Semaphore>,
    /// A hash of nothing that anybody knows, compared with where there is no account: the same work for the same answer.
    dummy: PasswordHash,
    computed: AtomicU64,
    refused: AtomicU64,
}

impl Passwords {
    /// A hasher with these parameters. Computes one hash.
    ///
    /// # Errors
    /// Where argon2 does not take the parameters.
    pub fn new(settings: &config::Auth) -> Result<Self, PasswordError> {
        let params = Params::new(
            settings.argon2_memory_kib,
            settings.argon2_iterations,
            settings.argon2_parallelism,
            Some(Params::DEFAULT_OUTPUT_LEN),
        )
        .map_err(|_| password_hash::Error::ParamsInvalid)?;
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        let dummy = argon2.hash_password(generate()?.expose_secret().as_bytes())?;
        let at_work = settings.hash_concurrency as usize;
        Ok(Self {
            inner: Arc::new(Inner {
                argon2,
                threads: Arc::new(Semaphore::new(at_work)),
                room: Arc::new(Semaphore::new(at_work + settings.hash_queue as usize)),
                dummy,
                computed: AtomicU64::new(0),
                refused: AtomicU64::new(0),
            }),
        })
    }

    /// The hash of a password, as a PHC string.
    ///
    /// # Errors
    /// [`PasswordError`].
    pub async fn hash(&self, password: &Password) -> Result<String, PasswordError> {
        let password = password.clone();
        self.compute(move |inner| Ok(inner.argon2.hash_password(password.0.expose_secret().as_bytes())?.to_string()))
            .await
    }

    /// Whether `hash`, a PHC string, was made of this password. Without one it is [`Verdict::Wrong`] after the same work.
    ///
    /// # Errors
    /// [`PasswordError`].
    pub async fn verify(&self, password: &Password, hash: Option<&str>) -> Result<Verdict, PasswordError> {
        let stored = hash.map(PasswordHash::new).transpose().map_err(password_hash::Error::from)?;
        let password = password.clone();
        self.compute(move |inner| {
            let expected = stored.as_ref().unwrap_or(&inner.dummy);
            let outcome = inner.argon2.verify_password(password.0.expose_secret().as_bytes(), expected);
            match (outcome, &stored) {
                (Ok(()), Some(hash)) => Ok(Verdict::Right { outdated: !inner.is_current(hash) }),
                (Ok(()), None) | (Err(password_hash::Error::PasswordInvalid), _) => Ok(Verdict::Wrong),
                (Err(error), _) => Err(error.into()),
            }
        })
        .await
    }

    /// Hashes computed since the start.
    #[must_use]
    pub fn computed(&self) -> u64 {
        self.inner.computed.load(Ordering::Relaxed)
    }

    /// Requests refused since the start because too many waited.
    #[must_use]
    pub fn refused(&self) -> u64 {
        self.inner.refused.load(Ordering::Relaxed)
    }

    async fn compute<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Inner) -> Result<T, PasswordError> + Send + 'static,
    ) -> Result<T, PasswordError> {
        let inner = Arc::clone(&self.inner);
        let Ok(place) = Arc::clone(&inner.room).try_acquire_owned() else {
            inner.refused.fetch_add(1, Ordering::Relaxed);
            return Err(PasswordError::Busy);
        };
        // The semaphore is never closed.
        let thread = Arc::clone(&inner.threads).acquire_owned().await.map_err(|_| PasswordError::Busy)?;
        tokio::task::spawn_blocking(move || {
            // Held by the work and not by the request: a client that goes away does not make room for one more.
            let _held = (place, thread);
            inner.computed.fetch_add(1, Ordering::Relaxed);
            work(&inner)
        })
        .await?
    }
}

impl Inner {
    /// Whether a hash has today's algorithm, version and parameters.
    fn is_current(&self, hash: &PasswordHash) -> bool {
        hash.algorithm.as_str() == "argon2id"
            && hash.version == Some(Version::V0x13.into())
            && ParamsString::try_from(self.argon2.params()).is_ok_and(|current| hash.params == current)
    }
}

#[cfg(test)]
mod tests;
