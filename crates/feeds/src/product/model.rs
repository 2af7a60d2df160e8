//! Products as the API of the shop takes them.

use serde::{Deserialize, Serialize};

/// A product as input of the mutation `importProducts`. What is not set stays unchanged.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Product {
    /// The id of the product in the feed.
    pub external_id: String,
    /// The name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) description: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) manufacturer: Option<String>,
    /// The price in minor units.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub price_amount: Option<i64>,
    /// The price before a sale. 0 removes it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub compare_at_price: Option<i64>,
    /// The currency, if the feed or the user names one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub currency: Option<&'static str>,
    /// The stock.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quantity: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) sku: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) slug: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) category_path: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) images: Option<Vec<Image>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) attributes: Option<Vec<Attribute>>,
    /// In grams. 0 removes it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) weight: Option<u32>,
    /// The external id of the product of which this is a variant.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parent_external_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) options: Option<Vec<Attribute>>,
    /// What was assumed about the product, and what is left out.
    #[serde(skip)]
    pub notes: Vec<Note>,
}

impl Product {
    /// Returns whether the feed has its stock.
    pub fn has_stock(&self) -> bool {
        let is_assumed = |note: &Note| matches!(note, Note::InStockWithoutNumber | Note::NoStock);
        self.quantity.is_some() && !self.notes.iter().any(is_assumed)
    }
}

/// What an import assumes about a product, or leaves out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Note {
    /// The feed says that it is in stock, but not how many units.
    InStockWithoutNumber,
    /// The feed says nothing about its stock.
    NoStock,
    /// Its stock is negative, because it was oversold.
    NegativeStock,
    /// It has more images than a shop can have.
    FurtherImages,
    /// An attribute is longer than a shop allows.
    LongAttribute,
}

/// An image of a product.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Image {
    /// The URL.
    pub url: String,
    /// The description for screen readers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alt: Option<String>,
}

/// An attribute or an option.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attribute {
    /// The name.
    pub name: String,
    /// The value.
    pub value: String,
}

impl Attribute {
    /// Creates an attribute.
    pub fn new(name: &str, value: &str) -> Self {
        Self {
            name: name.trim().to_owned(),
            value: value.trim().to_owned(),
        }
    }
}
