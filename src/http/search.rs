//! Searching, and suggestions as somebody types.

use axum::extract::{OriginalUri, State};
use axum::response::Response;
use garde::Validate;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;

use super::cache_policy::CachePolicy;
use super::conditional::{Conditions, finished, respond};
use super::extract::{Query, checked_query};
use super::listing::{FacetDocument, SummaryDocument, canonical_query, filtered, links};
use super::problem::Problem;
use super::state::AppState;
use crate::domain::search::{SearchPage, SearchPages, SearchRequest, Suggestions};
use crate::model::answer::RenderError;
use crate::model::representation::{Particulars, Representation as Finished};
use crate::model::search::{Highlights, Hit, MARK_END, MARK_START, Suggestion, SuggestionKind};

/// The routes.
pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(search)).routes(routes!(suggest))
}

filtered!(
    /// What to look for.
    SearchParameters {
        /// Words, all of which a book must have; the last one may be the beginning of a word. Case, accents and English
        /// endings are ignored. An ISBN leads to its book. At least one letter or digit.
        #[param(min_length = 1, max_length = 200, example = "dragon")]
        q: String,
    }
);

/// A book that was found.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SearchHit)]
struct HitDocument {
    /// The book.
    product: SummaryDocument,
    /// Where the words occur.
    highlights: HighlightsDocument,
}

/// Texts of a book as HTML: everything is escaped, and matching words stand in `<mark>` elements.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Highlights)]
struct HighlightsDocument {
    /// The title.
    #[schema(example = "A <mark>Wizard</mark> of Earthsea")]
    title: String,
    /// The authors.
    authors: Vec<String>,
    /// The series.
    series: Option<String>,
    /// Fragments of the beginning of the description.
    description: Option<String>,
}

/// How many books matched.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Matches)]
struct MatchesDocument {
    /// How many matches were ranked.
    #[schema(minimum = 0, example = 37)]
    ranked: i64,
    /// Whether these are all. Of more than 200 matches the most popular 200 are ranked.
    complete: bool,
}

/// A page of matches.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SearchPage)]
struct SearchDocument {
    /// The matches, the best first.
    items: Vec<HitDocument>,
    /// How many there are.
    matches: MatchesDocument,
    /// What was looked for instead, where nothing matched `q`.
    #[schema(example = json!(null))]
    corrected_query: Option<String>,
    /// The `cursor` of the next page; `null` on the last one.
    next_cursor: Option<String>,
    /// The counts that were asked for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    facets: Vec<FacetDocument>,
}

impl From<SearchPage> for SearchDocument {
    fn from(page: SearchPage) -> Self {
        Self {
            items: page.hits.into_iter().map(HitDocument::from).collect(),
            matches: MatchesDocument { ranked: page.ranked, complete: page.complete },
            corrected_query: page.corrected,
            next_cursor: page.next_cursor,
            facets: page.facets.into_iter().map(FacetDocument::from).collect(),
        }
    }
}

impl From<Hit> for HitDocument {
    fn from(hit: Hit) -> Self {
        Self { product: hit.book.into(), highlights: hit.highlights.into() }
    }
}

impl From<Highlights> for HighlightsDocument {
    fn from(texts: Highlights) -> Self {
        Self {
            title: marked(&texts.title),
            authors: texts.authors.iter().map(|author| marked(author)).collect(),
            series: texts.series.as_deref().map(marked),
            description: texts.description.as_deref().map(marked),
        }
    }
}

/// Escapes a text for HTML and turns the marks into elements. Only here do angle brackets come into being, so no text of
/// a book can bring elements of its own.
fn marked(text: &str) -> String {
    let mut html = String::with_capacity(text.len() + 32);
    let mut open = false;
    for c in text.chars() {
        match c {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '"' => html.push_str("&quot;"),
            '\'' => html.push_str("&#39;"),
            MARK_START if !open => {
                html.push_str("<mark>");
                open = true;
            }
            MARK_END if open => {
                html.push_str("</mark>");
                open = false;
            }
            MARK_START | MARK_END => {}
            other => html.push(other),
        }
    }
    if open {
        html.push_str("</mark>");
    }
    html
}

/// Search the books
///
/// Looks through titles, authors, series and, with less weight, descriptions, subjects, genres and publishers. Whole
/// titles come first, then beginnings of titles, then the best matches; popularity counts too. Where nothing matches, words
/// that no book has are replaced by the most alike ones, and `corrected_query` tells so.
#[utoipa::path(
    get, path = "/products/search", operation_id = "searchProducts", tag = "products",
    params(SearchParameters),
    responses((
        status = 200, description = "A page of matches", body = SearchDocument,
        headers(("Link" = String, description = "`rel=\"first\"`, and `rel=\"next\"` where there is a next page (RFC 8288)")),
    )),
)]
async fn search(
    State(state): State<AppState>,
    OriginalUri(uri): OriginalUri,
    Query(parameters): Query<SearchParameters>,
    conditions: Conditions,
) -> Result<Response, Problem> {
    let answer = state.search.page(request(parameters), &canonical_query(&uri)).await?;
    Ok(respond(&answer, CachePolicy::BookListing, &conditions))
}

fn request(mut parameters: SearchParameters) -> SearchRequest {
    SearchRequest {
        filters: parameters.take_filters(),
        text: parameters.q,
        limit: parameters.limit,
        cursor: parameters.cursor,
        facets: parameters.facets,
    }
}

/// The request that a canonical query stands for.
#[must_use]
pub fn read_query(query: &str) -> Option<SearchRequest> {
    checked_query(query).ok().map(request)
}

/// How searches become answers.
pub const PAGES: SearchPages = SearchPages { matches: render, suggestions: render_suggestions };

fn render(page: SearchPage, query: &str) -> Result<Finished, RenderError> {
    let link = Some(links("products/search", query, page.next_cursor.as_deref()));
    finished(&SearchDocument::from(page), None, None, Particulars { link, ..Particulars::default() })
}

fn render_suggestions(found: Suggestions) -> Result<Finished, RenderError> {
    finished(&SuggestionsDocument::from(found), None, None, Particulars::default())
}

/// What was typed.
#[derive(Debug, Deserialize, Validate, IntoParams)]
#[garde(allow_unvalidated)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct SuggestParameters {
    /// What was typed so far. At least one letter or digit.
    #[param(min_length = 1, max_length = 200, example = "wiz")]
    q: String,
    /// The most suggestions.
    #[param(minimum = 1, maximum = 10, default = 10)]
    limit: Option<u32>,
}

/// What a suggestion is.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = SuggestionKind)]
enum SuggestionKindDocument {
    Title,
    Author,
    Series,
}

/// A suggestion.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Suggestion)]
struct SuggestionDocument {
    /// `title`, `author` or `series`.
    kind: SuggestionKindDocument,
    /// Its name: for `q` of a search, or for the filter of its kind.
    #[schema(example = "A Wizard of Earthsea")]
    text: String,
    /// The book, where it is a title.
    product_id: Option<Uuid>,
}

impl From<Suggestion> for SuggestionDocument {
    fn from(suggestion: Suggestion) -> Self {
        let kind = match suggestion.kind {
            SuggestionKind::Title => SuggestionKindDocument::Title,
            SuggestionKind::Author => SuggestionKindDocument::Author,
            SuggestionKind::Series => SuggestionKindDocument::Series,
        };
        Self { kind, text: suggestion.text, product_id: suggestion.id.map(|id| id.0) }
    }
}

/// Suggestions.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Suggestions)]
struct SuggestionsDocument {
    /// The best first.
    items: Vec<SuggestionDocument>,
    /// What was looked for instead, where nothing begins like `q`.
    #[schema(example = json!(null))]
    corrected_query: Option<String>,
}

impl From<Suggestions> for SuggestionsDocument {
    fn from(found: Suggestions) -> Self {
        Self {
            items: found.items.into_iter().map(SuggestionDocument::from).collect(),
            corrected_query: found.corrected,
        }
    }
}

/// Suggest as somebody types
///
/// Titles, authors and series that begin with what was typed, or have a word that does; the popular ones first. One or two
/// letters are looked for among the beginnings of titles and the most popular books.
#[utoipa::path(
    get, path = "/products/suggest", operation_id = "suggestProducts", tag = "products",
    params(SuggestParameters),
    responses((status = 200, description = "Suggestions", body = SuggestionsDocument)),
)]
async fn suggest(
    State(state): State<AppState>,
    Query(parameters): Query<SuggestParameters>,
    conditions: Conditions,
) -> Result<Response, Problem> {
    let answer = state.search.suggest(&parameters.q, parameters.limit).await?;
    Ok(respond(&answer, CachePolicy::BookListing, &conditions))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn marks_become_elements_and_all_else_is_escaped() {
        assert_eq!(
            marked("a \u{e000}b\u{e001} <script>alert(\"1\" & '2')</script>"),
            "a <mark>b</mark> &lt;script&gt;alert(&quot;1&quot; &amp; &#39;2&#39;)&lt;/script&gt;"
        );
        assert_eq!(marked("\u{e001}a\u{e000}b\u{e000}c"), "a<mark>bc</mark>");
    }

    proptest! {
        #[test]
        fn no_text_brings_elements_of_its_own(text in any::<String>()) {
            let bare = marked(&text).replace("<mark>", "").replace("</mark>", "");
            prop_assert!(!bare.contains(['<', '>', '"', '\'']), "{bare}");
        }
    }
}
