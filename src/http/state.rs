//! What handlers share: the services of the domain.

use std::sync::Arc;

use crate::domain::access::Access;
use crate::domain::health::Health;
use crate::domain::products::Products;

/// The services, cheap to clone. Handlers take it as `State<AppState>`.
#[derive(Clone)]
pub struct AppState {
    /// How the process and its parts are.
    pub health: Arc<Health>,
    /// The books.
    pub products: Arc<Products>,
    /// Who asks.
    pub access: Arc<Access>,
}
