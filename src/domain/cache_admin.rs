//! Looking after the cache: what it does, where an answer comes from, and clearing parts of it.

use std::sync::Arc;

use serde_json::json;

pub use crate::store::cache_admin::{
    BreakerReport, BreakerState, CacheReport, CacheResult, Count, EntryReport, Family, FeedReport, Finding,
    FloorsReport, Freshness, Heat, Level, LocalReport, Objection, Provenance, TagFloor,
};

use super::violation::Violation;
use crate::model::audit::{Actor, AuditRecord};
use crate::model::clock::Clock;
use crate::model::events::DomainEvent;
use crate::model::ids::AuditId;
use crate::model::position::Stamp;
use crate::model::tags::Tag;
use crate::store::{Key, Store, StoreError};

/// The longest text of a key that is taken, in bytes.
const MAX_KEY: usize = 8_192;

/// Why a request about the cache was refused.
#[derive(Clone, Debug, thiserror::Error)]
pub enum CacheAdminError {
    /// The text is no key of any family.
    #[error("there is no key of this name")]
    NotAKey,
    /// Rules are broken. Pointers name the parameters.
    #[error("{} parameters are not right", .0.len())]
    Invalid(Vec<Violation>),
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What is to be cleared: exactly one of these.
#[derive(Clone, Debug, Default)]
pub struct ClearRequest {
    /// The entry with this key.
    pub key: Option<String>,
    /// Every key that this pattern covers, such as `books:list:*`.
    pub pattern: Option<String>,
    /// Everything that depends on this, such as `book:{id}`.
    pub tag: Option<String>,
    /// Everything.
    pub all: Option<bool>,
}

/// By what something was cleared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClearedBy {
    /// One key.
    Key,
    /// A pattern.
    Pattern,
    /// A tag.
    Tag,
    /// Everything.
    All,
}

impl ClearedBy {
    /// Its name, as requests and the audit log have it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Key => "key",
            Self::Pattern => "pattern",
            Self::Tag => "tag",
            Self::All => "all",
        }
    }
}

/// How soon other processes know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// It was published: they hear it within milliseconds, and none is out of date for longer than a lease.
    Published,
    /// Redis did not take it: they learn it from the outbox, within a lease.
    Outbox,
}

/// What was done.
#[derive(Clone, Debug)]
pub struct Cleared {
    /// By what.
    pub by: ClearedBy,
    /// The tag whose floor was raised.
    pub tag: Tag,
    /// To where: no older entry of the tag is served any more. Nothing where the primary went away before it could be learnt;
    /// then no process believes what it has before it has asked the outbox.
    pub floor: Option<Stamp>,
    /// How soon others know.
    pub reach: Reach,
    /// Whether the memory of this process was freed as well.
    pub freed: bool,
}

/// The service for the cache's administrators.
#[derive(Clone)]
pub struct CacheAdministration {
    store: Store,
    clock: Arc<dyn Clock>,
}

impl CacheAdministration {
    /// The service over this store.
    #[must_use]
    pub fn new(store: Store, clock: Arc<dyn Clock>) -> Self {
        Self { store, clock }
    }

    /// How the cache of this process is.
    #[must_use]
    pub fn report(&self) -> CacheReport {
        self.store.cache_report()
    }

    /// Where the entry of a key comes from, in this process and in Redis, and why it is not served where it is not.
    ///
    /// # Errors
    /// [`CacheAdminError::NotAKey`].
    pub async fn provenance(&self, key: &str) -> Result<Provenance, CacheAdminError> {
        let key = parse_key(key).map_err(|_| CacheAdminError::NotAKey)?;
        Ok(self.store.provenance(key).await)
    }

    /// Clears a part of the cache at every process: raises a floor, by a write like every other, and with a record in the
    /// audit log. What it costs does not depend on how much there is to clear.
    ///
    /// # Errors
    /// [`CacheAdminError::Invalid`] where it is not said what to clear, or more than one thing is; else the database's.
    pub async fn clear(&self, actor: &Actor, request: &ClearRequest) -> Result<Cleared, CacheAdminError> {
        let (by, tag) = check(request).map_err(CacheAdminError::Invalid)?;
        let mut tx = self.store.begin("cache.clear").await?;
        tx.record_audit(&AuditRecord {
            id: AuditId::generate(),
            occurred_at: self.clock.now(),
            actor: actor.clone(),
            action: "cache.clear".to_owned(),
            resource: "cache".to_owned(),
            resource_id: None,
            details: json!({ "by": by.name(), "tag": tag.as_str() }),
        })
        .await?;
        let announced = tx.commit_and_tell(DomainEvent::CacheCleared { tags: vec![tag.clone()] }).await?;
        let freed = tag == Tag::all();
        if freed {
            self.store.free_cache();
        }
        let reach = match &announced {
            Some(announced) if announced.published => Reach::Published,
            _ => Reach::Outbox,
        };
        Ok(Cleared { by, tag, floor: announced.map(|announced| announced.token.stamp()), reach, freed })
    }
}

/// The one tag that a request means.
fn check(request: &ClearRequest) -> Result<(ClearedBy, Tag), Vec<Violation>> {
    let given = [
        ("/key", request.key.is_some()),
        ("/pattern", request.pattern.is_some()),
        ("/tag", request.tag.is_some()),
        ("/all", request.all.is_some()),
    ];
    let refuse = |pointer: &str, why: &str| vec![Violation::new(pointer, why)];
    let count = given.iter().filter(|(_, given)| *given).count();
    if count != 1 {
        let wrong = given.iter().filter(|(_, given)| *given || count == 0);
        return Err(wrong
            .map(|(name, _)| Violation::new(*name, "give exactly one of key, pattern, tag, all"))
            .collect());
    }
    if let Some(text) = &request.key {
        let key = parse_key(text).map_err(|why| refuse("/key", why))?;
        return Ok((ClearedBy::Key, Tag::of_key(key.text())));
    }
    if let Some(text) = &request.pattern {
        let tag: Tag = text.parse().map_err(|error| refuse("/pattern", &format!("{error}")))?;
        let covers = |family: &Family| family.patterns().any(|pattern| pattern == *text);
        if tag != Tag::all() && !Family::ALL.iter().any(covers) {
            let mut patterns: Vec<String> = Family::ALL.iter().flat_map(|family| family.patterns()).collect();
            patterns.sort_unstable();
            patterns.dedup();
            return Err(refuse("/pattern", &format!("covers no family; there are {}", patterns.join(", "))));
        }
        return Ok((ClearedBy::Pattern, tag));
    }
    if let Some(text) = &request.tag {
        let tag: Tag = text.parse().map_err(|error| refuse("/tag", &format!("{error}")))?;
        if tag.is_pattern() {
            return Err(refuse("/tag", "is a pattern; give it as pattern, or all=true"));
        }
        return Ok((ClearedBy::Tag, tag));
    }
    match request.all {
        Some(true) => Ok((ClearedBy::All, Tag::all())),
        _ => Err(refuse("/all", "must be true")),
    }
}

fn parse_key(text: &str) -> Result<Key, &'static str> {
    if text.len() > MAX_KEY {
        return Err("is longer than 8192 bytes");
    }
    let key = Key::parse(text).ok_or("is no key of any family")?;
    // It would mean all of the family.
    if Tag::of_key(text).is_pattern() { Err("is a pattern; give it as pattern") } else { Ok(key) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pointers(request: ClearRequest) -> Vec<String> {
        check(&request).unwrap_err().into_iter().map(|violation| violation.pointer).collect()
    }

    fn some(text: &str) -> Option<String> {
        Some(text.to_owned())
    }

    #[test]
    fn exactly_one_thing_is_cleared() {
        assert_eq!(pointers(ClearRequest::default()), ["/key", "/pattern", "/tag", "/all"]);
        let two = ClearRequest { tag: some("genres"), all: Some(true), ..ClearRequest::default() };
        assert_eq!(pointers(two), ["/tag", "/all"]);
        assert_eq!(pointers(ClearRequest { all: Some(false), ..ClearRequest::default() }), ["/all"]);
    }

    #[test]
    fn a_pattern_must_be_one_that_entries_are_called_by() {
        let pattern = |text| check(&ClearRequest { pattern: some(text), ..ClearRequest::default() });
        for good in ["*", "books:*", "books:list:*", "books:list:search:*", "session:token:*"] {
            assert_eq!(pattern(good).unwrap(), (ClearedBy::Pattern, Tag::of_key(good)));
        }
        for bad in ["books", "books:lis*", "books:list:q=a:*", "nothing:*", "", "**"] {
            assert!(pattern(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_key_is_named_whatever_its_query_looks_like() {
        let key = |text| check(&ClearRequest { key: some(text), ..ClearRequest::default() });
        for good in ["books:list:", "books:list:genre=a&q=%22::", "books:genres"] {
            assert_eq!(key(good).unwrap().1.hash(), crate::model::tags::TagHash::of(good));
        }
        for bad in ["", "*", "books:list:*", "book", "basket:1", &format!("books:list:{}", "x".repeat(MAX_KEY))] {
            assert!(key(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_tag_is_no_pattern() {
        let tag = |text| check(&ClearRequest { tag: some(text), ..ClearRequest::default() });
        assert_eq!(tag("genres").unwrap(), (ClearedBy::Tag, Tag::genres()));
        for bad in ["*", "books:*", "a b", ""] {
            assert!(tag(bad).is_err(), "{bad}");
        }
    }
}
