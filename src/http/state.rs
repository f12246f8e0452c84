//! What handlers share: the services of the domain.

use std::sync::Arc;

use crate::domain::genres::Genres;
use crate::domain::health::Health;
use crate::domain::listing::Listing;
use crate::domain::products::Products;
use crate::domain::related::RelatedBooks;
use crate::domain::search::Search;

/// The services, cheap to clone. Handlers take it as `State<AppState>`.
#[derive(Clone)]
pub struct AppState {
    /// How the process and its parts are.
    pub health: Arc<Health>,
    /// Lists of books.
    pub listing: Arc<Listing>,
    /// Full-text search and suggestions.
    pub search: Arc<Search>,
    /// Related books.
    pub related: Arc<RelatedBooks>,
    /// Genres.
    pub genres: Arc<Genres>,
    /// The books.
    pub products: Arc<Products>,
}
