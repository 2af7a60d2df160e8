//! The shapes of JSON that tell of products.

use mercato_common::catalog::{Product as Found, ProductSort, SortKey};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::schema::datetime::DateTime;

/// Something that the shop sells.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Product {
    #[serde(rename = "_id")]
    pub id: String,
    pub name: String,
    /// In minor units (cents) of `currency`.
    pub price: i64,
    /// ISO 4217.
    pub currency: String,
    /// How many can be bought now.
    pub quantity: u32,
    pub description: Option<String>,
    pub manufacturer: Option<String>,
    /// The id by which the feed that the product was imported from knows it.
    pub external_id: Option<String>,
    /// Counts the edits of the product.
    pub version: u64,
    pub created_at: DateTime,
    pub updated_at: DateTime,
}

impl From<Found> for Product {
    fn from(product: Found) -> Self {
        Self {
            id: product.id,
            name: product.name,
            price: product.price.amount,
            currency: product.price.currency,
            quantity: product.quantity,
            description: product.description,
            manufacturer: product.manufacturer,
            external_id: product.external_id,
            version: product.version,
            created_at: DateTime(product.created_at),
            updated_at: DateTime(product.updated_at),
        }
    }
}

/// A product to be added.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewProduct {
    pub name: String,
    /// In minor units (cents).
    pub price: i64,
    pub quantity: i64,
    pub description: Option<String>,
    pub manufacturer: Option<String>,
    pub external_id: Option<String>,
    /// ISO 4217; the shop's own where there is none.
    pub currency: Option<String>,
}

/// What to change of a product; what is left out stays as it is, and an empty text takes away what was there.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ProductChanges {
    pub name: Option<String>,
    /// In minor units (cents).
    pub price: Option<i64>,
    pub description: Option<String>,
    pub manufacturer: Option<String>,
    pub currency: Option<String>,
    /// The version that the edit was made of, where `If-Match` does not tell it.
    pub version: Option<u64>,
}

/// So many pieces.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Pieces {
    /// At least 1.
    pub quantity: i64,
}

/// Which products, and in which order.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ProductsWanted {
    /// How many, 1 to 100; 20 where it is left out.
    pub first: Option<u32>,
    /// The `endCursor` of the page before.
    pub after: Option<String>,
    /// Words to be found in name, description or manufacturer; the last may be a beginning.
    pub search: Option<String>,
    pub manufacturer: Option<String>,
    /// In minor units, inclusive.
    pub min_price: Option<i64>,
    /// In minor units, inclusive.
    pub max_price: Option<i64>,
    pub in_stock: Option<bool>,
    /// `created` where it is left out; `-` goes downwards.
    pub sort: Option<ProductOrder>,
}

/// The order of products.
#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema)]
pub enum ProductOrder {
    #[default]
    #[serde(rename = "created")]
    Created,
    #[serde(rename = "-created")]
    CreatedDown,
    #[serde(rename = "name")]
    Name,
    #[serde(rename = "-name")]
    NameDown,
    #[serde(rename = "price")]
    Price,
    #[serde(rename = "-price")]
    PriceDown,
}

impl From<ProductOrder> for ProductSort {
    fn from(order: ProductOrder) -> Self {
        let (key, descending) = match order {
            ProductOrder::Created => (SortKey::Created, false),
            ProductOrder::CreatedDown => (SortKey::Created, true),
            ProductOrder::Name => (SortKey::Name, false),
            ProductOrder::NameDown => (SortKey::Name, true),
            ProductOrder::Price => (SortKey::Price, false),
            ProductOrder::PriceDown => (SortKey::Price, true),
        };
        Self { key, descending }
    }
}
