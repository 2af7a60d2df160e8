//! `Product`, its stock, and what lists of products are made of.

pub mod category;
pub mod details;
pub mod export;
pub mod facets;
pub mod operations;
pub mod stock;

use async_graphql::{Context, Enum, ID, InputObject, Object};
use futures::future::join_all;
use mercato_shop::catalog::{
    NewProduct, Product, ProductDetails, ProductFilter as Filter, ProductPatch, ProductSort as Sort, SortKey,
};

use crate::schema::datetime::DateTime;
use crate::schema::nullable::{Nullable, nullable};
use crate::schema::product::category::CategoryObject;
use crate::schema::product::details::{AttributeInput, AttributeObject, ImageInput, ImageObject, all};
use crate::schema::product::stock::StockObject;
use crate::session::Session;

/// Something that the shop sells.
pub struct ProductObject(pub Product);

/// Something that the shop sells.
#[Object(name = "Product")]
impl ProductObject {
    #[graphql(name = "_id")]
    async fn id(&self) -> ID {
        ID(self.0.id.clone())
    }

    async fn name(&self) -> &str {
        &self.0.name
    }

    /// In minor units (cents) of `currency`.
    async fn price(&self) -> i32 {
        int(self.0.price.amount)
    }

    /// How many can be bought now.
    async fn quantity(&self) -> i32 {
        int(i64::from(self.0.quantity))
    }

    async fn description(&self) -> Option<&str> {
        self.0.description.as_deref()
    }

    async fn manufacturer(&self) -> Option<&str> {
        self.0.manufacturer.as_deref()
    }

    /// The id by which the feed that the product was imported from knows it.
    async fn external_id(&self) -> Option<&str> {
        self.0.external_id.as_deref()
    }

    /// ISO 4217.
    async fn currency(&self) -> &str {
        &self.0.price.currency
    }

    /// Counts the edits of the product; `updateProduct` asks for it.
    async fn version(&self) -> i32 {
        int(i64::try_from(self.0.version).unwrap_or(i64::MAX))
    }

    async fn created_at(&self) -> DateTime {
        DateTime(self.0.created_at)
    }

    async fn updated_at(&self) -> DateTime {
        DateTime(self.0.updated_at)
    }

    async fn category(&self, context: &Context<'_>) -> Nullable<CategoryObject> {
        nullable(async {
            let Some(id) = &self.0.category_id else {
                return Ok(None);
            };
            CategoryObject::find(Session::of(context)?, id).await
        })
        .await
    }

    async fn images(&self) -> Vec<ImageObject<'_>> {
        self.0.images.iter().map(ImageObject).collect()
    }

    /// Such as material: wool.
    async fn attributes(&self) -> Vec<AttributeObject<'_>> {
        self.0.attributes.iter().map(AttributeObject).collect()
    }

    /// The number by which the shop keeps it; no two products have the same.
    async fn sku(&self) -> Option<&str> {
        self.0.sku.as_deref()
    }

    /// The `_id` of the product that it is a variant of.
    async fn parent_id(&self) -> Option<ID> {
        self.0.parent_id.clone().map(ID)
    }

    /// What makes it this variant, such as size: M.
    async fn options(&self) -> Vec<AttributeObject<'_>> {
        self.0.options.iter().map(AttributeObject).collect()
    }

    /// Its variants, oldest first, each a product that is ordered by its own `_id`. A product that has any can't be
    /// ordered itself.
    #[graphql(complexity = "5 * child_complexity")]
    async fn variants(&self, context: &Context<'_>) -> Nullable<Vec<ProductObject>> {
        nullable(async {
            let session = Session::of(context)?;
            let ids = self.0.variant_ids.iter();
            let found = join_all(ids.map(|id| session.products.load(id))).await;
            let found: Result<Vec<_>, _> = found.into_iter().collect();
            let found = found.map_err(|error| session.error(error))?;
            Ok(Some(found.into_iter().flatten().map(ProductObject).collect()))
        })
        .await
    }

    /// Since when it is no longer sold; null where it is sold.
    async fn archived_at(&self) -> Option<DateTime> {
        self.0.archived_at.map(DateTime)
    }

    /// Where all its pieces are. For an ADMIN or the API key.
    async fn stock(&self, context: &Context<'_>) -> Nullable<StockObject> {
        nullable(async {
            let session = Session::of(context)?;
            let stock = session.stock.load(&self.0.id).await;
            stock
                .map(|stock| stock.map(StockObject::from))
                .map_err(|error| session.error(error))
        })
        .await
    }
}

/// A product to be created. Price in minor units (cents); the shop's own currency where none is named.
#[derive(InputObject)]
pub struct CreateProductInput {
    name: String,
    price: i32,
    quantity: i32,
    description: Option<String>,
    manufacturer: Option<String>,
    external_id: Option<String>,
    currency: Option<String>,
    /// The event `mercato.catalog.low-stock` tells when so few are on hand; negative for the shop's own threshold.
    low_stock_at: Option<i32>,
    /// The `_id` or the `slug` of a category; an empty text for none.
    category_id: Option<ID>,
    /// All images; an empty list for none.
    images: Option<Vec<ImageInput>>,
    /// All attributes, each name once; an empty list for none.
    attributes: Option<Vec<AttributeInput>>,
    /// No two products have the same; an empty text for none.
    sku: Option<String>,
}

impl From<CreateProductInput> for NewProduct {
    fn from(input: CreateProductInput) -> Self {
        Self {
            name: input.name,
            description: input.description,
            manufacturer: input.manufacturer,
            external_id: input.external_id,
            price: i64::from(input.price),
            currency: input.currency,
            quantity: i64::from(input.quantity),
            details: ProductDetails {
                low_stock_at: input.low_stock_at.map(i64::from),
                category_id: input.category_id.map(|id| id.0),
                images: input.images.map(all),
                attributes: input.attributes.map(all),
                sku: input.sku,
            },
        }
    }
}

/// What to change of a product; what is left out stays as it is, an empty text removes.
#[derive(InputObject)]
pub struct UpdateProductInput {
    name: Option<String>,
    price: Option<i32>,
    description: Option<String>,
    manufacturer: Option<String>,
    currency: Option<String>,
    /// The event `mercato.catalog.low-stock` tells when so few are on hand; negative for the shop's own threshold.
    low_stock_at: Option<i32>,
    /// The `_id` or the `slug` of a category; an empty text for none.
    category_id: Option<ID>,
    /// All images; an empty list for none.
    images: Option<Vec<ImageInput>>,
    /// All attributes, each name once; an empty list for none.
    attributes: Option<Vec<AttributeInput>>,
    /// No two products have the same; an empty text for none.
    sku: Option<String>,
}

impl From<UpdateProductInput> for ProductPatch {
    fn from(input: UpdateProductInput) -> Self {
        Self {
            name: input.name,
            description: input.description,
            manufacturer: input.manufacturer,
            price: input.price.map(i64::from),
            currency: input.currency,
            details: ProductDetails {
                low_stock_at: input.low_stock_at.map(i64::from),
                category_id: input.category_id.map(|id| id.0),
                images: input.images.map(all),
                attributes: input.attributes.map(all),
                sku: input.sku,
            },
        }
    }
}

/// Which products; all conditions hold.
#[derive(Default, InputObject)]
pub struct ProductFilter {
    /// Words to be found in name, description or manufacturer; the last may be a beginning.
    search: Option<String>,
    manufacturer: Option<String>,
    /// In minor units, inclusive.
    min_price: Option<i32>,
    /// In minor units, inclusive.
    max_price: Option<i32>,
    in_stock: Option<bool>,
    /// The `_id` or the `slug` of a category: its products, and those of all categories below it.
    category: Option<ID>,
    sku: Option<String>,
    /// Leaves variants out; products that were stored before there were variants, too, until they are edited.
    standalone: Option<bool>,
}

impl From<ProductFilter> for Filter {
    fn from(filter: ProductFilter) -> Self {
        Self {
            search: filter.search,
            manufacturer: filter.manufacturer,
            min_price: filter.min_price.map(i64::from),
            max_price: filter.max_price.map(i64::from),
            in_stock: filter.in_stock,
            category: filter.category.map(|id| id.0),
            sku: filter.sku,
            standalone: filter.standalone.unwrap_or(false),
        }
    }
}

/// What products can be sorted by.
#[derive(Clone, Copy, Default, PartialEq, Eq, Enum)]
pub enum ProductSortKey {
    /// The time of creation.
    #[default]
    Created,
    /// The name.
    Name,
    /// The price.
    Price,
}

/// The order of products.
#[derive(Default, InputObject)]
pub struct ProductSort {
    #[graphql(default)]
    key: ProductSortKey,
    #[graphql(default)]
    descending: bool,
}

impl From<ProductSort> for Sort {
    fn from(sort: ProductSort) -> Self {
        let key = match sort.key {
            ProductSortKey::Created => SortKey::Created,
            ProductSortKey::Name => SortKey::Name,
            ProductSortKey::Price => SortKey::Price,
        };
        Self {
            key,
            descending: sort.descending,
        }
    }
}

/// A number as GraphQL's Int, which has 32 bits. The services let nothing larger in.
pub fn int(number: i64) -> i32 {
    i32::try_from(number).unwrap_or(i32::MAX)
}
