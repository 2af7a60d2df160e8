//! Products: what the shop sells, and how lists of them are filtered and sorted.

use async_graphql::{Enum, InputObject, SimpleObject};
use mercato_shop::catalog::{self, SortKey};
use mercato_shop::types::Error;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::model::convert::{Convert, convert};
use crate::model::entity_id::EntityId;
use crate::model::long_text::LongText;
use crate::model::scalar::{Amount, DateTime, Id, Int, IntAmount};

/// The default of `CreateProductInput.price`. It means that `priceAmount` is set.
const NO_PRICE: Int = Int(-1);

/// A product that the shop sells.
#[derive(Serialize, JsonSchema, SimpleObject)]
#[graphql(complex)]
#[serde(rename_all = "camelCase")]
pub struct Product {
    #[graphql(flatten)]
    #[serde(flatten)]
    pub id: EntityId,
    /// The name, as customers see it.
    name: String,
    /// The name in URLs. It is unique among all products.
    slug: String,
    /// The price that a customer pays, in minor units (cents) of `currency`.
    #[graphql(derived(name = "price_amount", into = "Amount", owned = true))]
    price: IntAmount,
    /// The price before a sale, in minor units (cents) of `currency`. It is greater than the price. Null if
    /// there is no sale.
    compare_at_price: Option<Amount>,
    /// The currency of the prices, in ISO 4217.
    currency: String,
    /// The number of units that can be bought now.
    #[graphql(skip)]
    pub quantity: Int<u32>,
    /// The description. It may have several lines.
    #[schemars(with = "Option<String>")]
    description: Option<LongText>,
    /// The manufacturer or the brand.
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
    /// The images, the main one first.
    images: Vec<Image>,
    /// The attributes, such as material: wool.
    attributes: Vec<Attribute>,
    /// The `_id` of the product that this product is a variant of.
    pub parent_id: Option<Id>,
    /// The options that distinguish a variant, such as size: M.
    options: Vec<Attribute>,
    /// Increases with each edit of the product. An edit must name it.
    pub version: Int<u64>,
    /// When the product was created.
    created_at: DateTime,
    /// When the product was last edited.
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
    /// An https or http URL.
    #[schemars(with = "String")]
    url: LongText,
    /// A description for screen readers.
    alt: Option<String>,
}

/// An image to show for a product.
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
    /// The name, such as material.
    name: String,
    /// The value, such as wool.
    value: String,
}

/// A product to create.
#[derive(Deserialize, JsonSchema, InputObject)]
#[graphql(name = "CreateProductInput")]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(example = json!({
    "name": "Wool sock", "price": 1250, "compareAtPrice": 1500, "currency": "EUR", "quantity": 50, "sku": "SOCK-M",
    "images": [{ "url": "https://cdn.example/sock.jpg", "alt": "A grey sock" }],
    "attributes": [{ "name": "material", "value": "wool" }],
}))]
pub struct NewProduct {
    /// 1 to 500 characters.
    name: String,
    /// In minor units (cents). GraphQL also takes `priceAmount`: set one of them.
    #[graphql(default_with = "NO_PRICE")]
    #[schemars(range(min = 0, max = 9_007_199_254_740_991_i64))]
    price: Int,
    /// In minor units (cents), in place of `price`.
    #[serde(skip)]
    price_amount: Option<Amount>,
    /// The price before a sale, in minor units (cents). Must be greater than the price. 0 means none.
    #[schemars(range(min = 0, max = 9_007_199_254_740_991_i64))]
    compare_at_price: Option<Amount>,
    /// The number of units that can be bought at first.
    #[schemars(range(min = 0, max = 2_147_483_647))]
    quantity: Int,
    /// At most 65,536 characters. It may have several lines.
    description: Option<String>,
    /// The manufacturer or the brand, at most 200 characters.
    manufacturer: Option<String>,
    /// The product's id in a feed, at most 500 characters. Must be unique.
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
    /// The stock keeping unit, at most 100 characters. Must be unique. An empty string means none.
    sku: Option<String>,
    /// In grams, packed for shipping. 0 means none.
    #[schemars(range(min = 0, max = 2_147_483_647))]
    weight: Option<Int>,
    /// The name in URLs. Must be unique. By default, the slug is made from the name.
    slug: Option<String>,
}

/// Changes to a product. Unset fields are left unchanged. An empty string removes a value.
#[derive(Deserialize, JsonSchema, InputObject)]
#[graphql(name = "UpdateProductInput")]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(example = json!({ "price": 990, "compareAtPrice": 1250, "quantity": 40, "version": 3 }))]
pub struct ProductChanges {
    /// 1 to 500 characters.
    name: Option<String>,
    /// In minor units (cents). GraphQL also takes `priceAmount`: set at most one of them.
    #[schemars(range(min = 0, max = 9_007_199_254_740_991_i64))]
    price: Option<Int>,
    /// In minor units (cents), in place of `price`.
    #[serde(skip)]
    price_amount: Option<Amount>,
    /// The price before a sale, in minor units (cents). Must be greater than the price. 0 removes it.
    #[schemars(range(min = 0, max = 9_007_199_254_740_991_i64))]
    compare_at_price: Option<Amount>,
    /// The counted units on hand. The stock is set together with the other changes.
    #[graphql(skip)]
    #[schemars(range(min = 0, max = 2_147_483_647))]
    quantity: Option<Int>,
    /// At most 65,536 characters. It may have several lines.
    description: Option<String>,
    /// The manufacturer or the brand, at most 200 characters.
    manufacturer: Option<String>,
    /// ISO 4217.
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
    /// The stock keeping unit, at most 100 characters. Must be unique. An empty string means none.
    sku: Option<String>,
    /// In grams, packed for shipping. 0 means none.
    #[schemars(range(min = 0, max = 2_147_483_647))]
    weight: Option<Int>,
    /// The name in URLs. Must be unique. An empty string means that the slug is made from the name again.
    slug: Option<String>,
    /// The version that the change is based on. The header `If-Match` takes precedence.
    #[graphql(skip)]
    pub version: Option<u64>,
}

/// A number of units.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Pieces")]
#[schemars(example = json!({ "quantity": 12 }))]
pub struct Units {
    /// At least 1.
    #[schemars(range(min = 1, max = 2_147_483_647))]
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
    /// Words that must all occur in the name, description, manufacturer, SKU, external id, attributes or
    /// options. Case, accents and plural forms do not matter. The last word can be a prefix.
    search: Option<String>,
    /// The whole name of the manufacturer.
    manufacturer: Option<String>,
    /// The lowest price, in minor units (cents). GraphQL also takes `minPriceAmount`: set at most one of them.
    min_price: Option<Int>,
    /// The lowest price, in minor units (cents), in place of `minPrice`.
    #[serde(skip)]
    min_price_amount: Option<Amount>,
    /// The highest price, in minor units (cents). GraphQL also takes `maxPriceAmount`: set at most one of them.
    max_price: Option<Int>,
    /// The highest price, in minor units (cents), in place of `maxPrice`.
    #[serde(skip)]
    max_price_amount: Option<Amount>,
    /// True lists products with units in stock, false products without.
    in_stock: Option<bool>,
    /// The `_id` or the `slug` of a category. Includes the categories below it.
    category: Option<Id>,
    /// The whole stock keeping unit.
    sku: Option<String>,
    /// The whole slug of a product.
    slug: Option<String>,
    /// True leaves out variants. It also leaves out products that have not been edited since variants were
    /// introduced.
    standalone: Option<bool>,
    /// The sort order. The default is by relevance for a search, and `created` for other lists. `-` means
    /// descending.
    #[graphql(skip)]
    pub sort: Option<ProductOrder>,
}

impl ProductFilter {
    /// Returns the filter for the product with a slug.
    pub fn of_slug(slug: String) -> Self {
        Self {
            slug: Some(slug),
            ..Self::default()
        }
    }
}

/// The sort order of products.
#[derive(Clone, Copy, Deserialize, JsonSchema)]
pub enum ProductOrder {
    /// Oldest first.
    #[serde(rename = "created")]
    Created,
    /// Newest first.
    #[serde(rename = "-created")]
    CreatedDescending,
    /// By name.
    #[serde(rename = "name")]
    Name,
    /// By name, from Z to A.
    #[serde(rename = "-name")]
    NameDescending,
    /// Cheapest first.
    #[serde(rename = "price")]
    Price,
    /// Most expensive first.
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
    /// The name, in the alphabetical order of most languages. Case and accents matter only between equal names.
    Name,
    /// The price in minor units, whatever the currency.
    Price,
}

/// The sort order of products.
#[derive(Default, InputObject)]
pub struct ProductSort {
    /// The field to sort by.
    #[graphql(default)]
    key: ProductSortKey,
    /// Whether the highest value comes first.
    #[graphql(default)]
    descending: bool,
}

/// One page of an export.
#[derive(SimpleObject)]
pub struct ProductExport {
    /// The concatenated data of all pages are the export.
    pub data: LongText,
    /// The cursor of the next page. Null on the last page.
    pub end_cursor: Option<String>,
    /// Whether there is another page.
    pub has_next_page: bool,
}

/// The format of an export.
#[derive(Clone, Copy, PartialEq, Eq, Enum)]
pub enum ExportFormat {
    /// One JSON object per line and product, for `mercato import` and `importProducts`. It has the fields of
    /// `ImportProductInput`, with prices in minor units (cents). It also has `_id`, `parentId`, `version` and
    /// `category`, the path of the category from the root. Fields without a value are left out.
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
    id, name, slug, price: price.amount, compare_at_price, currency: price.currency, quantity, description, manufacturer,
    external_id, sku, weight, category_id, images, attributes, parent_id, options, version, created_at, updated_at,
    archived_at, variant_ids,
});
convert!(ProductSort => catalog::ProductSort { key, descending });

impl TryFrom<NewProduct> for catalog::NewProduct {
    type Error = Error;

    fn try_from(input: NewProduct) -> Result<Self, Error> {
        let int = Some(input.price).filter(|price| *price != NO_PRICE);
        let price = Amount::of_input("price", int, input.price_amount)?;
        let missing = || {
            let message = "`price` must be 0 or more. GraphQL takes `priceAmount` in place of `price`.";
            Error::invalid("price", message)
        };
        Ok(Self {
            name: input.name,
            description: input.description,
            manufacturer: input.manufacturer,
            external_id: input.external_id,
            price: price.ok_or_else(missing)?,
            currency: input.currency,
            quantity: input.quantity.0,
            details: catalog::ProductDetails {
                low_stock_at: input.low_stock_at.convert(),
                category_id: input.category_id.convert(),
                images: input.images.convert(),
                attributes: input.attributes.convert(),
                sku: input.sku,
                weight: input.weight.convert(),
                compare_at_price: input.compare_at_price.convert(),
                slug: input.slug,
            },
        })
    }
}

impl TryFrom<ProductChanges> for catalog::ProductPatch {
    type Error = Error;

    fn try_from(changes: ProductChanges) -> Result<Self, Error> {
        Ok(Self {
            name: changes.name,
            description: changes.description,
            manufacturer: changes.manufacturer,
            price: Amount::of_input("price", changes.price, changes.price_amount)?,
            currency: changes.currency,
            quantity: changes.quantity.convert(),
            details: catalog::ProductDetails {
                low_stock_at: changes.low_stock_at.convert(),
                category_id: changes.category_id.convert(),
                images: changes.images.convert(),
                attributes: changes.attributes.convert(),
                sku: changes.sku,
                weight: changes.weight.convert(),
                compare_at_price: changes.compare_at_price.convert(),
                slug: changes.slug,
            },
        })
    }
}

impl TryFrom<ProductFilter> for catalog::ProductFilter {
    type Error = Error;

    fn try_from(filter: ProductFilter) -> Result<Self, Error> {
        Ok(Self {
            search: filter.search,
            manufacturer: filter.manufacturer,
            min_price: Amount::of_input("minPrice", filter.min_price, filter.min_price_amount)?,
            max_price: Amount::of_input("maxPrice", filter.max_price, filter.max_price_amount)?,
            in_stock: filter.in_stock,
            category: filter.category.convert(),
            sku: filter.sku,
            slug: filter.slug,
            standalone: filter.standalone.unwrap_or(false),
        })
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
