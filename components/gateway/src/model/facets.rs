//! Facets: how many of the products that a filter matches have a value.

use async_graphql::SimpleObject;
use mercato_shop::catalog;

use crate::model::convert::convert;
use crate::model::scalar::{Id, Int};

/// The number of products with a value.
#[derive(SimpleObject)]
pub struct Facet {
    value: String,
    count: Int<u32>,
}

/// The number of products in a category and below it.
#[derive(SimpleObject)]
#[graphql(complex)]
pub struct CategoryFacet {
    pub category_id: Id,
    count: Int<u32>,
}

/// The number of products with a price in a range, in minor units (cents).
#[derive(SimpleObject)]
pub struct PriceFacet {
    /// Inclusive.
    from: Int,
    /// Exclusive. The last range includes the highest possible price, 2147483647.
    to: Int,
    count: Int<u32>,
}

/// The facets of the products that a filter matches. At most 2,000 products are counted. The counts can be 10
/// seconds old.
#[derive(SimpleObject)]
pub struct ProductFacets {
    total: Int<u32>,
    /// Whether more products match than were counted.
    truncated: bool,
    /// The 50 most frequent manufacturers, most frequent first.
    #[graphql(complexity = "10 * child_complexity")]
    manufacturers: Vec<Facet>,
    /// Most frequent first. A product also counts for the categories above its own.
    #[graphql(complexity = "20 * child_complexity")]
    categories: Vec<CategoryFacet>,
    /// The price ranges that contain products, cheapest first.
    prices: Vec<PriceFacet>,
    in_stock: Int<u32>,
    out_of_stock: Int<u32>,
}

convert!(catalog::Facet => Facet { value, count });
convert!(catalog::Facet => CategoryFacet { category_id: value, count });
convert!(catalog::PriceFacet => PriceFacet { from, to, count });
convert!(catalog::Facets => ProductFacets {
    total, truncated, manufacturers, categories, prices, in_stock, out_of_stock,
});
