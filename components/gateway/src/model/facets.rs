//! Facets: how many of the products that a filter matches have a value.

use async_graphql::SimpleObject;
use mercato_shop::catalog;

use crate::model::convert::convert;
use crate::model::scalar::{Amount, Id, Int, IntAmount};

/// The number of products with a value.
#[derive(SimpleObject)]
pub struct Facet {
    /// The value, such as the name of a manufacturer.
    value: String,
    /// The number of products with it.
    count: Int<u32>,
}

/// The number of products in a category and below it.
#[derive(SimpleObject)]
#[graphql(complex)]
pub struct CategoryFacet {
    /// The `_id` of the category.
    pub category_id: Id,
    /// The number of products in the category and below it.
    count: Int<u32>,
}

/// The number of products with a price in a range, in minor units (cents).
#[derive(SimpleObject)]
pub struct PriceFacet {
    /// The lowest price of the range.
    #[graphql(derived(name = "from_amount", into = "Amount", owned = true))]
    from: IntAmount,
    /// The end of the range, which does not belong to it. The highest possible price, 9007199254740991, belongs
    /// to the last range.
    #[graphql(derived(name = "to_amount", into = "Amount", owned = true))]
    to: IntAmount,
    /// The number of products in the range.
    count: Int<u32>,
}

/// The facets of the products that a filter matches. At most 2,000 products are counted. The counts can be 10
/// seconds old.
#[derive(SimpleObject)]
pub struct ProductFacets {
    /// The number of products that were counted.
    total: Int<u32>,
    /// Whether more products match than were counted.
    truncated: bool,
    /// The 50 most frequent manufacturers, most frequent first.
    manufacturers: Vec<Facet>,
    /// Most frequent first. A product also counts for the categories above its own.
    categories: Vec<CategoryFacet>,
    /// The price ranges that contain products, cheapest first.
    prices: Vec<PriceFacet>,
    /// The number of products with units in stock.
    in_stock: Int<u32>,
    /// The number of products without units in stock.
    out_of_stock: Int<u32>,
}

convert!(catalog::Facet => Facet { value, count });
convert!(catalog::Facet => CategoryFacet { category_id: value, count });
convert!(catalog::PriceFacet => PriceFacet { from, to, count });
convert!(catalog::Facets => ProductFacets {
    total, truncated, manufacturers, categories, prices, in_stock, out_of_stock,
});
