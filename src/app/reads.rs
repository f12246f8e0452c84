//! The services that answer what anybody may ask.

use std::sync::Arc;

use crate::{
    domain::{
        genres::Genres,
        listing::Listing,
        products::{Products, Rules},
        reads::{Queries, Reads},
        related::RelatedBooks,
        search::Search,
        trending::TrendingBooks,
    },
    http::{self, state::AppState},
    model::clock::Clock,
    store::Store,
};

const QUERIES: Queries = Queries { list: http::listing::read_query, search: http::search::read_query };

/// The services over this store.
pub(super) fn reads(store: &Store, clock: &Arc<dyn Clock>, rules: &Rules) -> Reads {
    Reads {
        products: Products::new(store.clone(), Arc::clone(clock), rules.clone(), http::products::PAGES),
        genres: Genres::new(store.clone(), http::genres::render),
        listing: Listing::new(store.clone(), http::listing::render),
        search: Search::new(store.clone(), http::search::PAGES),
        related: RelatedBooks::new(store.clone(), http::related::render),
        trending: TrendingBooks::new(store.clone(), Arc::clone(clock), http::trending::render),
        queries: QUERIES,
    }
}

/// The services that requests go through.
pub(super) fn of_requests(state: &AppState) -> Reads {
    Reads {
        products: (*state.products).clone(),
        genres: (*state.genres).clone(),
        listing: (*state.listing).clone(),
        search: (*state.search).clone(),
        related: (*state.related).clone(),
        trending: (*state.trending).clone(),
        queries: QUERIES,
    }
}
