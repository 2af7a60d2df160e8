//! Facets of products: how many of them have what.

use async_graphql::{ComplexObject, Context, ID, Object, SimpleObject};
use mercato_shop::catalog::{Facet, Facets};

use crate::schema::nullable::{Nullable, nullable, read};
use crate::schema::product::category::CategoryObject;
use crate::schema::product::{ProductFilter, int};
use crate::session::Session;

/// How many products have a value.
#[derive(SimpleObject)]
#[graphql(name = "Facet")]
pub struct FacetObject {
    value: String,
    count: i32,
}

/// How many products are in a category, or below it.
#[derive(SimpleObject)]
#[graphql(complex)]
pub struct CategoryFacet {
    category_id: ID,
    count: i32,
}

#[ComplexObject]
impl CategoryFacet {
    async fn category(&self, context: &Context<'_>) -> Nullable<CategoryObject> {
        nullable(async { CategoryObject::find(Session::of(context)?, &self.category_id).await }).await
    }
}

/// How many products have a price in a range, in minor units (cents).
#[derive(SimpleObject)]
pub struct PriceFacet {
    /// Inclusive.
    from: i32,
    /// Exclusive; the highest price there can be, 2147483647, is in the last range all the same.
    to: i32,
    count: i32,
}

/// What the products are that a filter matches. At most 2,000 of them are counted; the counts may be 10 seconds old.
#[derive(SimpleObject)]
pub struct ProductFacets {
    total: i32,
    /// There may be more products, which are not counted.
    truncated: bool,
    /// The 50 that most products have, most first.
    #[graphql(complexity = "10 * child_complexity")]
    manufacturers: Vec<FacetObject>,
    /// Most first; a product counts for the categories above its own, too.
    #[graphql(complexity = "20 * child_complexity")]
    categories: Vec<CategoryFacet>,
    /// Those that hold any, cheapest first.
    prices: Vec<PriceFacet>,
    in_stock: i32,
    out_of_stock: i32,
}

impl From<Facets> for ProductFacets {
    fn from(facets: Facets) -> Self {
        let count = |count: u32| int(i64::from(count));
        Self {
            total: count(facets.total),
            truncated: facets.truncated,
            manufacturers: facets
                .manufacturers
                .into_iter()
                .map(|facet| FacetObject {
                    value: facet.value,
                    count: count(facet.count),
                })
                .collect(),
            categories: facets
                .categories
                .into_iter()
                .map(|facet: Facet| CategoryFacet {
                    category_id: ID(facet.value),
                    count: count(facet.count),
                })
                .collect(),
            prices: facets
                .prices
                .into_iter()
                .map(|facet| PriceFacet {
                    from: int(facet.from),
                    to: int(facet.to),
                    count: count(facet.count),
                })
                .collect(),
            in_stock: count(facets.in_stock),
            out_of_stock: count(facets.out_of_stock),
        }
    }
}

/// What can be counted.
#[derive(Default)]
pub struct FacetQuery;

#[Object]
impl FacetQuery {
    /// How many of the products that a filter matches have what, to be narrowed by.
    #[graphql(complexity = "100 + child_complexity")]
    async fn product_facets(
        &self,
        context: &Context<'_>,
        filter: Option<ProductFilter>,
    ) -> Nullable<ProductFacets> {
        read(context, |session| {
            let filter = filter.unwrap_or_default().into();
            Ok(session.services.catalog.count_facets(&filter)?.into())
        })
    }
}
