//! The import of products from a feed or from an export.

use async_graphql::{Enum, InputObject, SimpleObject};
use mercato_shop::catalog;
use mercato_shop::types::Error;

use crate::http::error_details::ErrorDetails;
use crate::model::convert::Convert;
use crate::model::product::{Attribute, NewImage};
use crate::model::scalar::{Id, Int};

/// A row of a feed, or a line of the NDJSON that `exportProducts` returns. The price is in minor units
/// (cents).
#[derive(InputObject)]
#[graphql(name = "ImportProductInput")]
pub struct ImportRow {
    /// The product's id in the feed. Rows with the same id are the same product. A row without it is refused.
    external_id: Option<String>,
    name: String,
    description: Option<String>,
    manufacturer: Option<String>,
    price: Int,
    currency: Option<String>,
    /// The first stock of a new product. The stock of an existing product is left unchanged.
    quantity: Int,
    /// The `_id` or the `slug` of a category. If unset, an existing product keeps its category.
    category_id: Option<Id>,
    /// All images. If unset, an existing product keeps its images.
    images: Option<Vec<NewImage>>,
    /// All attributes. If unset, an existing product keeps its attributes.
    attributes: Option<Vec<Attribute>>,
    /// In grams, packed for shipping. If unset, an existing product keeps its weight.
    weight: Option<Int>,
    /// From an export: the path of the category from the root. The `slug` of the last one names the category.
    category: Option<Vec<ImportCategory>>,
    /// From an export, and ignored: `externalId` identifies the product.
    #[graphql(name = "_id")]
    id: Option<Id>,
    /// From an export, and ignored: call `updateProduct` to set it.
    sku: Option<String>,
    /// From an export, and ignored: call `createVariant` to create a variant.
    parent_id: Option<Id>,
    /// From an export, and ignored: call `createVariant` to create a variant.
    options: Option<Vec<Attribute>>,
    /// From an export, and ignored: the row replaces any version.
    version: Option<i32>,
}

/// A category on the path to a product's category.
#[derive(InputObject)]
#[graphql(name = "ImportCategoryInput")]
pub struct ImportCategory {
    slug: String,
    /// Ignored.
    name: Option<String>,
    /// Ignored.
    position: Option<i32>,
}

impl Convert<catalog::NewProduct> for ImportRow {
    fn convert(self) -> catalog::NewProduct {
        let category = self.category.and_then(|mut path| path.pop());
        catalog::NewProduct {
            name: self.name,
            description: self.description,
            manufacturer: self.manufacturer,
            external_id: self.external_id,
            price: self.price.0,
            currency: self.currency,
            quantity: self.quantity.0,
            details: catalog::ProductDetails {
                category_id: category
                    .map(|category| category.slug)
                    .or(self.category_id.convert()),
                images: self.images.convert(),
                attributes: self.attributes.convert(),
                weight: self.weight.convert(),
                ..catalog::ProductDetails::default()
            },
        }
    }
}

/// The outcomes of an import: one for each row, in the order of the rows.
#[derive(SimpleObject)]
#[graphql(name = "ImportProductsResult")]
pub struct ImportResult {
    outcomes: Vec<ImportOutcome>,
}

/// The outcome of one row.
#[derive(SimpleObject)]
pub struct ImportOutcome {
    outcome: ImportOutcomeKind,
    /// Why the row was refused, as a stable code.
    code: Option<&'static str>,
    /// The field that is invalid.
    field: Option<String>,
    /// Why the row was refused, for people.
    message: Option<String>,
}

/// What an import did with a row.
#[derive(Clone, Copy, PartialEq, Eq, Enum)]
pub enum ImportOutcomeKind {
    /// It created a product.
    Created,
    /// It updated a product.
    Updated,
    /// The product already had these values.
    Unchanged,
    /// It refused the row: see `code`, `field` and `message`.
    Refused,
}

type RowResult = Result<catalog::ImportOutcome, Error>;

impl Convert<ImportOutcome> for RowResult {
    fn convert(self) -> ImportOutcome {
        let outcome = match self {
            Ok(catalog::ImportOutcome::Created) => ImportOutcomeKind::Created,
            Ok(catalog::ImportOutcome::Updated) => ImportOutcomeKind::Updated,
            Ok(catalog::ImportOutcome::Unchanged) => ImportOutcomeKind::Unchanged,
            Err(_) => ImportOutcomeKind::Refused,
        };
        let refused = self.err().map(ErrorDetails::from);
        let (code, field, message) = match refused {
            Some(error) => (Some(error.code), error.field, Some(error.message)),
            None => (None, None, None),
        };
        ImportOutcome {
            outcome,
            code,
            field,
            message,
        }
    }
}

impl Convert<ImportResult> for Vec<RowResult> {
    fn convert(self) -> ImportResult {
        ImportResult {
            outcomes: self.convert(),
        }
    }
}
