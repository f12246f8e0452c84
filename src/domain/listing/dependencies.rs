//! What a page of a list depends on, as finely as can be told: the books that it shows, and whatever could bring others.

use crate::model::listing::{Facet, Filters, Position, ProductSummary, Sort, SortKey};
use crate::model::rating::{half_stars, step};
use crate::model::tags::Tag;

/// The highest step of a score.
const TOP: u8 = 50;

/// A page that reaches over more steps of a score than this depends on all ratings: its tags would be too many.
const MOST_STEPS: u8 = 12;

/// The averages that the facet tells apart, in tenths of a star.
const STARS: [u8; 5] = [10, 20, 30, 40, 50];

/// The tags of the books on a page.
pub fn shown<'a>(books: impl IntoIterator<Item = &'a ProductSummary>) -> impl Iterator<Item = Tag> {
    books.into_iter().map(|book| Tag::book(book.id))
}

/// What decides which books pass the filters and how the facets count them, beside the catalogue itself.
pub fn chosen_by(filters: &Filters, facets: &[Facet]) -> Vec<Tag> {
    let mut tags = Vec::new();
    if let Some(least) = filters.min_rating {
        tags.push(half_stars(least).map_or_else(Tag::ratings, Tag::rating_threshold));
    } else if facets.contains(&Facet::Rating) {
        tags.extend(STARS.map(Tag::rating_threshold));
    }
    if filters.in_stock.is_some() || facets.contains(&Facet::Availability) {
        tags.push(Tag::availability());
    }
    tags
}

/// What decides the order of a page that begins after `after` and ends with `last`, or with the list itself. A book whose
/// score moves beyond both ends, or across the whole page, leaves it as it is.
pub fn ordered_by(sort: Sort, after: Option<&Position>, last: Option<&SortKey>) -> Vec<Tag> {
    if sort != Sort::Rating {
        return Vec::new();
    }
    let step_of = |key: &SortKey| match key {
        SortKey::Rating(score) => Some(step(*score)),
        _ => None,
    };
    let highest = after.and_then(|position| step_of(&position.key)).unwrap_or(TOP);
    let lowest = last.and_then(step_of).unwrap_or(0);
    if highest.saturating_sub(lowest) > MOST_STEPS {
        return vec![Tag::ratings()];
    }
    (lowest..=highest).map(Tag::rating_step).collect()
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::model::ids::ProductId;

    fn texts(tags: Vec<Tag>) -> Vec<String> {
        tags.iter().map(Tag::to_string).collect()
    }

    #[test]
    fn a_list_that_no_rating_moves_depends_on_none() {
        let filters = Filters::default();
        assert!(chosen_by(&filters, &[Facet::Genre, Facet::Price]).is_empty());
        assert!(ordered_by(Sort::Popularity, None, Some(&SortKey::Popularity(3.0))).is_empty());
    }

    #[test]
    fn a_choice_by_ratings_or_stock_depends_on_them() {
        let at_least = |min_rating| Filters { min_rating: Some(min_rating), ..Filters::default() };
        assert_eq!(texts(chosen_by(&at_least(4.0), &[Facet::Rating])), ["books:rated:from:40"]);
        assert_eq!(texts(chosen_by(&at_least(4.25), &[])), ["books:rated"]);
        let facets = chosen_by(&Filters::default(), &[Facet::Rating, Facet::Availability]);
        assert_eq!((facets.len(), facets.last()), (6, Some(&Tag::availability())));
        let in_stock = Filters { in_stock: Some(false), ..Filters::default() };
        assert_eq!(chosen_by(&in_stock, &[]), [Tag::availability()]);
    }

    #[test]
    fn an_order_by_ratings_depends_on_the_scores_that_it_shows() {
        let at = |score| SortKey::Rating(score);
        let after = Position { key: at(4.43), id: ProductId(Uuid::nil()) };
        assert_eq!(
            texts(ordered_by(Sort::Rating, Some(&after), Some(&at(4.21)))),
            ["books:rated:score:42", "books:rated:score:43", "books:rated:score:44"]
        );
        assert_eq!(ordered_by(Sort::Rating, None, Some(&at(4.45))).len(), 7, "from 4.4 to 5.0");
        assert_eq!(ordered_by(Sort::Rating, Some(&after), None), [Tag::ratings()], "to the end of the list");
    }
}
