//! The import of products from a feed or from an export.

use async_graphql::{Enum, InputObject, SimpleObject};
use mercato_shop::catalog::{self, StockPolicy};
use mercato_shop::types::Error;

use crate::http::error_details::ErrorDetails;
use crate::model::convert::Convert;
use crate::model::product::{Attribute, NewImage};
use crate::model::scalar::{Amount, Id, Int};

/// A row of a feed, or a line of the NDJSON that `exportProducts` returns. If a field is unset or null, a
/// known product keeps its value. An empty string, an empty list or 0 removes the value.
#[derive(InputObject)]
#[graphql(name = "ImportProductInput")]
pub struct ImportRow {
    /// The product's id in the feed. Rows with the same id are the same product. A row without it is refused.
    external_id: Option<String>,
    /// 1 to 500 characters. A new product needs a name.
    name: Option<String>,
    /// At most 65,536 characters. It may have several lines.
    description: Option<String>,
    /// The manufacturer or the brand, at most 200 characters.
    manufacturer: Option<String>,
    /// In minor units (cents). A new product needs `price` or `priceAmount`. Set at most one of them.
    price: Option<Int>,
    /// In minor units (cents), in place of `price`.
    price_amount: Option<Amount>,
    /// The price before a sale, in minor units (cents). Must be greater than the price.
    compare_at_price: Option<Amount>,
    /// ISO 4217. The default for a new product is the shop's currency.
    currency: Option<String>,
    /// The first stock of a new product. The default is 0. The argument `stock` decides about known products.
    quantity: Option<Int>,
    /// The stock keeping unit, at most 100 characters. Must be unique.
    sku: Option<String>,
    /// The name in URLs. Must be unique. By default, the slug of a new product is made from the name.
    slug: Option<String>,
    /// In grams, packed for shipping.
    weight: Option<Int>,
    /// The low-stock threshold: at this number of units, `mercato.catalog.low-stock` is sent. A negative
    /// number means the shop's threshold.
    low_stock_at: Option<Int>,
    /// The `_id` or the `slug` of a category. If no category has it, `categoryPath` decides.
    category_id: Option<Id>,
    /// The names of the categories from the root to the product's own one. Missing categories are created. Case
    /// does not matter.
    category_path: Option<Vec<String>>,
    /// From an export: the path of the category from the root, in place of `categoryId` and `categoryPath`.
    category: Option<Vec<ImportCategory>>,
    /// All images.
    images: Option<Vec<NewImage>>,
    /// All attributes, with unique names.
    attributes: Option<Vec<Attribute>>,
    /// The `externalId` of the product of which this row is a variant. It must be in the shop, or in an earlier
    /// row. A product with variants cannot become a variant.
    parent_external_id: Option<String>,
    /// The options that distinguish a variant, such as size: M. A new variant needs them.
    options: Option<Vec<Attribute>>,
    /// From an export, and ignored: `externalId` identifies the product.
    #[graphql(name = "_id")]
    id: Option<Id>,
    /// From an export, and ignored: `parentExternalId` identifies the parent.
    parent_id: Option<Id>,
    /// From an export, and ignored: the row replaces any version.
    version: Option<i32>,
}

/// A category on the path to a product's category.
#[derive(InputObject)]
#[graphql(name = "ImportCategoryInput")]
pub struct ImportCategory {
    /// The `slug`. If no category has the last slug of the path, the names of the path decide.
    slug: String,
    /// The name.
    name: Option<String>,
    /// Ignored.
    position: Option<i32>,
}

/// What an import does with the stock of known products.
#[derive(Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "StockPolicy")]
pub enum ImportStock {
    /// Leaves it unchanged, so that an import does not undo sales.
    Keep,
    /// Sets the units on hand to `quantity`, as counted. A row without `quantity` leaves them unchanged.
    Set,
}

impl TryFrom<ImportRow> for catalog::ImportRow {
    type Error = Error;

    fn try_from(row: ImportRow) -> Result<Self, Error> {
        let exported = row.category.filter(|path| !path.is_empty());
        let slug = exported.as_ref().and_then(|path| Some(path.last()?.slug.clone()));
        let names = exported.and_then(|path| path.into_iter().map(|category| category.name).collect());
        Ok(Self {
            external_id: row.external_id,
            fields: catalog::ProductPatch {
                name: row.name,
                description: row.description,
                manufacturer: row.manufacturer,
                price: Amount::of_input("price", row.price, row.price_amount)?,
                currency: row.currency,
                quantity: row.quantity.convert(),
                details: catalog::ProductDetails {
                    low_stock_at: row.low_stock_at.convert(),
                    category_id: slug.or(row.category_id.convert()),
                    images: row.images.convert(),
                    attributes: row.attributes.convert(),
                    sku: row.sku,
                    weight: row.weight.convert(),
                    compare_at_price: row.compare_at_price.convert(),
                    slug: row.slug,
                },
            },
            category_path: names.or(row.category_path),
            parent_external_id: row.parent_external_id,
            options: row.options.convert(),
        })
    }
}

/// The outcomes of an import: one for each row, in the order of the rows.
#[derive(SimpleObject)]
#[graphql(name = "ImportProductsResult")]
pub struct ImportResult {
    /// The outcomes, in the order of the rows.
    outcomes: Vec<ImportOutcome>,
}

/// The outcome of one row.
#[derive(SimpleObject)]
pub struct ImportOutcome {
    /// What the import did with the row.
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
