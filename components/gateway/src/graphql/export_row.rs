//! The rows of an export.

use std::collections::BTreeMap;

use mercato_shop::catalog;
use serde::Serialize;

use crate::model::category;

/// What the rows of products need beside the products.
#[derive(Default)]
pub struct Related {
    /// The external ids of parents, by their ids.
    parents: BTreeMap<String, String>,
    /// All categories, each before those below it.
    categories: Vec<catalog::Category>,
}

impl Related {
    /// Returns the parents of variants, and all categories, each before those below it.
    pub fn new(parents: impl Iterator<Item = catalog::Product>, categories: Vec<catalog::Category>) -> Self {
        Self {
            parents: parents
                .filter_map(|parent| Some((parent.id, parent.external_id?)))
                .collect(),
            categories,
        }
    }
}

/// A product in an export.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Row<'a> {
    #[serde(rename = "_id")]
    pub id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub external_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sku: Option<&'a str>,
    pub name: &'a str,
    pub slug: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub manufacturer: Option<&'a str>,
    pub price: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub compare_at_price: Option<i64>,
    pub currency: &'a str,
    pub quantity: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub category_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub category: Vec<CategoryRow<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub images: Vec<ImageRow<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub attributes: Vec<AttributeRow<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub weight: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parent_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parent_external_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub options: Vec<AttributeRow<'a>>,
    pub version: u64,
}

/// A category, with all that another shop needs to create it.
#[derive(Serialize)]
pub struct CategoryRow<'a> {
    slug: &'a str,
    pub name: &'a str,
    position: u32,
}

/// An image in an export.
#[derive(Serialize)]
pub struct ImageRow<'a> {
    url: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    alt: Option<&'a str>,
}

/// An attribute or an option in an export.
#[derive(Serialize)]
pub struct AttributeRow<'a> {
    name: &'a str,
    value: &'a str,
}

impl<'a> Row<'a> {
    /// Returns the row of a product.
    pub fn new(product: &'a catalog::Product, related: &'a Related) -> Self {
        let attributes = |attributes: &'a [catalog::Attribute]| {
            let row = |attribute: &'a catalog::Attribute| AttributeRow {
                name: &attribute.name,
                value: &attribute.value,
            };
            attributes.iter().map(row).collect()
        };
        let image = |image: &'a catalog::Image| ImageRow {
            url: &image.url,
            alt: image.alt.as_deref(),
        };
        let category = |category: &'a catalog::Category| CategoryRow {
            slug: &category.slug,
            name: &category.name,
            position: category.position,
        };
        let parent = product.parent_id.as_ref().and_then(|id| related.parents.get(id));
        let path = category::path(&related.categories, product.category_id.as_deref());
        Self {
            id: &product.id,
            external_id: product.external_id.as_deref(),
            sku: product.sku.as_deref(),
            name: &product.name,
            slug: &product.slug,
            description: product.description.as_deref(),
            manufacturer: product.manufacturer.as_deref(),
            price: product.price.amount,
            compare_at_price: product.compare_at_price,
            currency: &product.price.currency,
            quantity: product.quantity,
            category_id: product.category_id.as_deref(),
            category: path.into_iter().map(category).collect(),
            images: product.images.iter().map(image).collect(),
            attributes: attributes(&product.attributes),
            weight: product.weight,
            parent_id: product.parent_id.as_deref(),
            parent_external_id: parent.map(String::as_str),
            options: attributes(&product.options),
            version: product.version,
        }
    }
}
