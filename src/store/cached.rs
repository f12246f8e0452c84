//! Cache-aside and read-through: how a repository's answer becomes an entry of the cache, and what it is known to reflect.

use std::future::Future;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use futures::future::BoxFuture;

use super::{Store, StoreError, consistency};
use crate::cache::{Cache, Found, Key, Level, Loaded, Outage, Plan};
use crate::db::{Consistency, Lsn, ReadConnection, Sample};
use crate::model::answer::{Answer, Source};
use crate::model::position::{Epoch, Position, Stamp};
use crate::model::representation::Representation;
use crate::model::tags::Tag;

/// What a loader makes of what it read.
pub struct Rendered {
    content: Option<Representation>,
    tags: Vec<Tag>,
}

impl Rendered {
    /// An answer.
    #[must_use]
    pub fn found(content: Representation) -> Self {
        Self { content: Some(content), tags: Vec::new() }
    }

    /// The knowledge that there is none.
    #[must_use]
    pub fn absent() -> Self {
        Self { content: None, tags: Vec::new() }
    }

    /// Adds something that it depends on, and that only the loader could know.
    #[must_use]
    pub fn depends_on(self, tag: Tag) -> Self {
        self.depends_on_all([tag])
    }

    /// Adds several such things.
    #[must_use]
    pub fn depends_on_all(mut self, tags: impl IntoIterator<Item = Tag>) -> Self {
        self.tags.extend(tags);
        self
    }
}

/// What the primary says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Truth {
    /// The answer, unless there is none.
    Known(Option<Representation>),
    /// It could not be asked.
    Unknown,
}

impl Outage for StoreError {
    fn is_outage(&self) -> bool {
        matches!(self, Self::Unavailable { .. })
    }
}

/// What the reads of one load go by, and what they turn out to reflect together: the oldest of them.
#[derive(Clone)]
pub(super) struct Fill {
    plan: Plan,
    seen: Arc<Mutex<Option<Sample>>>,
}

impl Fill {
    fn consistency(&self, wanted: Consistency) -> Consistency {
        match wanted {
            Consistency::Eventual if self.plan.trusted => Consistency::AtLeast(Lsn(self.plan.need.0)),
            // Without news of what others write, only the primary is new enough; while that is gone, whoever is left.
            Consistency::Eventual => Consistency::PreferLatest,
            other => other,
        }
    }

    fn note(&self, sample: Sample) {
        let mut seen = self.seen.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        *seen = Some(match seen.take() {
            None => sample,
            Some(before) => {
                // Of two histories nothing can be said together.
                let epoch = if before.epoch == sample.epoch { sample.epoch } else { 0 };
                let latest = before.latest && sample.latest;
                let older = if sample.position < before.position { sample } else { before };
                Sample { epoch, latest, ..older }
            }
        });
    }

    fn take(&self) -> Option<Sample> {
        self.seen.lock().unwrap_or_else(std::sync::PoisonError::into_inner).take()
    }
}

impl Store {
    /// The cache.
    #[must_use]
    pub fn cache(&self) -> &Cache {
        self.invalidation.cache()
    }

    /// Reads by `wanted`, or within a load by what the load has to see to.
    pub(super) async fn read<T, F, Fut>(
        &self,
        name: &'static str,
        wanted: Consistency,
        query: F,
    ) -> Result<T, StoreError>
    where
        F: Fn(ReadConnection) -> Fut,
        Fut: Future<Output = sqlx::Result<T>> + Send,
    {
        let Some(fill) = &self.fill else {
            // Whoever shows that they have written reads where it was written.
            let wanted = match wanted {
                Consistency::Eventual if consistency::presented().is_some() => Consistency::PreferLatest,
                wanted => wanted,
            };
            return self.db.read(name, wanted, query).await;
        };
        let (value, sample) = self.db.read_sampled(name, fill.consistency(wanted), query).await?;
        fill.note(sample);
        Ok(value)
    }

    /// The answer of `key`, from the cache or by `load`, which reads through the store that it is given. `tags` is what the
    /// answer depends on as far as that is known before.
    ///
    /// # Errors
    /// Those of `load`.
    pub async fn cached<E, F, Fut>(&self, key: &Key, tags: &[Tag], load: F) -> Result<Option<Answer>, E>
    where
        E: Outage + Clone + Send + Sync + 'static,
        F: Fn(Self) -> Fut + Clone + Send + Sync + 'static,
        Fut: Future<Output = Result<Rendered, E>> + Send + 'static,
    {
        let token = consistency::presented();
        let load = self.loader(load);
        let Some(at_least) = self.renewing else {
            self.note_read(key);
            return Ok(answer(&self.cache().fetch(key, tags, token.as_ref(), load).await?));
        };
        let found = self.cache().fetch(key, tags, token.as_ref(), load.clone()).await?;
        let ends_soon = !found.entry.lasts(at_least, Instant::now());
        let renewed = match found.level {
            Level::Local | Level::Remote if ends_soon => self.cache().renewed(key, tags, &found.entry, load).await,
            _ => None,
        };
        Ok(answer(&renewed.unwrap_or(found)))
    }

    /// The answers of many keys, in their order, each with what it depends on as far as that is known before. What the cache
    /// lacks is loaded at once: `load` is given the places of what is wanted, and answers in their order.
    ///
    /// # Errors
    /// Those of `load`.
    pub async fn cached_many<E, F, Fut>(&self, wanted: &[(Key, Vec<Tag>)], load: F) -> Result<Vec<Option<Answer>>, E>
    where
        E: Outage + Clone,
        F: Fn(Self, Vec<usize>) -> Fut,
        Fut: Future<Output = Result<Vec<Rendered>, E>> + Send,
    {
        let load = |plan, places| {
            let fill = Fill { plan, seen: Arc::default() };
            let reading = load(Self { fill: Some(fill.clone()), ..self.clone() }, places);
            async move {
                let rendered = reading.await?;
                let sample = fill.take();
                Ok(rendered.into_iter().map(|one| loaded(one.content, one.tags, sample.clone())).collect())
            }
        };
        let (token, at_least) = (consistency::presented(), self.renewing.unwrap_or_default());
        if self.renewing.is_none() {
            wanted.iter().for_each(|(key, _)| self.note_read(key));
        }
        let found = self.cache().fetch_many(wanted, at_least, token.as_ref(), load).await?;
        Ok(found.iter().map(|found| found.as_ref().and_then(answer)).collect())
    }

    /// Counts a read of somebody who wants the answer: neither one ahead of the readers nor one within a load.
    fn note_read(&self, key: &Key) {
        if self.fill.is_none() {
            self.cache().popularity().note(key);
        }
    }

    /// What `load` makes of the primary at this moment, past the cache and without keeping it.
    ///
    /// # Errors
    /// Those of `load`.
    pub async fn truth<E, F, Fut>(&self, load: F) -> Result<Truth, E>
    where
        F: FnOnce(Self) -> Fut,
        Fut: Future<Output = Result<Rendered, E>>,
    {
        let plan = Plan { need: Position::default(), trusted: false };
        let fill = Fill { plan, seen: Arc::default() };
        let Rendered { content, .. } = load(Self { fill: Some(fill.clone()), ..self.clone() }).await?;
        // Without the primary a replica answers, which may be behind.
        Ok(if fill.take().is_some_and(|sample| sample.latest) { Truth::Known(content) } else { Truth::Unknown })
    }

    /// Loads the answer of `key` again after a write, at this process and for all, and waits for nothing: the next reader
    /// finds it. What the write's own transaction saw is not kept, since between its COMMIT and its floor another one may
    /// have written.
    pub fn write_through<E, F, Fut>(&self, key: Key, tags: Vec<Tag>, load: F)
    where
        E: Outage + Clone + Send + Sync + 'static,
        F: Fn(Self) -> Fut + Clone + Send + Sync + 'static,
        Fut: Future<Output = Result<Rendered, E>> + Send + 'static,
    {
        self.cache().refill(key, tags, self.loader(load), {
            let db = self.db.clone();
            move || Position(db.primary_sample().position.0)
        });
    }

    fn loader<E, F, Fut>(
        &self,
        load: F,
    ) -> impl Fn(Plan) -> BoxFuture<'static, Result<Loaded, E>> + Clone + Send + Sync + 'static
    where
        E: Send + 'static,
        F: Fn(Self) -> Fut + Clone + Send + Sync + 'static,
        Fut: Future<Output = Result<Rendered, E>> + Send + 'static,
    {
        let store = self.clone();
        move |plan| {
            let fill = Fill { plan, seen: Arc::default() };
            let reading = load(Self { fill: Some(fill.clone()), ..store.clone() });
            Box::pin(async move {
                let Rendered { content, tags } = reading.await?;
                Ok(loaded(content, tags, fill.take()))
            })
        }
    }
}

/// The answer that was found, unless it is that there is none.
#[must_use]
pub fn answer(found: &Found) -> Option<Answer> {
    let Found { entry, level, stale } = found;
    let representation = entry.content.clone()?;
    let source = match level {
        Level::Origin => Source::Origin,
        level => {
            let age = entry.age(Instant::now());
            let fresh_for = (!stale).then(|| entry.span.fresh.saturating_sub(age));
            Source::Cache { level: level.name(), fresh_for, age }
        }
    };
    Some(Answer { representation, surrogate_keys: entry.surrogate_keys.clone(), source })
}

fn loaded(content: Option<Representation>, tags: Vec<Tag>, sample: Option<Sample>) -> Loaded {
    match sample {
        Some(sample) => Loaded {
            content,
            tags,
            stamp: Stamp { epoch: Epoch(sample.epoch), position: Position(sample.position.0) },
            node: sample.node,
            latest: sample.latest,
        },
        // Nothing was read: of no time, and so never kept.
        None => Loaded { content, tags, stamp: Stamp::default(), node: "none".into(), latest: false },
    }
}
