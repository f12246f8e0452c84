//! The genres.

use axum::extract::State;
use axum::response::Response;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::cache_policy::CachePolicy;
use super::conditional::{Conditions, finished, respond};
use super::problem::Problem;
use super::state::AppState;
use crate::domain::genres::GenreError;
use crate::model::answer::RenderError;
use crate::model::product::Genre;
use crate::model::representation::{Particulars, Representation};

/// The routes.
pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(list))
}

/// A genre.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Genre)]
pub struct GenreDocument {
    /// Its name in addresses and filters.
    #[schema(example = "science-fiction")]
    slug: String,
    /// Its name for people.
    #[schema(example = "Science Fiction")]
    name: String,
    /// How many active books carry it.
    #[schema(minimum = 0, example = 4213)]
    books: i64,
}

impl From<Genre> for GenreDocument {
    fn from(genre: Genre) -> Self {
        Self { slug: genre.slug, name: genre.name, books: genre.books }
    }
}

/// All genres.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Genres)]
pub struct GenresDocument {
    /// The genres, by slug.
    items: Vec<GenreDocument>,
}

/// List the genres
///
/// All of them, with the number of active books in each.
#[utoipa::path(
    get, path = "/genres", operation_id = "listGenres", tag = "genres",
    responses((status = 200, description = "The genres", body = GenresDocument)),
)]
async fn list(State(state): State<AppState>, conditions: Conditions) -> Result<Response, Problem> {
    Ok(respond(&state.genres.all().await?, CachePolicy::Genres, &conditions))
}

/// The genres as they are answered.
///
/// # Errors
/// When they cannot be written as JSON.
pub fn render(genres: Vec<Genre>) -> Result<Representation, RenderError> {
    let document = GenresDocument { items: genres.into_iter().map(GenreDocument::from).collect() };
    finished(&document, None, None, Particulars::default())
}

impl From<GenreError> for Problem {
    fn from(error: GenreError) -> Self {
        match error {
            GenreError::Store(error) => error.into(),
            GenreError::Missing | GenreError::Render(_) => Self::internal(&error),
        }
    }
}
