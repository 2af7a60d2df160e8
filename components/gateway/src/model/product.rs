//! Products: what the shop sells, and how lists of them are filtered and sorted.

use async_graphql::{Enum, InputObject, SimpleObject};
use mercato_shop::catalog::{self, SortKey};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::convert::{Convert, convert};
use crate::model::scalar::{DateTime, Id, Int};

/// A product that the shop sells.
#[derive(Serialize, JsonSchema, SimpleObject)]
#[graphql(complex)]
#[serde(rename_all = "camelCase")]
pub struct Product {
    #[graphql(name = "_id")]
    #[serde(rename = "_id")]
    pub id: Id,
    name: String,
    /// In minor units (cents) of `currency`.
    price: Int,
    /// ISO 4217.
    currency: String,
    /// The number of units that can be bought now.
    pub quantity: Int<u32>,
    description: Option<String>,
    manufacturer: Option<String>,
    /// The product's id in the feed that it was imported from.
    external_id: Option<String>,
    /// The stock keeping unit. Unique.
    sku: Option<String>,
    /// In grams, packed for shipping.
    weight: Option<Int<u32>>,
    /// The `_id` of the product's category.
    #[graphql(skip)]
    pub category_id: Option<Id>,
    images: Vec<Image>,
    /// Such as material: wool.
    attributes: Vec<Attribute>,
    /// The `_id` of the product that this product is a variant of.
    parent_id: Option<Id>,
    /// The options that distinguish a variant, such as size: M.
    options: Vec<Attribute>,
    /// Increases with each edit of the product. An edit must name it.
    pub version: Int<u64>,
    created_at: DateTime,
    updated_at: DateTime,
    /// When the product was archived. Null while it is for sale.
    pub archived_at: Option<DateTime>,
    #[graphql(skip)]
    #[serde(skip)]
    pub variant_ids: Vec<String>,
}

/// An image of a product.
#[derive(Serialize, JsonSchema, SimpleObject)]
pub struct Image {
    url: String,
    /// A description for screen readers.
    alt: Option<String>,
}

/// An image of a product.
#[derive(Deserialize, JsonSchema, InputObject)]
#[graphql(name = "ImageInput")]
#[serde(deny_unknown_fields)]
pub struct NewImage {
    /// An https or http URL.
    url: String,
    /// A description for screen readers.
    alt: Option<String>,
}

/// A name with a value, such as material: wool.
#[derive(Serialize, Deserialize, JsonSchema, SimpleObject, InputObject)]
#[graphql(input_name = "AttributeInput")]
#[serde(deny_unknown_fields)]
pub struct Attribute {
    name: String,
    value: String,
}

/// A product to create.
#[derive(Deserialize, JsonSchema, InputObject)]
#[graphql(name = "CreateProductInput")]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewProduct {
    name: String,
    /// In minor units (cents).
    price: Int,
    quantity: Int,
    description: Option<String>,
    manufacturer: Option<String>,
    external_id: Option<String>,
    /// ISO 4217. The default is the shop's currency.
    currency: Option<String>,
    /// The low-stock threshold: at this number of units, `mercato.catalog.low-stock` is sent. A negative
    /// number means the shop's threshold.
    low_stock_at: Option<Int>,
    /// The `_id` or the `slug` of a category. An empty string means no category.
    category_id: Option<Id>,
    /// All images. An empty list means none.
    images: Option<Vec<NewImage>>,
    /// All attributes, with unique names. An empty list means none.
    attributes: Option<Vec<Attribute>>,
    /// The stock keeping unit. Must be unique. An empty string means none.
    sku: Option<String>,
    /// In grams, packed for shipping. 0 means none.
    weight: Option<Int>,
}

/// Changes to a product. Unset fields are left unchanged. An empty string removes a value.
#[derive(Deserialize, JsonSchema, InputObject)]
#[graphql(name = "UpdateProductInput")]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ProductChanges {
    name: Option<String>,
    /// In minor units (cents).
    price: Option<Int>,
    description: Option<String>,
    manufacturer: Option<String>,
    currency: Option<String>,
    /// The low-stock threshold: at this number of units, `mercato.catalog.low-stock` is sent. A negative
    /// number means the shop's threshold.
    low_stock_at: Option<Int>,
    /// The `_id` or the `slug` of a category. An empty string means no category.
    category_id: Option<Id>,
    /// All images. An empty list means none.
    images: Option<Vec<NewImage>>,
    /// All attributes, with unique names. An empty list means none.
    attributes: Option<Vec<Attribute>>,
    /// The stock keeping unit. Must be unique. An empty string means none.
    sku: Option<String>,
    /// In grams, packed for shipping. 0 means none.
    weight: Option<Int>,
    /// The version that the change is based on. The header `If-Match` takes precedence.
    #[graphql(skip)]
    pub version: Option<u64>,
}

/// A number of units.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Pieces")]
pub struct Units {
    /// At least 1.
    pub quantity: i64,
    /// The version of the product. The header `If-Match` takes precedence.
    pub version: Option<u64>,
}

/// Which products to list. All conditions must hold.
#[derive(Default, Deserialize, JsonSchema, InputObject)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ProductFilter {
    /// The number of items. The default is 20.
    #[graphql(skip)]
    #[schemars(range(min = 1, max = 100))]
    pub first: Option<u32>,
    /// The `endCursor` of the previous page.
    #[graphql(skip)]
    pub after: Option<String>,
    /// Words in the name, description or manufacturer. The last word can be a prefix.
    search: Option<String>,
    manufacturer: Option<String>,
    /// In minor units, inclusive.
    min_price: Option<Int>,
    /// In minor units, inclusive.
    max_price: Option<Int>,
    /// True lists products with units in stock, false products without.
    in_stock: Option<bool>,
    /// The `_id` or the `slug` of a category. Includes the categories below it.
    category: Option<Id>,
    sku: Option<String>,
    /// True leaves out variants. It also leaves out products that have not been edited since variants were
    /// introduced.
    standalone: Option<bool>,
    /// The sort order. The default is `created`. `-` means descending.
    #[graphql(skip)]
    pub sort: Option<ProductOrder>,
}

/// The sort order of products.
#[derive(Clone, Copy, Default, Deserialize, JsonSchema)]
pub enum ProductOrder {
    #[default]
    #[serde(rename = "created")]
    Created,
    #[serde(rename = "-created")]
    CreatedDescending,
    #[serde(rename = "name")]
    Name,
    #[serde(rename = "-name")]
    NameDescending,
    #[serde(rename = "price")]
    Price,
    #[serde(rename = "-price")]
    PriceDescending,
}

/// The field that products are sorted by.
#[derive(Clone, Copy, Default, PartialEq, Eq, Enum)]
#[graphql(remote = "SortKey")]
pub enum ProductSortKey {
    /// The time of creation.
    #[default]
    Created,
    /// The name.
    Name,
    /// The price.
    Price,
}

/// The sort order of products.
#[derive(Default, InputObject)]
pub struct ProductSort {
    #[graphql(default)]
    key: ProductSortKey,
    #[graphql(default)]
    descending: bool,
}

/// One page of an export.
#[derive(SimpleObject)]
pub struct ProductExport {
    /// The concatenated data of all pages are the export.
    pub data: String,
    /// The cursor of the next page. Null on the last page.
    pub end_cursor: Option<String>,
    pub has_next_page: bool,
}

/// The format of an export.
#[derive(Clone, Copy, PartialEq, Eq, Enum)]
pub enum ExportFormat {
    /// One JSON object per line and product, for `mercato import` and `importProducts`. It has the fields of
    /// `ImportProductInput`, with the price in minor units (cents). It also has `_id`, `sku`, `parentId`,
    /// `options`, `version` and `category`, the path of the category from the root. Fields without a value
    /// are left out. `importProducts` creates no variants.
    Ndjson,
    /// A table for `mercato import`, with the same fields as columns and a header on the first page. Prices
    /// are decimal numbers, lists are JSON, and missing values are empty. Texts are unchanged, even if a
    /// spreadsheet would read them as formulas.
    Csv,
}

convert!(SortKey => ProductSortKey, ProductSortKey => SortKey);
convert!(catalog::Image => Image { url, alt });
convert!(NewImage => catalog::Image { url, alt });
convert!(catalog::Attribute => Attribute { name, value });
convert!(Attribute => catalog::Attribute { name, value });
convert!(catalog::Product => Product {
    id, name, price: price.amount, currency: price.currency, quantity, description, manufacturer, external_id,
    sku, weight, category_id, images, attributes, parent_id, options, version, created_at, updated_at, archived_at,
    variant_ids,
});
convert!(ProductSort => catalog::ProductSort { key, descending });

impl Convert<catalog::NewProduct> for NewProduct {
    fn convert(self) -> catalog::NewProduct {
        catalog::NewProduct {
            name: self.name,
            description: self.description,
            manufacturer: self.manufacturer,
            external_id: self.external_id,
            price: self.price.0,
            currency: self.currency,
            quantity: self.quantity.0,
            details: catalog::ProductDetails {
                low_stock_at: self.low_stock_at.convert(),
                category_id: self.category_id.convert(),
                images: self.images.convert(),
                attributes: self.attributes.convert(),
                sku: self.sku,
                weight: self.weight.convert(),
            },
        }
    }
}

impl Convert<catalog::ProductPatch> for ProductChanges {
    fn convert(self) -> catalog::ProductPatch {
        catalog::ProductPatch {
            name: self.name,
            description: self.description,
            manufacturer: self.manufacturer,
            price: self.price.convert(),
            currency: self.currency,
            details: catalog::ProductDetails {
                low_stock_at: self.low_stock_at.convert(),
                category_id: self.category_id.convert(),
                images: self.images.convert(),
                attributes: self.attributes.convert(),
                sku: self.sku,
                weight: self.weight.convert(),
            },
        }
    }
}

impl Convert<catalog::ProductFilter> for ProductFilter {
    fn convert(self) -> catalog::ProductFilter {
        catalog::ProductFilter {
            search: self.search,
            manufacturer: self.manufacturer,
            min_price: self.min_price.convert(),
            max_price: self.max_price.convert(),
            in_stock: self.in_stock,
            category: self.category.convert(),
            sku: self.sku,
            standalone: self.standalone.unwrap_or(false),
        }
    }
}

impl Convert<catalog::ProductSort> for ProductOrder {
    fn convert(self) -> catalog::ProductSort {
        let (key, descending) = match self {
            Self::Created => (SortKey::Created, false),
            Self::CreatedDescending => (SortKey::Created, true),
            Self::Name => (SortKey::Name, false),
            Self::NameDescending => (SortKey::Name, true),
            Self::Price => (SortKey::Price, false),
            Self::PriceDescending => (SortKey::Price, true),
        };
        catalog::ProductSort { key, descending }
    }
}
