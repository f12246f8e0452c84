//! Books as JSON.

use garde::Validate;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use time::OffsetDateTime;
use utoipa::openapi::{ObjectBuilder, RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};
use uuid::Uuid;

use crate::domain::products::{MoneyDraft, ProductDraft, SeriesDraft};
use crate::http::documents::{MoneyDocument, RatingDocument, SeriesDocument};
use crate::model::product::{Product, ProductFields, Status};

/// A book.
#[derive(Clone, Debug, Serialize)]
pub struct ProductDocument {
    #[serde(flatten)]
    identity: IdentityDocument,
    #[serde(flatten)]
    fields: ProductInput,
    #[serde(flatten)]
    state: StateDocument,
}

/// What names a book.
#[derive(Clone, Debug, Serialize, ToSchema)]
struct IdentityDocument {
    /// The identifier of this edition.
    #[schema(example = "0198c0de-7a11-7000-8000-000000000000")]
    id: Uuid,
    /// What it shares with other editions and formats of the same book.
    #[schema(example = "0198c0de-7a10-7000-8000-000000000000")]
    work_id: Uuid,
}

/// What the shop adds to what administrators wrote.
#[derive(Clone, Debug, Serialize, ToSchema)]
struct StateDocument {
    /// What readers think.
    rating: RatingDocument,
    /// `in_stock`, `few_left` (five copies or fewer) or `out_of_stock`.
    #[schema(example = "in_stock")]
    availability: &'static str,
    /// Counts the changes.
    #[schema(example = 3)]
    version: i64,
    /// When it entered the catalogue.
    #[serde(with = "time::serde::rfc3339")]
    created_at: OffsetDateTime,
    /// When it last changed.
    #[serde(with = "time::serde::rfc3339")]
    updated_at: OffsetDateTime,
}

impl From<Product> for ProductDocument {
    fn from(product: Product) -> Self {
        Self {
            identity: IdentityDocument { id: product.id.0, work_id: product.work_id.0 },
            fields: product.fields.into(),
            state: StateDocument {
                rating: product.rating.into(),
                availability: product.availability.as_str(),
                version: product.version,
                created_at: product.created_at,
                updated_at: product.updated_at,
            },
        }
    }
}

impl PartialSchema for ProductDocument {
    /// One object with the properties of all parts, all of them present. A schema of `allOf` would not do: what is
    /// written forbids unknown properties, and so would forbid what the shop adds.
    fn schema() -> RefOr<Schema> {
        let mut whole = ObjectBuilder::new().description(Some("A book."));
        for part in [IdentityDocument::schema(), ProductInput::schema(), StateDocument::schema()] {
            if let RefOr::T(Schema::Object(part)) = part {
                for (name, property) in part.properties {
                    whole = whole.required(&name).property(name, property);
                }
            }
        }
        whole.into()
    }
}

impl ToSchema for ProductDocument {
    fn name() -> std::borrow::Cow<'static, str> {
        "Product".into()
    }

    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        ProductInput::schemas(schemas);
        StateDocument::schemas(schemas);
    }
}

/// A book as administrators write it. The rules themselves are the domain's, which the import shares.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema, Validate)]
#[garde(allow_unvalidated)]
#[serde(deny_unknown_fields)]
pub struct ProductInput {
    /// The title, without subtitle and series.
    #[schema(min_length = 1, max_length = 500, example = "A Wizard of Earthsea")]
    pub title: String,
    /// The subtitle.
    #[serde(default)]
    #[schema(min_length = 1, max_length = 500)]
    pub subtitle: Option<String>,
    /// The series.
    #[serde(default)]
    pub series: Option<SeriesDocument>,
    /// The authors, in the order of the title page.
    #[schema(min_items = 1, max_items = 100, example = json!(["Ursula K. Le Guin"]))]
    pub authors: Vec<String>,
    /// The ten-digit ISBN; hyphens are allowed and dropped. Computed from the ISBN-13 where it is left out.
    #[serde(default)]
    #[schema(format = "isbn10", example = "0547773749")]
    pub isbn10: Option<String>,
    /// The thirteen-digit ISBN; hyphens are allowed and dropped. Computed from the ISBN-10 where it is left out.
    #[serde(default)]
    #[schema(format = "isbn13", example = "9780547773742")]
    pub isbn13: Option<String>,
    /// The language, as a BCP 47 tag.
    #[serde(default)]
    #[schema(format = "language-tag", max_length = 35, example = "en")]
    pub language: Option<String>,
    /// The format.
    #[serde(default)]
    #[schema(example = "paperback")]
    pub format: Option<FormatDocument>,
    /// The publisher.
    #[serde(default)]
    #[schema(min_length = 1, max_length = 300, example = "Parnassus Press")]
    pub publisher: Option<String>,
    /// The year, month or day of publication: `1968`, `1968-11` or `1968-11-01`.
    #[serde(default)]
    #[schema(format = "partial-date", example = "1968")]
    pub published: Option<String>,
    /// Pages.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 100_000, example = 205)]
    pub pages: Option<i32>,
    /// The blurb, plain text.
    #[serde(default)]
    #[schema(min_length = 1, max_length = 20_000)]
    pub description: Option<String>,
    /// The genres, by their slugs. A new one is named after its slug.
    #[serde(default)]
    #[schema(max_items = 30, example = json!(["fantasy"]))]
    pub genres: Vec<String>,
    /// Free subject headings; searched, but no filter.
    #[serde(default)]
    #[schema(max_items = 200, example = json!(["Wizards", "Coming of age"]))]
    pub subjects: Vec<String>,
    /// Where a picture of the cover is.
    #[serde(default)]
    #[schema(format = "uri", max_length = 2000, example = "https://covers.example/earthsea.jpg")]
    pub cover_url: Option<String>,
    /// The price; a book without one is shown but cannot be bought.
    #[serde(default)]
    pub price: Option<MoneyDocument>,
    /// `draft` (administrators alone see it), `active` or `retired`.
    #[serde(default = "active")]
    #[schema(default = "active", example = "active")]
    pub status: StatusDocument,
}

fn active() -> StatusDocument {
    StatusDocument::Active
}

macro_rules! mirrored {
    ($(#[$doc:meta])* $document:ident as $name:ident mirrors $model:path { $($variant:ident),+ }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, ToSchema)]
        #[serde(rename_all = "snake_case")]
        #[schema(as = $name)]
        pub enum $document {
            $(#[allow(missing_docs, reason = "the model says what they mean")] $variant),+
        }

        impl From<$model> for $document {
            fn from(value: $model) -> Self {
                match value { $(<$model>::$variant => Self::$variant),+ }
            }
        }

        impl From<$document> for $model {
            fn from(value: $document) -> Self {
                match value { $($document::$variant => Self::$variant),+ }
            }
        }
    };
}

mirrored!(
    /// The form in which a book is sold.
    FormatDocument as Format mirrors crate::model::product::Format { Hardcover, Paperback, Ebook, Audiobook }
);
mirrored!(
    /// Where a book stands between being prepared and being withdrawn.
    StatusDocument as Status mirrors Status { Draft, Active, Retired }
);

impl From<ProductFields> for ProductInput {
    fn from(fields: ProductFields) -> Self {
        Self {
            title: fields.title,
            subtitle: fields.subtitle,
            series: fields.series.map(Into::into),
            authors: fields.authors,
            isbn10: fields.isbn10.map(String::from),
            isbn13: fields.isbn13.map(String::from),
            language: fields.language,
            format: fields.format.map(Into::into),
            publisher: fields.publisher,
            published: fields.published.map(String::from),
            pages: fields.pages,
            description: fields.description,
            genres: fields.genres,
            subjects: fields.subjects,
            cover_url: fields.cover_url,
            price: fields.price.map(Into::into),
            status: fields.status.into(),
        }
    }
}

impl From<ProductInput> for ProductDraft {
    fn from(input: ProductInput) -> Self {
        Self {
            title: input.title,
            subtitle: input.subtitle,
            series: input.series.map(|series| SeriesDraft { name: series.name, position: series.position }),
            authors: input.authors,
            isbn10: input.isbn10,
            isbn13: input.isbn13,
            language: input.language,
            format: input.format.map(Into::into),
            publisher: input.publisher,
            published: input.published,
            pages: input.pages,
            description: input.description,
            genres: input.genres,
            subjects: input.subjects,
            cover_url: input.cover_url,
            price: input.price.map(|price| MoneyDraft { amount: price.amount, currency: price.currency }),
            status: input.status.into(),
        }
    }
}

/// A JSON merge patch (RFC 7396) of a book: what is left out stays, `null` clears, and objects are merged.
#[derive(Clone, Debug, Deserialize, Validate)]
#[garde(allow_unvalidated)]
#[serde(transparent)]
pub struct ProductPatch(Map<String, Value>);

impl ProductPatch {
    /// What the book becomes, before it is checked.
    pub fn apply_to(&self, fields: ProductFields) -> serde_json::Result<Value> {
        let mut document = serde_json::to_value(ProductInput::from(fields))?;
        json_patch::merge(&mut document, &Value::Object(self.0.clone()));
        Ok(document)
    }
}

impl PartialSchema for ProductPatch {
    /// The schema of [`ProductInput`] with nothing required.
    fn schema() -> RefOr<Schema> {
        match ProductInput::schema() {
            RefOr::T(Schema::Object(mut object)) => {
                object.required.clear();
                object.description =
                    Some("A JSON merge patch (RFC 7396): what is left out stays, `null` clears.".into());
                RefOr::T(Schema::Object(object))
            }
            other => other,
        }
    }
}

impl ToSchema for ProductPatch {
    fn name() -> std::borrow::Cow<'static, str> {
        "ProductPatch".into()
    }

    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        ProductInput::schemas(schemas);
    }
}
