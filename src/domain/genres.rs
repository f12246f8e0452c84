//! Genres and how many books each has.

use futures::future::BoxFuture;

use crate::model::answer::{Answer, Render, RenderError};
use crate::model::product::Genre;
use crate::model::tags::Tag;
use crate::store::{Family, Key, Outage, Rendered, Store, StoreError, Truth};

/// Why a request about genres was refused.
#[derive(Clone, Debug, thiserror::Error)]
pub enum GenreError {
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The answer was lost: a mistake in the code.
    #[error("there are always genres, if only none")]
    Missing,
    /// The answer could not be written.
    #[error(transparent)]
    Render(#[from] RenderError),
}

impl Outage for GenreError {
    fn is_outage(&self) -> bool {
        matches!(self, Self::Store(error) if error.is_outage())
    }
}

/// The service for genres.
#[derive(Clone)]
pub struct Genres {
    store: Store,
    render: Render<Vec<Genre>>,
}

impl Genres {
    /// The service over this store; `render` makes its answers.
    #[must_use]
    pub fn new(store: Store, render: Render<Vec<Genre>>) -> Self {
        Self { store, render }
    }

    /// Every genre with the number of its active books, by slug.
    ///
    /// # Errors
    /// The database's.
    pub async fn all(&self) -> Result<Answer, GenreError> {
        let answer = self.store.cached(&Key::only(Family::Genres), &[Tag::genres()], self.load()).await?;
        answer.ok_or(GenreError::Missing)
    }

    /// What the primary says of the genres.
    ///
    /// # Errors
    /// The database's.
    pub async fn truth(&self) -> Result<Truth, GenreError> {
        self.store.truth(self.load()).await
    }

    fn load(&self) -> impl Fn(Store) -> BoxFuture<'static, Result<Rendered, GenreError>> + Clone + use<> {
        let render = self.render;
        move |store: Store| Box::pin(async move { Ok(Rendered::found(render(store.genres().await?)?)) })
    }
}
