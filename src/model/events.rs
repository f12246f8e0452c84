//! What happens in the shop, as the outbox keeps it and the cache, streams and webhooks hear it.

use serde::{Deserialize, Serialize};

use super::ids::{CartId, EndpointId, OrderId, PaymentId, ProductId, RefundId, ReviewId, SessionId, UserId};
use super::leaderboard::Board;
use super::money::Money;
use super::order::OrderState;
use super::rating::RatingMove;
use super::review::ReviewFacts;
use super::stock::StockLevel;
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
    /// The shop was filled with made-up readers, too many to name: whoever counts what readers do counts from scratch.
    ReadersSeeded {
        /// How many people.
        people: u64,
        /// How many orders they have placed.
        orders: u64,
        /// How many reviews they have written.
        reviews: u64,
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
    /// Copies of books came, went or were reserved.
    StockChanged {
        /// What there is of each of them now.
        levels: Vec<StockLevel>,
    },
    /// Books came into another class of availability.
    AvailabilityChanged {
        /// Which ones.
        products: Vec<ProductId>,
    },
    /// What is in a cart changed.
    CartChanged {
        /// Which one.
        cart: CartId,
    },
    /// Carts that nobody had used for long were removed.
    CartsExpired {
        /// Which ones.
        carts: Vec<CartId>,
    },
    /// A coupon was made or changed.
    CouponChanged {
        /// Which one.
        code: String,
    },
    /// Somebody placed an order.
    OrderPlaced {
        /// Which one.
        order: OrderId,
        /// Who, unless it was a guest.
        user: Option<UserId>,
    },
    /// An order came into another state.
    OrderMoved {
        /// Which one.
        order: OrderId,
        /// Whose, unless it was a guest.
        user: Option<UserId>,
        /// Where it stood.
        from: OrderState,
        /// Where it stands.
        to: OrderState,
    },
    /// An attempt to pay for an order began or ended.
    PaymentChanged {
        /// Which one.
        payment: PaymentId,
        /// For which order.
        order: OrderId,
        /// Whose, unless it was a guest.
        user: Option<UserId>,
    },
    /// Money was sent back.
    OrderRefunded {
        /// For which order.
        order: OrderId,
        /// Whose, unless it was a guest.
        user: Option<UserId>,
        /// By which refund.
        refund: RefundId,
        /// How much.
        amount: Money,
    },
    /// Somebody wrote a review.
    ReviewCreated {
        /// Which one.
        review: ReviewFacts,
        /// What it did to the book's standing, with all that was written by the same transaction.
        moved: RatingMove,
    },
    /// A review has another rating or text.
    ReviewChanged {
        /// Which one, as it is now.
        review: ReviewFacts,
        /// How many stars it gave before.
        was: u8,
        /// What it did to the book's standing.
        moved: RatingMove,
    },
    /// A review is gone: its writer took it back, or an administrator hid it.
    ReviewRemoved {
        /// Which one, as it was.
        review: ReviewFacts,
        /// What it did to the book's standing.
        moved: RatingMove,
    },
    /// A review that was hidden is shown again.
    ReviewRestored {
        /// Which one.
        review: ReviewFacts,
        /// What it did to the book's standing.
        moved: RatingMove,
    },
    /// Somebody found a review helpful or not, or thinks otherwise by now.
    ReviewVoted {
        /// Which one.
        review: ReviewId,
        /// Of which book.
        product: ProductId,
    },
    /// Somebody who left took their votes on reviews along.
    VotesWithdrawn {
        /// Of which books those were.
        products: Vec<ProductId>,
    },
    /// Reviews came to be by somebody who bought the book, or by somebody who gave it back.
    ReviewsVerified {
        /// Of which books.
        products: Vec<ProductId>,
    },
    /// Somebody keeps a book in mind.
    FavouriteAdded {
        /// Who.
        user: UserId,
        /// Which one.
        product: ProductId,
    },
    /// Somebody no longer keeps a book in mind.
    FavouriteRemoved {
        /// Who.
        user: UserId,
        /// Which one.
        product: ProductId,
    },
    /// Leaderboards have other scores.
    LeaderboardsMoved {
        /// Which ones.
        boards: Vec<Board>,
    },
    /// What these people like was counted anew.
    TastesChanged {
        /// Whose tastes.
        users: Vec<UserId>,
    },
    /// What everybody likes was counted anew.
    TastesRecounted,
    /// It was computed anew which books the readers of others like.
    NeighboursChanged {
        /// Of which books.
        products: Vec<ProductId>,
    },
    /// An endpoint of another system was registered, changed or removed.
    EndpointChanged {
        /// Which one.
        endpoint: EndpointId,
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
            Self::ReadersSeeded { .. } => "readers_seeded",
            Self::UserRegistered { .. } => "user_registered",
            Self::UserChanged { .. } => "user_changed",
            Self::UserDeleted { .. } => "user_deleted",
            Self::SessionStarted { .. } => "session_started",
            Self::SessionExtended { .. } => "session_extended",
            Self::SessionsEnded { .. } => "sessions_ended",
            Self::SessionsExpired { .. } => "sessions_expired",
            Self::StockChanged { .. } => "stock_changed",
            Self::AvailabilityChanged { .. } => "availability_changed",
            Self::CartChanged { .. } => "cart_changed",
            Self::CartsExpired { .. } => "carts_expired",
            Self::CouponChanged { .. } => "coupon_changed",
            Self::OrderPlaced { .. } => "order_placed",
            Self::OrderMoved { .. } => "order_moved",
            Self::PaymentChanged { .. } => "payment_changed",
            Self::OrderRefunded { .. } => "order_refunded",
            Self::ReviewCreated { .. } => "review_created",
            Self::ReviewChanged { .. } => "review_changed",
            Self::ReviewRemoved { .. } => "review_removed",
            Self::ReviewRestored { .. } => "review_restored",
            Self::ReviewVoted { .. } => "review_voted",
            Self::VotesWithdrawn { .. } => "votes_withdrawn",
            Self::ReviewsVerified { .. } => "reviews_verified",
            Self::FavouriteAdded { .. } => "favourite_added",
            Self::FavouriteRemoved { .. } => "favourite_removed",
            Self::LeaderboardsMoved { .. } => "leaderboards_moved",
            Self::TastesChanged { .. } => "tastes_changed",
            Self::TastesRecounted => "tastes_recounted",
            Self::NeighboursChanged { .. } => "neighbours_changed",
            Self::EndpointChanged { .. } => "endpoint_changed",
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

    /// Adds several.
    #[must_use]
    pub fn and_all(mut self, events: impl IntoIterator<Item = DomainEvent>) -> Self {
        self.rest.extend(events);
        self
    }

    /// All of them, in order.
    pub fn iter(&self) -> impl Iterator<Item = &DomainEvent> {
        std::iter::once(&self.first).chain(&self.rest)
    }
}

impl IntoIterator for Events {
    type Item = DomainEvent;
    type IntoIter = std::iter::Chain<std::iter::Once<DomainEvent>, std::vec::IntoIter<DomainEvent>>;

    fn into_iter(self) -> Self::IntoIter {
        std::iter::once(self.first).chain(self.rest)
    }
}

impl From<DomainEvent> for Events {
    fn from(first: DomainEvent) -> Self {
        Self { first, rest: Vec::new() }
    }
}
