//! What happens in the shop, as the outbox keeps it and the cache, streams and webhooks hear it.

use serde::{Deserialize, Serialize};

use super::ids::{ProductId, SessionId, UserId};
use super::tags::Tag;

/// Something that a committed transaction changed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum DomainEvent {
    /// A book entered the catalogue.
    ProductCreated {
        /// Which one.
        product: ProductId,
    },
    /// A book's data changed.
    ProductChanged {
        /// Which one.
        product: ProductId,
    },
    /// A book was withdrawn.
    ProductRetired {
        /// Which one.
        product: ProductId,
    },
    /// An import wrote a batch of books.
    ProductsImported {
        /// Those that are new.
        created: Vec<ProductId>,
        /// Those that changed.
        changed: Vec<ProductId>,
    },
    /// The catalogue was filled with generated books, too many to name.
    CatalogueSeeded {
        /// How many.
        books: u64,
    },
    /// Somebody opened an account.
    UserRegistered {
        /// Who.
        user: UserId,
    },
    /// A profile, password or role changed.
    UserChanged {
        /// Whose.
        user: UserId,
    },
    /// Somebody closed their account.
    UserDeleted {
        /// Who.
        user: UserId,
    },
    /// A device signed in.
    SessionStarted {
        /// Whose.
        user: UserId,
        /// Which.
        session: SessionId,
    },
    /// A session was used and lives on.
    SessionExtended {
        /// Whose.
        user: UserId,
        /// Which.
        session: SessionId,
    },
    /// Sessions were ended.
    SessionsEnded {
        /// Whose.
        user: UserId,
        /// Which.
        sessions: Vec<SessionId>,
    },
    /// Sessions that had run out were removed.
    SessionsExpired {
        /// Which.
        sessions: Vec<SessionId>,
    },
    /// Looks at books were added to their counts.
    ViewsCounted {
        /// At how many books.
        books: u64,
        /// How many looks.
        views: u64,
    },
    /// An administrator cleared a part of the cache.
    CacheCleared {
        /// Which part.
        tags: Vec<Tag>,
    },
}

impl DomainEvent {
    /// The name of the kind, as it is stored.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::ProductCreated { .. } => "product_created",
            Self::ProductChanged { .. } => "product_changed",
            Self::ProductRetired { .. } => "product_retired",
            Self::ProductsImported { .. } => "products_imported",
            Self::CatalogueSeeded { .. } => "catalogue_seeded",
            Self::UserRegistered { .. } => "user_registered",
            Self::UserChanged { .. } => "user_changed",
            Self::UserDeleted { .. } => "user_deleted",
            Self::SessionStarted { .. } => "session_started",
            Self::SessionExtended { .. } => "session_extended",
            Self::SessionsEnded { .. } => "sessions_ended",
            Self::SessionsExpired { .. } => "sessions_expired",
            Self::ViewsCounted { .. } => "views_counted",
            Self::CacheCleared { .. } => "cache_cleared",
        }
    }
}

/// What one transaction did: at least one event.
#[derive(Clone, Debug, PartialEq)]
pub struct Events {
    first: DomainEvent,
    rest: Vec<DomainEvent>,
}

impl Events {
    /// Adds another one.
    #[must_use]
    pub fn and(mut self, event: DomainEvent) -> Self {
        self.rest.push(event);
        self
    }

    /// All of them, in order.
    pub fn iter(&self) -> impl Iterator<Item = &DomainEvent> {
        std::iter::once(&self.first).chain(&self.rest)
    }
}

impl From<DomainEvent> for Events {
    fn from(first: DomainEvent) -> Self {
        Self { first, rest: Vec::new() }
    }
}
