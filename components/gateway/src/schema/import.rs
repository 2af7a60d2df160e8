//! The import of products from a feed.

use async_graphql::{Enum, ID, InputObject, SimpleObject};
use mercato_shop::catalog::{ImportOutcome as Outcome, NewProduct, ProductDetails};
use mercato_shop::types::Error;

use crate::errors;
use crate::schema::product::details::{AttributeInput, ImageInput, all};

/// A product as a feed has it, or as a line of JSON of `exportProducts` does. Price in minor units (cents).
#[derive(InputObject)]
pub struct ImportProductInput {
    /// The id by which the feed knows the product: the same id is the same product. A row without one is refused.
    external_id: Option<String>,
    name: String,
    description: Option<String>,
    manufacturer: Option<String>,
    price: i32,
    currency: Option<String>,
    /// What is received when the product is created; a known product's stock stays as it is.
    quantity: i32,
    /// The `_id` or the `slug` of a category; a known product stays where it is without one.
    category_id: Option<ID>,
    /// All images; a known product keeps its own without any.
    images: Option<Vec<ImageInput>>,
    /// All attributes; a known product keeps its own without any.
    attributes: Option<Vec<AttributeInput>>,
    /// Of an export: the path of the category from the root. The last one's `slug` says the category, in any shop that has it.
    category: Option<Vec<ImportCategoryInput>>,
    /// Of an export, and not read: a product is known by its `externalId`.
    #[graphql(name = "_id")]
    id: Option<ID>,
    /// Of an export, and not read: a known product keeps its own, a new one has none until `updateProduct` gives it one.
    sku: Option<String>,
    /// Of an export, and not read: a known product keeps its own, a new one is no variant; `createVariant` makes those.
    parent_id: Option<ID>,
    /// Of an export, and not read: as `parentId`.
    options: Option<Vec<AttributeInput>>,
    /// Of an export, and not read: a known product becomes what the row says whatever its version.
    version: Option<i32>,
}

/// A category of the path to a product's, as an export tells it.
#[derive(InputObject)]
pub struct ImportCategoryInput {
    slug: String,
    /// Not read.
    name: Option<String>,
    /// Not read.
    position: Option<i32>,
}

impl From<ImportProductInput> for NewProduct {
    fn from(input: ImportProductInput) -> Self {
        let category = input.category.and_then(|mut path| path.pop());
        let category_id = category.map(|category| category.slug);
        Self {
            name: input.name,
            description: input.description,
            manufacturer: input.manufacturer,
            external_id: input.external_id,
            price: i64::from(input.price),
            currency: input.currency,
            quantity: i64::from(input.quantity),
            details: ProductDetails {
                category_id: category_id.or(input.category_id.map(|id| id.0)),
                images: input.images.map(all),
                attributes: input.attributes.map(all),
                ..ProductDetails::default()
            },
        }
    }
}

/// What became of an import; one outcome a row, in the rows' order.
#[derive(SimpleObject)]
pub struct ImportProductsResult {
    pub outcomes: Vec<ImportOutcome>,
}

/// What became of one row.
#[derive(SimpleObject)]
pub struct ImportOutcome {
    outcome: ImportOutcomeKind,
    /// Why it was refused, as a stable code.
    code: Option<&'static str>,
    /// The field that it was refused for.
    field: Option<String>,
    /// Why it was refused, for a person.
    message: Option<String>,
}

/// What can become of a row.
#[derive(Clone, Copy, PartialEq, Eq, Enum)]
pub enum ImportOutcomeKind {
    /// A new product.
    Created,
    /// A known product that is as the feed says now.
    Updated,
    /// A known product that was so already.
    Unchanged,
    /// Nothing: see `code`, `field` and `message`.
    Refused,
}

impl From<Result<Outcome, Error>> for ImportOutcome {
    fn from(outcome: Result<Outcome, Error>) -> Self {
        let kind = match outcome {
            Ok(Outcome::Created) => ImportOutcomeKind::Created,
            Ok(Outcome::Updated) => ImportOutcomeKind::Updated,
            Ok(Outcome::Unchanged) => ImportOutcomeKind::Unchanged,
            Err(error) => {
                let (code, field, message) = errors::parts(error);
                return Self {
                    outcome: ImportOutcomeKind::Refused,
                    code: Some(code),
                    field,
                    message: Some(message),
                };
            }
        };
        Self {
            outcome: kind,
            code: None,
            field: None,
            message: None,
        }
    }
}
