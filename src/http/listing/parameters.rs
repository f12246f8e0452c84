//! The parameters of lists and searches.

use serde::{Deserialize, Deserializer, de::Error as _};
use utoipa::openapi::{
    Array, ArrayBuilder, ObjectBuilder,
    schema::{SchemaType, Type},
};

use crate::model::listing::{Facet, Sort};

/// A struct of parameters: the filters that lists and searches share, and what one of them has besides. Two structs with
/// the same fields instead of one inside the other: serde cannot refuse unknown parameters through a flattened field.
macro_rules! filtered {
    ($(#[$doc:meta])* $name:ident { $($(#[$attribute:meta])* $field:ident: $kind:ty),* $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, serde::Deserialize, garde::Validate, utoipa::IntoParams)]
        #[garde(allow_unvalidated)]
        #[serde(deny_unknown_fields)]
        #[into_params(parameter_in = Query)]
        pub struct $name {
            $($(#[$attribute])* pub $field: $kind,)*
            /// The slug of a genre. Given several times, a book must have all of them (at most 10).
            #[serde(default)]
            #[param(required = false, max_items = 10, pattern = "^[a-z0-9]+(-[a-z0-9]+)*$", max_length = 60, example = json!(["fantasy"]))]
            pub genre: Vec<String>,
            /// The whole name of one of the authors; case and accents are ignored.
            #[param(min_length = 1, max_length = 200, example = "Ursula K. Le Guin")]
            pub author: Option<String>,
            /// The whole name of the series; case and accents are ignored.
            #[param(min_length = 1, max_length = 300)]
            pub series: Option<String>,
            /// The whole name of the publisher; case and accents are ignored.
            #[param(min_length = 1, max_length = 300)]
            pub publisher: Option<String>,
            /// A BCP 47 tag; `en` finds `en-US` too.
            #[param(format = "language-tag", max_length = 35, example = "en")]
            pub language: Option<String>,
            /// A format. Given several times, a book must have one of them.
            #[serde(default)]
            #[param(required = false, value_type = Vec<crate::http::products::FormatDocument>)]
            pub format: Vec<crate::model::product::Format>,
            /// The lowest price in minor units. Books without a price do not pass.
            #[param(minimum = 0, maximum = 1_000_000_000, example = 500)]
            pub min_price: Option<i64>,
            /// The highest price in minor units. Books without a price do not pass.
            #[param(minimum = 0, maximum = 1_000_000_000)]
            pub max_price: Option<i64>,
            /// The lowest average of the ratings.
            #[param(minimum = 0, maximum = 5)]
            pub min_rating: Option<f64>,
            /// The first year of publication; 0 is 1 BC.
            #[param(minimum = -4000, maximum = 9999)]
            pub published_from: Option<i32>,
            /// The last year of publication.
            #[param(minimum = -4000, maximum = 9999)]
            pub published_to: Option<i32>,
            /// `true` for books of which a copy can be had, `false` for those that are sold out.
            pub in_stock: Option<bool>,
            /// Editions of this work.
            pub work: Option<uuid::Uuid>,
            /// What to count, separated by commas. Every count respects the filters; all but `genre` leave out their own
            /// filter, and so tell what else could be chosen.
            #[serde(default, deserialize_with = "crate::http::listing::parameters::comma_separated")]
            #[param(required = false, style = Form, explode = false, schema_with = crate::http::listing::parameters::facets)]
            pub facets: Vec<crate::model::listing::Facet>,
            /// Books on a page.
            #[param(minimum = 1, maximum = 100, default = 20)]
            pub limit: Option<u32>,
            /// `next_cursor` of the page before. It fits the same filters and sort alone.
            #[param(max_length = 4000)]
            pub cursor: Option<String>,
        }

        impl $name {
            /// The filters, taken out.
            fn take_filters(&mut self) -> crate::domain::listing::FilterDraft {
                crate::domain::listing::FilterDraft {
                    genres: std::mem::take(&mut self.genre),
                    author: self.author.take(),
                    series: self.series.take(),
                    publisher: self.publisher.take(),
                    language: self.language.take(),
                    formats: std::mem::take(&mut self.format),
                    min_price: self.min_price,
                    max_price: self.max_price,
                    min_rating: self.min_rating,
                    published_from: self.published_from,
                    published_to: self.published_to,
                    in_stock: self.in_stock,
                    work: self.work.map(crate::model::ids::WorkId),
                    status: None,
                }
            }
        }
    };
}
pub(in crate::http) use filtered;

/// Reads `genre,format`.
pub fn comma_separated<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Facet>, D::Error> {
    let mut facets = Vec::new();
    for name in String::deserialize(deserializer)?.split(',').filter(|name| !name.is_empty()) {
        let facet = name.parse().map_err(|error| D::Error::custom(format!("{name:?} {error}")))?;
        if !facets.contains(&facet) {
            facets.push(facet);
        }
    }
    Ok(facets)
}

/// The schema of a sort.
pub fn sort() -> ObjectBuilder {
    ObjectBuilder::new()
        .description(Some("The order. `-` turns it around; what has no date or price comes last in both directions."))
        .schema_type(SchemaType::Type(Type::String))
        .enum_values(Some(Sort::ALL.iter().map(|sort| sort.as_str())))
        .default(Some(Sort::Popularity.as_str().into()))
}

/// The schema of a list of facets.
pub fn facets() -> Array {
    let names = ObjectBuilder::new()
        .schema_type(SchemaType::Type(Type::String))
        .enum_values(Some(Facet::ALL.iter().map(|facet| facet.as_str())));
    ArrayBuilder::new()
        .description(Some(
            "What to count, separated by commas. Every count respects the filters; all but `genre` leave out their own \
             filter, and so tell what else could be chosen.",
        ))
        .items(names)
        .unique_items(true)
        .build()
}
