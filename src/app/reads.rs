//! The services that answer what anybody may ask.

use std::sync::Arc;

use crate::{
    config::Config,
    domain::{
        genres::Genres,
        leaderboards::Leaderboards,
        listing::Listing,
        products::{Products, Rules},
        reads::{Queries, Reads},
        related::RelatedBooks,
        reviews::Reviews,
        search::Search,
        trending::TrendingBooks,
    },
    http::{self, state::AppState},
    model::clock::Clock,
    store::Store,
};

const QUERIES: Queries = Queries { list: http::listing::read_query, search: http::search::read_query };

/// The services over this store.
pub(super) fn reads(config: &Config, store: &Store, clock: &Arc<dyn Clock>, rules: &Rules) -> Reads {
    let store = || store.clone();
    let clock = || Arc::clone(clock);
    let (keys_live, boards) = (config.orders.idempotency_lifetime, config.leaderboards.clone());
    let products = Products::new(store(), clock(), rules.clone(), http::products::PAGES);
    Reads {
        reviews: Reviews::new(store(), clock(), keys_live, http::reviews::PAGES, products.clone()),
        products,
        genres: Genres::new(store(), http::genres::render),
        listing: Listing::new(store(), http::listing::render),
        search: Search::new(store(), http::search::PAGES),
        related: RelatedBooks::new(store(), http::related::render),
        trending: TrendingBooks::new(store(), clock(), http::trending::render),
        leaderboards: Arc::new(Leaderboards::new(store(), clock(), boards, http::leaderboards::PAGES)),
        queries: QUERIES,
    }
}

/// The same over a store that reads ahead. It tells those of `here` what it finds out about the leaderboards.
pub(super) fn ahead(here: &Reads, config: &Config, store: &Store, clock: &Arc<dyn Clock>, rules: &Rules) -> Reads {
    let leaderboards = Arc::new(here.leaderboards.over(store.clone()));
    Reads { leaderboards, ..reads(config, store, clock, rules) }
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
        reviews: (*state.reviews).clone(),
        leaderboards: Arc::clone(&state.leaderboards),
        queries: QUERIES,
    }
}
