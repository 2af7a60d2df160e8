//! The product as it is stored: the aggregate that stock and edits change.

use mercato_shop::catalog::{Attribute, Image, Product, Stock};
use mercato_shop::collection::{Collection, Stored};
use mercato_shop::types::Money;
use serde::{Deserialize, Serialize};

/// All products that are sold, by id.
pub const PRODUCTS: Collection<ProductBody> = Collection::new("catalog.products");

/// The products that are no longer sold, by the ids that they have always had. A product is in one of the two.
pub const ARCHIVED: Collection<ProductBody> = Collection::new("catalog.archived-products");

/// The claims of SKUs: inserted in the commit that gives one to a product, deleted in that which takes it away.
pub const SKUS: Collection<SkuClaim> = Collection::new("catalog.skus");

/// The claims of external ids: inserted in the commit that makes the product.
pub const EXTERNAL_IDS: Collection<ExternalIdClaim> = Collection::new("catalog.external-ids");

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ProductBody {
    pub name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub manufacturer: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external_id: Option<String>,
    pub price: i64,
    pub currency: String,
    pub received: i64,
    pub on_hand: i64,
    pub reserved: i64,
    pub sold: i64,
    #[serde(default)]
    pub written_off: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub low_stock_at: Option<i64>,
    /// How often it has turned between enough and too little on hand: see `low_stock`.
    #[serde(default)]
    pub low_turns: i64,
    /// Counts edits. The document's own version counts the movements of stock, too, and is nothing for an editor.
    pub revision: u64,
    pub created_at: u64,
    pub updated_at: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub category_id: Option<String>,
    /// Where the category is in the tree: see [`crate::category::Tree::path`]. None while the product is archived.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub category_path: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub images: Vec<Picture>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attributes: Vec<Named>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sku: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent_id: Option<String>,
    /// 1 where it is no variant; none for a variant, and for a product that was not edited since there are variants.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub standalone: Option<i64>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub options: Vec<Named>,
    /// Of its variants that are sold.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub variant_ids: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub archived_at: Option<u64>,
}

/// A name with a value: an attribute, or an option of a variant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Named {
    pub name: String,
    pub value: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Picture {
    pub url: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alt: Option<String>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SkuClaim {
    pub product_id: String,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ExternalIdClaim {
    pub product_id: String,
}

impl ProductBody {
    /// Where its pieces are.
    pub const fn stock(&self) -> Stock {
        Stock {
            received: self.received,
            on_hand: self.on_hand,
            reserved: self.reserved,
            sold: self.sold,
            written_off: self.written_off,
            low_stock_at: self.low_stock_at,
        }
    }

    /// How many can be bought now.
    pub fn available(&self) -> u32 {
        u32::try_from(self.on_hand.max(0)).unwrap_or(u32::MAX)
    }
}

/// What is told of a product.
pub fn to_product(stored: Stored<ProductBody>) -> Product {
    let body = stored.body;
    Product {
        id: stored.id,
        quantity: body.available(),
        name: body.name,
        description: body.description,
        manufacturer: body.manufacturer,
        external_id: body.external_id,
        price: Money {
            amount: body.price,
            currency: body.currency,
        },
        version: body.revision,
        created_at: body.created_at,
        updated_at: body.updated_at,
        archived_at: body.archived_at,
        category_id: body.category_id,
        images: body
            .images
            .into_iter()
            .map(|image| Image {
                url: image.url,
                alt: image.alt,
            })
            .collect(),
        attributes: body.attributes.into_iter().map(to_attribute).collect(),
        sku: body.sku,
        parent_id: body.parent_id,
        options: body.options.into_iter().map(to_attribute).collect(),
        variant_ids: body.variant_ids,
    }
}

fn to_attribute(named: Named) -> Attribute {
    Attribute {
        name: named.name,
        value: named.value,
    }
}
