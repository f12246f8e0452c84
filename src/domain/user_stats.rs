//! What is counted of people, for themselves.

use crate::model::answer::{Answer, Render, RenderError};
use crate::model::ids::UserId;
use crate::model::tags::Tag;
use crate::model::user_stats::UserStats;
use crate::store::{Family, Key, Outage, Rendered, Store, StoreError};

/// Why there are no statistics.
#[derive(Clone, Debug, thiserror::Error)]
pub enum UserStatsError {
    /// The cache knows that there are none, which nobody has told it.
    #[error("there are no statistics")]
    Missing,
    /// The answer cannot be written.
    #[error(transparent)]
    Render(#[from] RenderError),
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Outage for UserStatsError {
    fn is_outage(&self) -> bool {
        matches!(self, Self::Store(error) if error.is_outage())
    }
}

/// The service for statistics of people.
#[derive(Clone)]
pub struct UserStatistics {
    store: Store,
    render: Render<UserStats>,
}

impl UserStatistics {
    /// The service over this store; `render` makes its answers.
    #[must_use]
    pub fn new(store: Store, render: Render<UserStats>) -> Self {
        Self { store, render }
    }

    /// What is counted of somebody, from the cache.
    ///
    /// # Errors
    /// The database's.
    pub async fn of(&self, user: UserId) -> Result<Answer, UserStatsError> {
        let render = self.render;
        let load = move |store: Store| async move {
            let stats = store.user_stats(user).await?;
            // Which genres a book has may change after it was bought, and a book may be put back into preparation: both are
            // changes of the catalogue. Whoever has neither bought nor kept anything in mind need not hear of them.
            let depends = stats.books > 0 || stats.favourites > 0;
            let rendered = Rendered::found(render(stats)?);
            Ok::<_, UserStatsError>(if depends { rendered.depends_on(Tag::genres()) } else { rendered })
        };
        let key = Key::new(Family::UserStats, user);
        self.store.cached(&key, &[Tag::stats_of(user)], load).await?.ok_or(UserStatsError::Missing)
    }
}
