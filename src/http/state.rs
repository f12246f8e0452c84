//! What handlers share: the services of the domain.

use std::{ops::Deref, sync::Arc};

use super::buyer::CartCookies;
use super::sessions::SessionCookies;
use crate::domain::access::Access;
use crate::domain::audit::Audit;
use crate::domain::cache_admin::CacheAdministration;
use crate::domain::carts::Carts;
use crate::domain::coupons::Coupons;
use crate::domain::favourites::Favourites;
use crate::domain::genres::Genres;
use crate::domain::health::Health;
use crate::domain::hot_keys::HotKeys;
use crate::domain::import::Import;
use crate::domain::inventory::Inventory;
use crate::domain::leaderboards::Leaderboards;
use crate::domain::limits::RateLimiter;
use crate::domain::listing::Listing;
use crate::domain::orders::Orders;
use crate::domain::payments::Payments;
use crate::domain::pricing::Pricing;
use crate::domain::products::Products;
use crate::domain::recommendations::Recommendations;
use crate::domain::related::RelatedBooks;
use crate::domain::reviews::Reviews;
use crate::domain::search::Search;
use crate::domain::sessions::Sessions;
use crate::domain::trending::TrendingBooks;
use crate::domain::user_stats::UserStatistics;
use crate::domain::users::Users;
use crate::domain::views::Views;
use crate::domain::warm_up::WarmUp;
use crate::domain::webhooks::Webhooks;

/// The services, cheap to clone: every request clones it several times over. Handlers take it as `State<AppState>`.
#[derive(Clone)]
pub struct AppState(Arc<Services>);

impl AppState {
    /// These services, shared.
    #[must_use]
    pub fn new(services: Services) -> Self {
        Self(Arc::new(services))
    }
}

impl Deref for AppState {
    type Target = Services;

    fn deref(&self) -> &Services {
        &self.0
    }
}

/// The services of the domain.
pub struct Services {
    /// How the process and its parts are.
    pub health: Arc<Health>,
    /// How many requests a client may make; nothing where that is not limited.
    pub limiter: Option<RateLimiter>,
    /// Who asks.
    pub access: Arc<Access>,
    /// The accounts.
    pub users: Arc<Users>,
    /// The books that people keep in mind.
    pub favourites: Arc<Favourites>,
    /// What is counted of people.
    pub user_stats: Arc<UserStatistics>,
    /// The sessions.
    pub sessions: Arc<Sessions>,
    /// How sessions' cookies are set.
    pub cookies: SessionCookies,
    /// Looking after the cache.
    pub cache_admin: CacheAdministration,
    /// Reading ahead.
    pub warm_up: Arc<WarmUp>,
    /// Keeping warm what is read most.
    pub hot_keys: Arc<HotKeys>,
    /// The audit log.
    pub audit: Arc<Audit>,
    /// Lists of books.
    pub listing: Arc<Listing>,
    /// Full-text search and suggestions.
    pub search: Arc<Search>,
    /// Related books.
    pub related: Arc<RelatedBooks>,
    /// What readers say of books.
    pub reviews: Arc<Reviews>,
    /// What readers may like.
    pub recommendations: Arc<Recommendations>,
    /// The books that are looked at most.
    pub trending: Arc<TrendingBooks>,
    /// Genres.
    pub genres: Arc<Genres>,
    /// Leaderboards.
    pub leaderboards: Arc<Leaderboards>,
    /// Orders.
    pub orders: Arc<Orders>,
    /// Payments and refunds.
    pub payments: Arc<Payments>,
    /// The books.
    pub products: Arc<Products>,
    /// The carts.
    pub carts: Arc<Carts>,
    /// How guests' cookies are set.
    pub cart_cookies: CartCookies,
    /// The coupons.
    pub coupons: Arc<Coupons>,
    /// What orders cost.
    pub pricing: Pricing,
    /// How often books are looked at.
    pub views: Arc<Views>,
    /// Stock, its ledger, and the streams of its changes.
    pub inventory: Arc<Inventory>,
    /// Books in bulk.
    pub import: Arc<Import>,
    /// Telling other systems what happens.
    pub webhooks: Arc<Webhooks>,
}
