//! JSON shapes that several resources share.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::model::money::Money;
use crate::model::product::{Rating, Series};

/// An amount in the minor unit of its currency: 1499 USD is 14.99 dollars.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Money)]
pub struct MoneyDocument {
    /// Minor units.
    #[schema(minimum = 0, maximum = 1_000_000_000, example = 1499)]
    pub amount: i64,
    /// ISO 4217 code; the currency of the shop.
    #[schema(pattern = "^[A-Z]{3}$", example = "USD")]
    pub currency: String,
}

impl From<Money> for MoneyDocument {
    fn from(money: Money) -> Self {
        Self { amount: money.amount, currency: money.currency.to_string() }
    }
}

/// The series that a book belongs to.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Series)]
pub struct SeriesDocument {
    /// Its name.
    #[schema(min_length = 1, max_length = 300, example = "Earthsea Cycle")]
    pub name: String,
    /// The book's place in it; 1.5 stands between the first and the second.
    #[serde(default)]
    #[schema(minimum = 0, maximum = 100_000, example = 1.0)]
    pub position: Option<f64>,
}

impl From<Series> for SeriesDocument {
    fn from(series: Series) -> Self {
        Self { name: series.name, position: series.position }
    }
}

/// What readers think of a book.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Rating)]
pub struct RatingDocument {
    /// The mean of all ratings, 1 to 5; 0 where there is none.
    #[schema(example = 4.01)]
    pub average: f64,
    /// How many ratings there are.
    #[schema(example = 271)]
    pub count: i64,
    /// How many readers gave one, two, three, four and five stars; `null` where a source told the mean alone.
    #[schema(min_items = 5, max_items = 5, example = json!([3, 9, 51, 127, 81]))]
    pub histogram: Option<Vec<i64>>,
}

impl From<Rating> for RatingDocument {
    fn from(rating: Rating) -> Self {
        Self { average: rating.average, count: rating.count, histogram: rating.histogram.map(Vec::from) }
    }
}
