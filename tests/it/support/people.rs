//! People of a shop who came in by its own door.

use serde_json::{Value, json};

use super::shop::{Answer, Shop};

/// A password that the shop accepts.
pub const PASSWORD: &str = "correct horse battery";

/// Settings under which a hash takes next to no time.
pub const QUICK_HASHES: [(&str, &str); 2] = [("auth.argon2_memory_kib", "64"), ("auth.argon2_iterations", "1")];

impl Shop {
    /// A shop in which hashing passwords takes next to no time, with these settings on top.
    pub async fn with_quick_hashes(settings: &[(&str, &str)]) -> Self {
        Self::open_with(&[&QUICK_HASHES, settings].concat()).await
    }

    /// Opens an account.
    pub async fn register(&self, email: &str) -> Answer {
        let body = json!({"email": email, "password": PASSWORD, "display_name": "Ada Lovelace"});
        self.post("/users").json(&body).send().await
    }

    /// Tries to sign in.
    pub async fn sign_in(&self, email: &str, password: &str) -> Answer {
        self.post("/sessions").json(&json!({"email": email, "password": password})).send().await
    }

    /// Signs in, and gives the token.
    pub async fn token_of(&self, email: &str) -> String {
        text(&self.sign_in(email, PASSWORD).await.expect(201).json()["token"])
    }

    /// Opens an account and signs in.
    pub async fn newcomer(&self, email: &str) -> String {
        self.register(email).await.expect(201);
        self.token_of(email).await
    }
}

/// A member of a document that is a text.
#[track_caller]
pub fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("{value} is no text")).to_owned()
}
