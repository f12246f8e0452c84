//! Books that belong to another one.

use std::collections::HashSet;

use super::listing::dependencies::shown;
use super::listing::{ListingError, check_limit};
use crate::model::answer::{Answer, Render, RenderError};
use crate::model::ids::ProductId;
use crate::model::product::Status;
use crate::model::related::{Related, Relation};
use crate::model::tags::Tag;
use crate::store::{Family, Key, Outage, Rendered, Store, StoreError};

/// The most related books.
pub const MAX_RELATED: u32 = 50;

const DEFAULT_RELATED: u32 = 20;

/// Why a request for related books was refused.
#[derive(Clone, Debug, thiserror::Error)]
pub enum RelatedError {
    /// There is no such book, or none that everybody may see.
    #[error("there is no such book")]
    NotFound,
    /// What a list would refuse as well.
    #[error(transparent)]
    Listing(#[from] ListingError),
}

impl Outage for RelatedError {
    fn is_outage(&self) -> bool {
        matches!(self, Self::Listing(error) if error.is_outage())
    }
}

impl From<RenderError> for RelatedError {
    fn from(error: RenderError) -> Self {
        Self::Listing(error.into())
    }
}

impl From<StoreError> for RelatedError {
    fn from(error: StoreError) -> Self {
        Self::Listing(error.into())
    }
}

/// The service for related books.
#[derive(Clone)]
pub struct RelatedBooks {
    store: Store,
    render: Render<Vec<Related>>,
}

impl RelatedBooks {
    /// The service over this store; `render` makes its answers.
    #[must_use]
    pub fn new(store: Store, render: Render<Vec<Related>>) -> Self {
        Self { store, render }
    }

    /// Other editions of the work, the series (next volumes first), what its readers like, other books of its authors, popular
    /// books that share genres; each book once, under the first reason, and of other works one edition alone. Two statements.
    ///
    /// # Errors
    /// [`RelatedError::NotFound`] for a book that does not exist or is a draft, or the database's.
    pub async fn of(&self, id: ProductId, limit: Option<u32>) -> Result<Answer, RelatedError> {
        let limit = check_limit(limit, DEFAULT_RELATED, MAX_RELATED)
            .map_err(|violation| ListingError::Invalid(vec![violation]))?;
        let render = self.render;
        let load = move |store: Store| async move {
            let kinship = store.kinship(id).await?.filter(|kinship| kinship.status != Status::Draft);
            let Some(kinship) = kinship else { return Ok(Rendered::absent()) };
            let found = once_each(store.related(id, &kinship, i64::from(MAX_RELATED)).await?, limit as usize);
            let tags: Vec<Tag> = shown(found.iter().map(|related| &related.book)).collect();
            Ok::<_, RelatedError>(Rendered::found(render(found)?).depends_on_all(tags))
        };
        let key = Key::new(Family::BookRelated, format_args!("{id}:{limit}"));
        // Whatever of the book itself says what is related changes which books there are as well.
        let tags = [Tag::book_lists(), Tag::neighbours_of(id)];
        self.store.cached(&key, &tags, load).await?.ok_or(RelatedError::NotFound)
    }
}

fn once_each(found: Vec<Related>, limit: usize) -> Vec<Related> {
    let mut works = HashSet::new();
    found
        .into_iter()
        .filter(|related| related.relation == Relation::Edition || works.insert(related.book.work_id))
        .take(limit)
        .collect()
}
