//! From counts to facets.

use crate::model::listing::{Facet, FacetCounts, FacetValue};
use crate::model::product::Availability;
use crate::store::{FacetCount, FacetQuery};

/// At most so many books are counted. A count that reaches it says so.
pub const FACET_LIMIT: i64 = 5_000;

/// Where bands of price begin, in minor units.
const PRICE_BANDS: &[i64] = &[500, 1_000, 1_500, 2_000, 3_000, 5_000];

/// How the store counts for [`count`].
#[must_use]
pub fn facet_query() -> FacetQuery {
    FacetQuery { limit: FACET_LIMIT, price_bands: PRICE_BANDS.to_vec(), expression: None }
}

/// The facets that were asked for, in that order, from what was counted of at most `limit` books.
#[must_use]
pub fn count(wanted: &[Facet], counts: Vec<FacetCount>, limit: i64) -> Vec<FacetCounts> {
    let all: i64 = counts.iter().filter(|count| count.facet.is_none()).map(|count| count.count).sum();
    wanted
        .iter()
        .map(|facet| {
            let own: Vec<&FacetCount> =
                counts.iter().filter(|count| count.facet.as_deref() == Some(facet.as_str())).collect();
            // A book has several genres; every other facet counts each book once, those without a value included.
            let counted = if *facet == Facet::Genre { all } else { own.iter().map(|count| count.count).sum::<i64>() };
            let values = own.iter().filter_map(|count| Some((count.value.as_deref()?, count.count))).collect();
            FacetCounts { facet: *facet, complete: counted < limit, values: named(*facet, values) }
        })
        .collect()
}

/// The values in the order in which they are shown.
fn named(facet: Facet, counts: Vec<(&str, i64)>) -> Vec<FacetValue> {
    let plain = |value: &str, count| FacetValue { value: value.to_owned(), from: None, to: None, count };
    match facet {
        Facet::Genre | Facet::Language | Facet::Format => {
            let mut values: Vec<FacetValue> = counts.into_iter().map(|(value, count)| plain(value, count)).collect();
            values.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| a.value.cmp(&b.value)));
            values
        }
        Facet::Availability => Availability::ALL
            .iter()
            .filter_map(|class| counts.iter().find(|(value, _)| *value == class.as_str()))
            .map(|(value, count)| plain(value, *count))
            .collect(),
        Facet::Price => numbered(counts).into_iter().map(|(band, count)| price_band(band, count)).collect(),
        Facet::Rating => stars_and_more(&numbered(counts)),
        Facet::Decade => numbered(counts).into_iter().rev().map(|(decade, count)| years(decade * 10, count)).collect(),
    }
}

fn numbered(counts: Vec<(&str, i64)>) -> Vec<(i64, i64)> {
    let mut counts: Vec<(i64, i64)> =
        counts.into_iter().filter_map(|(value, count)| Some((value.parse().ok()?, count))).collect();
    counts.sort_unstable();
    counts
}

/// Band 0 lies before the first beginning.
fn price_band(band: i64, count: i64) -> FacetValue {
    let at = |index: i64| usize::try_from(index).ok().and_then(|index| PRICE_BANDS.get(index)).copied();
    let (from, to) = (at(band - 1).unwrap_or(0), at(band).map(|next| next - 1));
    let value = to.map_or_else(|| format!("{from}-"), |to| format!("{from}-{to}"));
    FacetValue { value, from: Some(from), to, count }
}

fn stars_and_more(counts: &[(i64, i64)]) -> Vec<FacetValue> {
    (1..=4)
        .rev()
        .map(|stars| FacetValue {
            value: stars.to_string(),
            from: Some(stars),
            to: None,
            count: counts.iter().filter(|(whole, _)| *whole >= stars).map(|(_, count)| count).sum(),
        })
        .filter(|value| value.count > 0)
        .collect()
}

fn years(first: i64, count: i64) -> FacetValue {
    FacetValue { value: first.to_string(), from: Some(first), to: Some(first + 9), count }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counted(facet: Option<&str>, value: Option<&str>, count: i64) -> FacetCount {
        FacetCount { facet: facet.map(Into::into), value: value.map(Into::into), count }
    }

    fn values(facet: Facet, counts: Vec<FacetCount>) -> Vec<(String, i64)> {
        count(&[facet], counts, FACET_LIMIT)
            .remove(0)
            .values
            .into_iter()
            .map(|value| (value.value, value.count))
            .collect()
    }

    #[test]
    fn bands_are_named_after_their_filters() {
        let price = |band, count| counted(Some("price"), Some(band), count);
        let counts = vec![price("6", 1), price("0", 2), price("2", 3), counted(Some("price"), None, 9)];
        assert_eq!(values(Facet::Price, counts), [("0-499".into(), 2), ("1000-1499".into(), 3), ("5000-".into(), 1)]);
        let rating = |stars, count| counted(Some("rating"), Some(stars), count);
        let counts = vec![rating("0", 7), rating("5", 1), rating("4", 2), rating("3", 4)];
        let wanted: Vec<(String, i64)> = vec![("4".into(), 3), ("3".into(), 7), ("2".into(), 7), ("1".into(), 7)];
        assert_eq!(values(Facet::Rating, counts), wanted);
        let decade = |decade, count| counted(Some("decade"), Some(decade), count);
        let found = count(&[Facet::Decade], vec![decade("-75", 1), decade("199", 2)], FACET_LIMIT).remove(0).values;
        assert_eq!(found[0], FacetValue { value: "1990".into(), from: Some(1990), to: Some(1999), count: 2 });
        assert_eq!((found[1].from, found[1].to), (Some(-750), Some(-741)));
    }

    #[test]
    fn a_count_that_reached_the_limit_says_so() {
        let counts = || {
            vec![
                counted(None, None, FACET_LIMIT),
                counted(Some("genre"), Some("fantasy"), 5),
                counted(Some("format"), Some("ebook"), 5),
                counted(Some("format"), None, 1),
            ]
        };
        let found = count(&[Facet::Genre, Facet::Format], counts(), FACET_LIMIT);
        assert_eq!([found[0].complete, found[1].complete], [false, true]);
    }
}
