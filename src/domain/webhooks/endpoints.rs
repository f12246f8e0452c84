//! What administrators do to endpoints.

use serde_json::{Value, json};
use time::Duration;

use super::target::Guard;
use super::{WebhookError, Webhooks, signature};
use crate::domain::violation::Violation;
use crate::model::audit::Actor;
use crate::model::events::DomainEvent;
use crate::model::ids::EndpointId;
use crate::model::precondition::ExpectedVersion;
use crate::model::webhook::{DisabledReason, Endpoint, Pattern};

/// For how long the secret before the present one signs as well.
const OLD_SECRET: Duration = Duration::hours(24);

/// Most types of events that an endpoint can name.
const MAX_TYPES: usize = 50;

/// Longest description, in characters.
const MAX_DESCRIPTION: usize = 500;

/// An endpoint before it was checked.
#[derive(Clone, Debug)]
pub struct EndpointDraft {
    /// Where it is.
    pub url: String,
    /// What it is.
    pub description: Option<String>,
    /// Which events it wants.
    pub event_types: Vec<String>,
}

/// What is to become of an endpoint; what is nothing stays.
#[derive(Clone, Debug, Default)]
pub struct EndpointChange {
    /// Where it is.
    pub url: Option<String>,
    /// What it is, if anything.
    pub description: Option<Option<String>>,
    /// Which events it wants.
    pub event_types: Option<Vec<String>>,
    /// Whether it is sent events.
    pub enabled: Option<bool>,
}

/// What a draft becomes where every rule holds.
struct Checked {
    url: String,
    description: Option<String>,
    event_types: Vec<Pattern>,
}

fn check(draft: EndpointDraft, guard: Guard) -> Result<Checked, WebhookError> {
    let mut violations = Vec::new();
    let url = guard.parse(&draft.url).map_err(|reason| violations.push(Violation::new("/url", reason)));
    if let Some(text) = &draft.description {
        let length = text.chars().count();
        if length == 0 || length > MAX_DESCRIPTION || text.trim().is_empty() || text.chars().any(char::is_control) {
            let rule = format!("must be 1 to {MAX_DESCRIPTION} characters on one line, and not blank");
            violations.push(Violation::new("/description", rule));
        }
    }
    if !(1..=MAX_TYPES).contains(&draft.event_types.len()) {
        violations.push(Violation::new("/event_types", format!("must name 1 to {MAX_TYPES} types or patterns")));
    }
    let mut event_types: Vec<Pattern> = Vec::new();
    for (place, text) in draft.event_types.iter().take(MAX_TYPES).enumerate() {
        match text.parse() {
            Ok(pattern) if event_types.contains(&pattern) => {}
            Ok(pattern) => event_types.push(pattern),
            Err(error) => violations.push(Violation::new(format!("/event_types/{place}"), error.to_string())),
        }
    }
    match url {
        Ok(url) if violations.is_empty() => {
            Ok(Checked { url: url.into(), description: draft.description, event_types })
        }
        _ => Err(WebhookError::Invalid(violations)),
    }
}

/// What the audit log has of an endpoint: never a secret.
fn audited(endpoint: &Endpoint) -> Value {
    json!({
        "url": endpoint.url,
        "description": endpoint.description,
        "event_types": endpoint.event_types.iter().map(Pattern::as_str).collect::<Vec<_>>(),
        "enabled": endpoint.disabled.is_none(),
    })
}

fn expect(expected: &ExpectedVersion, current: i64) -> Result<(), WebhookError> {
    if expected.accepts(current) { Ok(()) } else { Err(WebhookError::Changed { current }) }
}

impl Webhooks {
    /// All endpoints, the oldest first.
    ///
    /// # Errors
    /// The database's.
    pub async fn endpoints(&self) -> Result<Vec<Endpoint>, WebhookError> {
        Ok(self.store.endpoints().await?)
    }

    /// The endpoint with this id.
    ///
    /// # Errors
    /// [`WebhookError::NoEndpoint`], or the database's.
    pub async fn endpoint(&self, id: EndpointId) -> Result<Endpoint, WebhookError> {
        self.store.endpoint(id).await?.ok_or(WebhookError::NoEndpoint)
    }

    /// Registers an endpoint, which is sent what happens from now on.
    ///
    /// # Errors
    /// [`WebhookError::Invalid`] with every broken rule, [`WebhookError::TooMany`], or the database's.
    pub async fn register(&self, actor: &Actor, draft: EndpointDraft) -> Result<Endpoint, WebhookError> {
        let checked = check(draft, Guard::from(&self.settings))?;
        let now = self.clock.now();
        let endpoint = Endpoint {
            id: EndpointId::generate(),
            url: checked.url,
            description: checked.description,
            event_types: checked.event_types,
            secret: signature::generate()?,
            previous_secret: None,
            disabled: None,
            failing_since: None,
            version: 1,
            created_at: now,
            updated_at: now,
        };
        let limit = self.settings.max_endpoints;
        self.retrying(|| async {
            let mut tx = self.store.begin("webhooks.register").await?;
            if tx.count_endpoints().await? >= i64::from(limit) {
                return Err(WebhookError::TooMany { limit });
            }
            tx.insert_endpoint(&endpoint).await?;
            let details = json!({ "after": audited(&endpoint) });
            self.record(&mut tx, actor, "webhook_endpoint.create", endpoint.id, details).await?;
            tx.commit(DomainEvent::EndpointChanged { endpoint: endpoint.id }).await?;
            Ok(endpoint.clone())
        })
        .await
    }

    /// Changes an endpoint. What stays as it was is not written, and its version stays. Enabling it again forgets that it has
    /// been failing, and sends what has been waiting for it.
    ///
    /// # Errors
    /// [`WebhookError::Changed`] where it is at no expected version; else as [`Webhooks::register`].
    pub async fn change(
        &self,
        actor: &Actor,
        id: EndpointId,
        expected: &ExpectedVersion,
        change: &EndpointChange,
    ) -> Result<Endpoint, WebhookError> {
        let endpoint = self
            .alter(actor, "webhook_endpoint.change", id, |before| {
                expect(expected, before.version)?;
                let patterns = |endpoint: &Endpoint| {
                    endpoint.event_types.iter().map(|pattern| pattern.as_str().to_owned()).collect()
                };
                let draft = EndpointDraft {
                    url: change.url.clone().unwrap_or_else(|| before.url.clone()),
                    description: change.description.clone().unwrap_or_else(|| before.description.clone()),
                    event_types: change.event_types.clone().unwrap_or_else(|| patterns(before)),
                };
                let Checked { url, description, event_types } = check(draft, Guard::from(&self.settings))?;
                let mut after = Endpoint { url, description, event_types, ..before.clone() };
                match change.enabled {
                    Some(true) if before.disabled.is_some() => {
                        after.disabled = None;
                        after.failing_since = None;
                    }
                    Some(false) if before.disabled.is_none() => after.disabled = Some(DisabledReason::Administrator),
                    _ => {}
                }
                Ok(after)
            })
            .await?;
        self.queued.notify_one();
        Ok(endpoint)
    }

    /// Gives an endpoint a new secret. The one before it signs as well for a day; one before that does not any more.
    ///
    /// # Errors
    /// [`WebhookError::NoEndpoint`], or the database's.
    pub async fn rotate_secret(&self, actor: &Actor, id: EndpointId) -> Result<Endpoint, WebhookError> {
        let secret = signature::generate()?;
        self.alter(actor, "webhook_endpoint.rotate_secret", id, |before| {
            let previous_secret = Some((before.secret.clone(), self.clock.now() + OLD_SECRET));
            Ok(Endpoint { secret: secret.clone(), previous_secret, ..before.clone() })
        })
        .await
    }

    /// Removes an endpoint, and everything that was to be sent to it.
    ///
    /// # Errors
    /// [`WebhookError::Changed`] where it is at no expected version, [`WebhookError::NoEndpoint`], or the database's.
    pub async fn remove(&self, actor: &Actor, id: EndpointId, expected: &ExpectedVersion) -> Result<(), WebhookError> {
        self.retrying(|| async {
            let mut tx = self.store.begin("webhooks.remove").await?;
            let before = tx.endpoint_for_update(id).await?.ok_or(WebhookError::NoEndpoint)?;
            expect(expected, before.version)?;
            tx.delete_endpoint(id).await?;
            let details = json!({ "before": audited(&before) });
            self.record(&mut tx, actor, "webhook_endpoint.remove", id, details).await?;
            tx.commit(DomainEvent::EndpointChanged { endpoint: id }).await?;
            Ok(())
        })
        .await
    }

    async fn alter(
        &self,
        actor: &Actor,
        action: &str,
        id: EndpointId,
        change: impl Fn(&Endpoint) -> Result<Endpoint, WebhookError>,
    ) -> Result<Endpoint, WebhookError> {
        self.retrying(|| async {
            let mut tx = self.store.begin("webhooks.change").await?;
            let before = tx.endpoint_for_update(id).await?.ok_or(WebhookError::NoEndpoint)?;
            let mut after = change(&before)?;
            if after == before {
                tx.rollback().await?;
                return Ok(before);
            }
            after.version += 1;
            after.updated_at = self.clock.now();
            tx.update_endpoint(&after).await?;
            let details = json!({ "before": audited(&before), "after": audited(&after) });
            self.record(&mut tx, actor, action, id, details).await?;
            tx.commit(DomainEvent::EndpointChanged { endpoint: id }).await?;
            Ok(after)
        })
        .await
    }
}
