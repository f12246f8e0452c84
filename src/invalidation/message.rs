//! What processes tell each other of a write.

use serde::{Deserialize, Serialize};

use crate::model::events::DomainEvent;
use crate::model::position::{Epoch, Position};
use crate::model::tags::Tag;

/// A write, as it is told. JSON, so that releases that run side by side can add fields.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Message {
    /// Which history `position` is of.
    pub epoch: Epoch,
    /// The floor of the tags.
    pub position: Position,
    /// What is out of date.
    pub tags: Vec<Tag>,
    /// The rows of the outbox.
    pub ids: Vec<i64>,
    /// What happened, for listeners. A kind that this release does not know is left out.
    #[serde(deserialize_with = "known")]
    pub events: Vec<DomainEvent>,
    /// Which process tells it.
    pub origin: u64,
    /// When, in nanoseconds of that process's own life: for measuring the feed by those who hear themselves.
    pub sent: u64,
}

fn known<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Vec<DomainEvent>, D::Error> {
    let values = Vec::<serde_json::Value>::deserialize(deserializer)?;
    Ok(values.into_iter().filter_map(|value| serde_json::from_value(value).ok()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_another_release_adds_does_no_harm() {
        let text = r#"{"epoch":1,"position":2,"tags":["a","b:c"],"ids":[3],"origin":4,"sent":5,"more":true,
                       "events":[{"kind":"from_the_future"},{"kind":"catalogue_seeded","books":6}]}"#;
        let message: Message = serde_json::from_str(text).unwrap();
        assert_eq!(message.tags.len(), 2);
        assert_eq!(message.events, [DomainEvent::CatalogueSeeded { books: 6 }]);
        let again = serde_json::from_str(&serde_json::to_string(&message).unwrap()).unwrap();
        assert_eq!(message, again);
    }
}
