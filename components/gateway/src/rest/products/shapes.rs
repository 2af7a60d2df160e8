//! The shapes of JSON that tell of products.

use mercato_shop::catalog::{NewProduct as New, Product as Found, ProductDetails, ProductPatch};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::details::{Attribute, Image, NewImage, all};
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
    /// The number by which the shop keeps it; no two products have the same.
    pub sku: Option<String>,
    /// The `_id` of its category.
    pub category_id: Option<String>,
    pub images: Vec<Image>,
    /// Such as material: wool.
    pub attributes: Vec<Attribute>,
    /// The `_id` of the product that it is a variant of.
    pub parent_id: Option<String>,
    /// What makes it this variant, such as size: M.
    pub options: Vec<Attribute>,
    /// Counts the edits of the product.
    pub version: u64,
    pub created_at: DateTime,
    pub updated_at: DateTime,
    /// Since when it is no longer sold; null where it is sold.
    pub archived_at: Option<DateTime>,
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
            sku: product.sku,
            category_id: product.category_id,
            images: all(product.images),
            attributes: all(product.attributes),
            parent_id: product.parent_id,
            options: all(product.options),
            version: product.version,
            created_at: DateTime(product.created_at),
            updated_at: DateTime(product.updated_at),
            archived_at: product.archived_at.map(DateTime),
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
    /// The event `mercato.catalog.low-stock` tells when so few are on hand; negative for the shop's own threshold.
    pub low_stock_at: Option<i64>,
    /// The `_id` or the `slug` of a category; an empty text for none.
    pub category_id: Option<String>,
    /// All images; an empty list for none.
    pub images: Option<Vec<NewImage>>,
    /// All attributes, each name once; an empty list for none.
    pub attributes: Option<Vec<Attribute>>,
    /// No two products have the same; an empty text for none.
    pub sku: Option<String>,
}

impl From<NewProduct> for New {
    fn from(input: NewProduct) -> Self {
        Self {
            name: input.name,
            description: input.description,
            manufacturer: input.manufacturer,
            external_id: input.external_id,
            price: input.price,
            currency: input.currency,
            quantity: input.quantity,
            details: ProductDetails {
                low_stock_at: input.low_stock_at,
                category_id: input.category_id,
                images: input.images.map(all),
                attributes: input.attributes.map(all),
                sku: input.sku,
            },
        }
    }
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
    /// The event `mercato.catalog.low-stock` tells when so few are on hand; negative for the shop's own threshold.
    pub low_stock_at: Option<i64>,
    /// The `_id` or the `slug` of a category; an empty text for none.
    pub category_id: Option<String>,
    /// All images; an empty list for none.
    pub images: Option<Vec<NewImage>>,
    /// All attributes, each name once; an empty list for none.
    pub attributes: Option<Vec<Attribute>>,
    /// No two products have the same; an empty text for none.
    pub sku: Option<String>,
    /// The version that the edit was made of, where `If-Match` does not tell it.
    pub version: Option<u64>,
}

impl From<ProductChanges> for ProductPatch {
    fn from(changes: ProductChanges) -> Self {
        Self {
            name: changes.name,
            description: changes.description,
            manufacturer: changes.manufacturer,
            price: changes.price,
            currency: changes.currency,
            details: ProductDetails {
                low_stock_at: changes.low_stock_at,
                category_id: changes.category_id,
                images: changes.images.map(all),
                attributes: changes.attributes.map(all),
                sku: changes.sku,
            },
        }
    }
}

/// So many pieces.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Pieces {
    /// At least 1.
    pub quantity: i64,
    /// The version of the product that is meant, where `If-Match` does not tell it.
    pub version: Option<u64>,
}
