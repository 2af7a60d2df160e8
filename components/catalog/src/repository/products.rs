//! Products as they are stored, sold or archived.

use mercato_shop::catalog::{Attribute, Image, Product, ProductEdge, ProductPage, Stock};
use mercato_shop::collection::{Collection, Stored};
use mercato_shop::ports::Ports;
use mercato_shop::query::Edges;
use mercato_shop::types::{Error, Money};
use serde::{Deserialize, Serialize};

/// The products that are sold, by id.
pub const PRODUCTS: Collection<ProductBody> = Collection::new("catalog.products");

/// The archived products, by the same ids. A product is in exactly one of the two collections.
pub const ARCHIVED_PRODUCTS: Collection<ProductBody> = Collection::new("catalog.archived-products");

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ProductBody {
    pub name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub manufacturer: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external_id: Option<String>,
    /// Unset for products that were stored before slugs existed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slug: Option<String>,
    /// In minor units.
    pub price: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub compare_at_price: Option<i64>,
    pub currency: String,
    pub received: i64,
    pub on_hand: i64,
    pub reserved: i64,
    pub sold: i64,
    #[serde(default)]
    pub written_off: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub low_stock_at: Option<i64>,
    /// How often the low-stock alert was raised or cleared. An odd number means that it is raised.
    #[serde(default, rename = "lowTurns")]
    pub alert_changes: i64,
    /// Counts edits: the version that clients see. The document's own version also counts stock movements.
    pub revision: u64,
    pub created_at: u64,
    pub updated_at: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub category_id: Option<String>,
    /// The path of the category in the tree. Unset while the product is archived.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub category_path: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub images: Vec<ImageBody>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attributes: Vec<NameValue>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sku: Option<String>,
    /// In grams.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weight: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent_id: Option<String>,
    /// 1 for a product that is not a variant. Unset for variants, and for products last edited before
    /// variants existed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub standalone: Option<i64>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub options: Vec<NameValue>,
    /// The variants that are sold.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub variant_ids: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub archived_at: Option<u64>,
    /// Sorts names as the Unicode collation does. This field and the next two are made of the others. Archived
    /// products lack them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name_key: Option<String>,
    /// The tokens of the name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name_words: Option<String>,
    /// The tokens of the other searched fields.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub other_words: Option<String>,
}

/// An attribute of a product, or an option of a variant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NameValue {
    pub name: String,
    pub value: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImageBody {
    pub url: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alt: Option<String>,
}

impl ProductBody {
    /// Returns how many units are in each state.
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
}

/// Returns a product that is sold.
///
/// # Errors
/// [`Error::NotFound`] if there is no such product, or if it is archived.
pub fn find_product(ports: &impl Ports, id: &str) -> Result<Stored<ProductBody>, Error> {
    PRODUCTS.get(ports, id)?.ok_or_else(|| product_not_found(id))
}

/// Returns the products with these ids, sold or archived, in the order of the ids.
///
/// The third read finds a product that was restored between the first two.
pub fn get_many_including_archived(
    ports: &impl Ports,
    ids: &[String],
) -> Result<Vec<Option<Stored<ProductBody>>>, Error> {
    let mut products = PRODUCTS.get_many(ports, ids)?;
    for collection in [ARCHIVED_PRODUCTS, PRODUCTS] {
        let (missing, slots): (Vec<_>, Vec<_>) = ids
            .iter()
            .zip(&mut products)
            .filter(|(_, product)| product.is_none())
            .map(|(id, slot)| (id.clone(), slot))
            .unzip();
        for (slot, found) in slots.into_iter().zip(collection.get_many(ports, &missing)?) {
            *slot = found;
        }
    }
    Ok(products)
}

/// The error for a product that does not exist or is archived.
pub fn product_not_found(id: &str) -> Error {
    Error::NotFound(format!("There is no product {id}."))
}

/// Converts the units on hand for clients.
pub fn units_on_sale(on_hand: i64) -> u32 {
    u32::try_from(on_hand.max(0)).unwrap_or(u32::MAX)
}

/// Converts a page of stored products for clients.
pub fn to_page(found: Edges<ProductBody>) -> ProductPage {
    ProductPage {
        has_next: found.has_next,
        has_previous: found.has_previous,
        total: found.total,
        edges: found.map(|cursor, stored| ProductEdge {
            cursor,
            product: to_product(stored),
        }),
    }
}

/// Converts a stored product for clients.
pub fn to_product(stored: Stored<ProductBody>) -> Product {
    let body = stored.body;
    let to_image = |image: ImageBody| Image {
        url: image.url,
        alt: image.alt,
    };
    let to_attribute = |attribute: NameValue| Attribute {
        name: attribute.name,
        value: attribute.value,
    };
    Product {
        slug: body.slug.unwrap_or_else(|| stored.id.clone()),
        id: stored.id,
        quantity: units_on_sale(body.on_hand),
        name: body.name,
        description: body.description,
        manufacturer: body.manufacturer,
        external_id: body.external_id,
        price: Money {
            amount: body.price,
            currency: body.currency,
        },
        compare_at_price: body.compare_at_price,
        version: body.revision,
        created_at: body.created_at,
        updated_at: body.updated_at,
        archived_at: body.archived_at,
        category_id: body.category_id,
        images: body.images.into_iter().map(to_image).collect(),
        attributes: body.attributes.into_iter().map(to_attribute).collect(),
        sku: body.sku,
        weight: body.weight.and_then(|grams| u32::try_from(grams).ok()),
        parent_id: body.parent_id,
        options: body.options.into_iter().map(to_attribute).collect(),
        variant_ids: body.variant_ids,
    }
}
