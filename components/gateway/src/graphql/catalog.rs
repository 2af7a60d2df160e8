//! Products, categories, stock and facets.

use std::sync::Arc;

use async_graphql::{ComplexObject, Context, Object};
use futures::future::try_join_all;
use mercato_shop::catalog::{self, ProductQuery};
use mercato_shop::types::{Error, Page};

use crate::graphql::resolve::{Nullable, PageArguments, PageOf, connection, load, read, session, whole_list};
use crate::model::category::{self, Category};
use crate::model::convert::{Convert, convert};
use crate::model::facets::{CategoryFacet, ProductFacets};
use crate::model::product::{Product, ProductFilter, ProductSort};
use crate::model::scalar::{Id, Int};
use crate::model::shop::Shop;
use crate::model::stock::{Stock, StockMovement};
use crate::request_session::{RequestSession, check_id};

convert!(Category => Category, catalog::Category => catalog::Category);

/// Queries of the catalog.
#[derive(Default)]
pub struct CatalogQuery;

#[Object]
impl CatalogQuery {
    /// The shop itself.
    async fn shop(&self, context: &Context<'_>) -> async_graphql::Result<Shop> {
        context.data().cloned()
    }

    /// The first 1,000 products, oldest first. For longer lists, filters and other orders, use
    /// `productConnection`.
    async fn products(&self, context: &Context<'_>) -> Nullable<Vec<Option<Product>>> {
        whole_list(context, |session, page| {
            let query = ProductQuery {
                filter: ProductFilter::default().try_into()?,
                sort: None,
                page: page.clone(),
            };
            session.services.catalog.list(&query)
        })
    }

    /// One product. An archived product requires the role ADMIN or the API key.
    async fn product(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The `_id` of the product.")] id: Id,
    ) -> Nullable<Product> {
        load(context, |session| async move {
            check_id("id", &id)?;
            let mut product = session.products.load(&id).await?;
            if product.is_none() && session.caller().is_admin() {
                product = session.products_including_archived.load(&id).await?;
            }
            let missing = || Error::NotFound(format!("There is no product {}.", &*id));
            product.ok_or_else(missing).map(Some)
        })
        .await
    }

    /// The product that is for sale under a slug. Null if there is none.
    async fn product_by_slug(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The `slug` of the product.")] slug: String,
    ) -> Nullable<Product> {
        load(context, |session| async move {
            let filter = ProductFilter::of_slug(slug).try_into()?;
            let query = ProductQuery {
                filter,
                sort: None,
                page: Page::first(1, None),
            };
            let found = session.services.catalog.list(&query)?;
            Ok(found.edges.into_iter().next().map(|edge| edge.product))
        })
        .await
    }

    /// Products page by page, filtered and sorted. A search lists the most relevant products first.
    /// Other lists begin with the oldest product.
    #[allow(clippy::too_many_arguments, reason = "one for each argument of the field")]
    async fn product_connection(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "1 to 100 items from the start, by default 20.")] first: Option<i32>,
        #[graphql(desc = "The page begins after the item of this cursor.")] after: Option<String>,
        #[graphql(desc = "1 to 100 items from the end, in place of `first`.")] last: Option<i32>,
        #[graphql(desc = "The page ends before the item of this cursor.")] before: Option<String>,
        #[graphql(desc = "Which products to list. By default, all.")] filter: Option<ProductFilter>,
        #[graphql(desc = "The order of the products.")] sort: Option<ProductSort>,
    ) -> Nullable<PageOf<Product>> {
        let arguments = PageArguments {
            first,
            after,
            last,
            before,
        };
        connection(context, arguments, |session, page| {
            let query = ProductQuery {
                filter: filter.unwrap_or_default().try_into()?,
                sort: sort.convert(),
                page: page.clone(),
            };
            if query.filter.in_stock.is_some() {
                session.shown_units.add_all();
            }
            session.services.catalog.list(&query)
        })
    }

    /// The archived products, last archived first. Requires the role ADMIN or the API key.
    async fn archived_products(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "1 to 100 items from the start, by default 20.")] first: Option<i32>,
        #[graphql(desc = "The page begins after the item of this cursor.")] after: Option<String>,
        #[graphql(desc = "1 to 100 items from the end, in place of `first`.")] last: Option<i32>,
        #[graphql(desc = "The page ends before the item of this cursor.")] before: Option<String>,
    ) -> Nullable<PageOf<Product>> {
        let arguments = PageArguments {
            first,
            after,
            last,
            before,
        };
        connection(context, arguments, |session, page| {
            session.services.catalog.list_archived(session.caller(), page)
        })
    }

    /// All movements of a product's stock, newest first. Requires the role ADMIN or the API key.
    async fn stock_movements(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The `_id` of the product.")] product_id: Id,
        #[graphql(desc = "1 to 100 items from the start, by default 20.")] first: Option<i32>,
        #[graphql(desc = "The page begins after the item of this cursor.")] after: Option<String>,
        #[graphql(desc = "1 to 100 items from the end, in place of `first`.")] last: Option<i32>,
        #[graphql(desc = "The page ends before the item of this cursor.")] before: Option<String>,
    ) -> Nullable<PageOf<StockMovement>> {
        let arguments = PageArguments {
            first,
            after,
            last,
            before,
        };
        connection(context, arguments, |session, page| {
            session.caller().require_admin()?;
            check_id("productId", &product_id)?;
            let catalog = &session.services.catalog;
            catalog.stock_movements(session.caller(), &product_id, page)
        })
    }

    /// The root categories. The others are their `children`.
    async fn categories(&self, context: &Context<'_>) -> Nullable<Vec<Category>> {
        load(context, |session| async move {
            let all = all_categories(session).await?;
            Ok(Some(Category::filter(&all, |category| {
                category.parent_id.is_none()
            })))
        })
        .await
    }

    /// Counts the products that a filter matches, by the values that could narrow the filter.
    async fn product_facets(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Which products to count. By default, all.")] filter: Option<ProductFilter>,
    ) -> Nullable<ProductFacets> {
        read(context, |session| {
            let filter = filter.unwrap_or_default().try_into()?;
            session.shown_units.add_all();
            session.services.catalog.count_facets(&filter)
        })
    }
}

#[ComplexObject]
impl Product {
    /// The number of units that can be bought now.
    async fn quantity(&self, context: &Context<'_>) -> async_graphql::Result<Int<u32>> {
        session(context)?.shown_units.add(&self.id);
        Ok(self.quantity)
    }

    /// The category of the product.
    async fn category(&self, context: &Context<'_>) -> Nullable<Category> {
        load(context, |session| async move {
            match &self.category_id {
                Some(id) => find_category(session, id).await,
                None => Ok(None),
            }
        })
        .await
    }

    /// The product that this product is a variant of.
    async fn parent(&self, context: &Context<'_>) -> Nullable<Product> {
        load(context, |session| async move {
            match &self.parent_id {
                Some(id) => session.products.load(id).await,
                None => Ok(None),
            }
        })
        .await
    }

    /// The variants, oldest first. Each is a product that is ordered by its own `_id`. A product with
    /// variants cannot be ordered itself.
    async fn variants(&self, context: &Context<'_>) -> Nullable<Vec<Product>> {
        load(context, |session| async move {
            let ids = self.variant_ids.iter();
            let found = try_join_all(ids.map(|id| session.products.load(id))).await?;
            Ok(Some(found.into_iter().flatten().collect::<Vec<_>>()))
        })
        .await
    }

    /// The stock. Requires the role ADMIN or the API key.
    async fn stock(&self, context: &Context<'_>) -> Nullable<Stock> {
        load(context, |session| session.stock.load(&self.id)).await
    }
}

#[ComplexObject]
impl Category {
    /// The categories directly below it, sorted.
    async fn children(&self) -> Vec<Category> {
        Self::filter(&self.all, |category| {
            category.parent_id.as_deref() == Some(&self.id)
        })
    }

    /// The categories above it, from the root.
    async fn ancestors(&self) -> Vec<Category> {
        let path = category::path(&self.all, self.parent_id.as_deref());
        path.into_iter()
            .map(|category| Self::new(category.clone(), &self.all))
            .collect()
    }
}

#[ComplexObject]
impl CategoryFacet {
    /// The category.
    async fn category(&self, context: &Context<'_>) -> Nullable<Category> {
        load(context, |session| find_category(session, &self.category_id)).await
    }
}

/// Returns all categories. The fields of a request share one call.
pub async fn all_categories(session: &RequestSession) -> Result<Arc<Vec<catalog::Category>>, Error> {
    session.categories.load("all").await
}

pub async fn find_category(session: &RequestSession, id: &str) -> Result<Option<Category>, Error> {
    let all = all_categories(session).await?;
    let found = all.iter().find(|category| category.id == id);
    Ok(found.map(|category| Category::new(category.clone(), &all)))
}
