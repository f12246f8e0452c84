//! Accounts as JSON.

use std::collections::BTreeMap;

use garde::Validate;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;
use time::OffsetDateTime;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::domain::users::Export;
use crate::model::identity::{Role, User};

/// What an account may do.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = Role)]
pub enum RoleDocument {
    /// Buys, and looks after their own account.
    Customer,
    /// Looks after the shop as well.
    Admin,
}

impl From<Role> for RoleDocument {
    fn from(role: Role) -> Self {
        match role {
            Role::Customer => Self::Customer,
            Role::Admin => Self::Admin,
        }
    }
}

/// An account, as its owner sees it.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = User)]
pub struct UserDocument {
    /// The identifier.
    #[schema(example = "0198c0de-7a11-7000-8000-000000000000")]
    id: Uuid,
    /// The address, in lower case.
    #[schema(format = "email", example = "ada@example.org")]
    email: String,
    /// How the shop calls them.
    #[schema(example = "Ada Lovelace")]
    display_name: String,
    /// What they may do.
    role: RoleDocument,
    /// Counts the changes.
    #[schema(example = 1)]
    version: i64,
    /// When the account was opened.
    #[serde(with = "time::serde::rfc3339")]
    created_at: OffsetDateTime,
    /// When it last changed.
    #[serde(with = "time::serde::rfc3339")]
    updated_at: OffsetDateTime,
    /// When the password was last set.
    #[serde(with = "time::serde::rfc3339")]
    password_changed_at: OffsetDateTime,
}

impl From<&User> for UserDocument {
    fn from(user: &User) -> Self {
        Self {
            id: user.id.0,
            email: user.email.clone(),
            display_name: user.display_name.clone(),
            role: user.role.into(),
            version: user.version,
            created_at: user.created_at,
            updated_at: user.updated_at,
            password_changed_at: user.password_changed_at,
        }
    }
}

/// What a person fills in to open an account.
#[derive(Deserialize, ToSchema, Validate)]
#[serde(deny_unknown_fields)]
pub struct RegistrationInput {
    /// The address. Upper and lower case do not count.
    #[garde(length(chars, max = 320))]
    #[schema(format = "email", max_length = 254, example = "ada@example.org")]
    pub email: String,
    /// The password: any characters, but neither one of them repeated, nor a very common password, nor the address.
    #[garde(length(chars, min = 8, max = 128))]
    #[schema(
        format = "password",
        min_length = 8,
        max_length = 128,
        pattern = r"^([\s\S])(?!\1*$)",
        example = "correct horse battery"
    )]
    pub password: String,
    /// How the shop shall call them: one line.
    #[garde(length(chars, min = 1, max = 100))]
    #[schema(
        min_length = 1,
        max_length = 100,
        pattern = r"^[^\x00-\x1f\x7f-\x9f]*[^\s\x00-\x1f\x7f-\x9f][^\x00-\x1f\x7f-\x9f]*$",
        example = "Ada Lovelace"
    )]
    pub display_name: String,
}

/// What a person changes of their profile (a JSON merge patch); what is left out stays.
#[derive(Deserialize, ToSchema, Validate)]
#[serde(deny_unknown_fields)]
pub struct UserPatch {
    /// A new name.
    #[serde(default, deserialize_with = "present")]
    #[garde(length(chars, min = 1, max = 100))]
    #[schema(value_type = String, required = false, min_length = 1, max_length = 100, pattern = r"^[^\x00-\x1f\x7f-\x9f]*[^\s\x00-\x1f\x7f-\x9f][^\x00-\x1f\x7f-\x9f]*$", example = "Ada King")]
    pub display_name: Option<String>,
    /// A new address. It needs `current_password`.
    #[serde(default, deserialize_with = "present")]
    #[garde(length(chars, max = 320))]
    #[schema(value_type = String, required = false, format = "email", max_length = 254, example = "ada@example.org")]
    pub email: Option<String>,
    /// The password, to prove that it is the owner who changes the address.
    #[serde(default, deserialize_with = "present")]
    #[garde(length(chars, min = 1, max = 1024))]
    #[schema(value_type = String, required = false, format = "password", min_length = 1, max_length = 1024)]
    pub current_password: Option<String>,
}

/// A field that may be left out, and may not be null: nothing of a profile can be removed.
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    String::deserialize(deserializer).map(Some)
}

/// A change of the password.
#[derive(Deserialize, ToSchema, Validate)]
#[serde(deny_unknown_fields)]
pub struct PasswordInput {
    /// The password as it is.
    #[garde(length(chars, min = 1, max = 1024))]
    #[schema(format = "password", min_length = 1, max_length = 1024, example = "correct horse battery")]
    pub current_password: String,
    /// The password as it shall be; the rules are those of opening an account.
    #[garde(length(chars, min = 8, max = 128))]
    #[schema(
        format = "password",
        min_length = 8,
        max_length = 128,
        pattern = r"^([\s\S])(?!\1*$)",
        example = "staple correct horse"
    )]
    pub new_password: String,
}

/// Everything that the shop has about a person, one part a resource.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Export)]
pub struct ExportDocument {
    /// When it was collected.
    #[serde(with = "time::serde::rfc3339")]
    exported_at: OffsetDateTime,
    /// The parts: `profile`, `sessions`, `admin_actions` and so on.
    #[schema(value_type = Object, additional_properties)]
    sections: BTreeMap<&'static str, Value>,
}

impl From<Export> for ExportDocument {
    fn from(export: Export) -> Self {
        Self { exported_at: export.exported_at, sections: export.sections }
    }
}
