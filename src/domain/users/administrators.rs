//! Making administrators, which nobody can over HTTP.

use secrecy::{ExposeSecret as _, SecretString};
use serde_json::json;

use super::{UserError, Users, email};
use crate::domain::passwords::{self, Password, PasswordError};
use crate::model::audit::{Actor, AuditRecord};
use crate::model::events::DomainEvent;
use crate::model::identity::{Account, Role, User};
use crate::model::ids::{AuditId, UserId};
use crate::store::{StoreError, WriteTx};

/// How an account came to be an administrator's.
#[derive(Debug)]
pub enum Administration {
    /// It was made.
    Created {
        /// Its password, which is told here and never again.
        password: SecretString,
    },
    /// It was a customer's; it keeps its password.
    Promoted,
    /// It was one already.
    Unchanged,
}

impl Users {
    /// Makes sure that the account of this address is an administrator's. The operator asks this on the command line.
    ///
    /// # Errors
    /// [`UserError::Invalid`] where the address is none, or the database's.
    pub async fn ensure_administrator(&self, email: &str) -> Result<(User, Administration), UserError> {
        let email = email::check(email).map_err(|violation| UserError::Invalid(vec![violation]))?;
        match self.store.account_by_email(&email).await? {
            Some(account) => self.promote(account.user.id).await,
            None => self.create_administrator(email).await,
        }
    }

    async fn promote(&self, id: UserId) -> Result<(User, Administration), UserError> {
        self.retrying(|| async {
            let mut tx = self.store.begin("users.promote").await?;
            let user = tx.account_for_update(id).await?.ok_or(UserError::NotFound)?.user;
            if user.role == Role::Admin {
                tx.rollback().await?;
                return Ok((user, Administration::Unchanged));
            }
            tx.update_role(id, Role::Admin, self.clock.now()).await?;
            self.record(&mut tx, "user.promote", id).await?;
            let user = tx.account_for_update(id).await?.ok_or(UserError::NotFound)?.user;
            tx.commit(DomainEvent::UserChanged { user: id }).await?;
            Ok((user, Administration::Promoted))
        })
        .await
    }

    async fn create_administrator(&self, email: String) -> Result<(User, Administration), UserError> {
        let password = passwords::generate().map_err(PasswordError::from)?;
        let password_hash = self.credentials.hash(&Password::new(password.expose_secret())).await?;
        let user = self.new_user(email, "Administrator".to_owned(), Role::Admin);
        let id = user.id;
        let account = Account { user, password_hash };
        self.retrying(|| async {
            let mut tx = self.store.begin("users.create_administrator").await?;
            tx.insert_account(&account).await?;
            self.record(&mut tx, "user.create_administrator", id).await?;
            Ok(tx.commit(DomainEvent::UserRegistered { user: id }).await?)
        })
        .await?;
        Ok((account.user, Administration::Created { password }))
    }

    async fn record(&self, tx: &mut WriteTx, action: &str, user: UserId) -> Result<(), StoreError> {
        tx.record_audit(&AuditRecord {
            id: AuditId::generate(),
            occurred_at: self.clock.now(),
            actor: Actor { user: None, request_id: None },
            action: action.to_owned(),
            resource: "user".to_owned(),
            resource_id: Some(user.to_string()),
            details: json!({ "after": { "role": Role::Admin } }),
        })
        .await
    }
}
