//! What lists of products are asked for.

use mercato_shop::catalog::{ProductFilter, ProductQuery, ProductSort, SortKey};
use mercato_shop::types::Error;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::rest::page;

/// Which products, and in which order.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ProductsWanted {
    /// How many; 20 where it is left out.
    #[schemars(range(min = 1, max = 100))]
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
    /// Those of which there are any; with `false`, those of which there are none.
    pub in_stock: Option<bool>,
    /// The `_id` or the `slug` of a category: its products, and those of all categories below it.
    pub category: Option<String>,
    pub sku: Option<String>,
    /// Leaves variants out; products that were stored before there were variants, too, until they are edited.
    pub standalone: Option<bool>,
    /// `created` where it is left out; `-` goes downwards.
    pub sort: Option<ProductOrder>,
}

impl ProductsWanted {
    /// What the catalog is asked.
    pub fn query(self) -> Result<ProductQuery, Error> {
        Ok(ProductQuery {
            filter: ProductFilter {
                search: self.search,
                manufacturer: self.manufacturer,
                min_price: self.min_price,
                max_price: self.max_price,
                in_stock: self.in_stock,
                category: self.category,
                sku: self.sku,
                standalone: self.standalone.unwrap_or(false),
            },
            sort: self.sort.unwrap_or_default().into(),
            page: page::wanted(self.first, self.after)?,
        })
    }
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
