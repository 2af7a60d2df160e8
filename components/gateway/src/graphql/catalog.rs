//! Products, categories, stock and facets.

use std::sync::Arc;

use async_graphql::{ComplexObject, Context, Object};
use futures::future::try_join_all;
use mercato_shop::catalog::{self, ImportOutcome, ProductQuery};
use mercato_shop::types::{Error, Page};

use crate::graphql::resolve::{
    Nullable, PageArguments, PageOf, change, connection, load, read, version, whole_list,
};
use crate::model::category::{self, Category, CategoryChanges, NewCategory};
use crate::model::convert::{Convert, convert};
use crate::model::facets::{CategoryFacet, ProductFacets};
use crate::model::import::{ImportResult, ImportRow, ImportStock};
use crate::model::product::{Attribute, NewProduct, Product, ProductChanges, ProductFilter, ProductSort};
use crate::model::scalar::Id;
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
            session.services.catalog.count_facets(&filter)
        })
    }
}

/// Mutations of the catalog.
#[derive(Default)]
pub struct CatalogMutation;

#[Object]
impl CatalogMutation {
    /// Creates a product. Requires the role ADMIN or the API key.
    async fn create_product(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The product. It is required.")] input: Option<NewProduct>,
    ) -> Nullable<Product> {
        change(context, |session| {
            session.caller().require_admin()?;
            let input = input.ok_or_else(|| Error::invalid("input", "`input` must not be null."))?;
            let input = input.try_into()?;
            session.services.catalog.create(session.caller(), &input)
        })
    }

    /// Edits a product. CONFLICT if the product has another version by now. Requires the role ADMIN or the
    /// API key.
    async fn update_product(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The `_id` of the product.")] id: Id,
        #[graphql(desc = "The version that the edit is based on.")] version: i32,
        #[graphql(desc = "The changes. Unset fields are left unchanged.")] input: ProductChanges,
    ) -> Nullable<Product> {
        change(context, |session| {
            session.caller().require_admin()?;
            check_id("id", &id)?;
            let version = self::version(version)?;
            let patch = input.try_into()?;
            session
                .services
                .catalog
                .update(session.caller(), &id, version, &patch)
        })
    }

    /// Archives a product, which ends its sale. Orders keep it, and an import with its `externalId` restores
    /// it. CONFLICT if the product has another version by now, which is `extensions.currentVersion`. Requires
    /// the role ADMIN or the API key.
    async fn delete_product(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The `_id` of the product.")] id: Id,
        #[graphql(desc = "The current version.")] version: i32,
    ) -> Nullable<Product> {
        change(context, |session| {
            session.caller().require_admin()?;
            check_id("id", &id)?;
            let version = self::version(version)?;
            session.services.catalog.archive(session.caller(), &id, version)
        })
    }

    /// Creates a variant of a product. A variant is a product with its own price and stock, and is ordered by
    /// its own `_id`. Requires the role ADMIN or the API key.
    async fn create_variant(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The `_id` of the product that gets the variant.")] parent_id: Id,
        #[graphql(desc = "The options that distinguish the variant, such as size: M.")] options: Vec<
            Attribute,
        >,
        #[graphql(desc = "The variant, with its own price and stock.")] input: NewProduct,
    ) -> Nullable<Product> {
        change(context, |session| {
            session.caller().require_admin()?;
            check_id("parentId", &parent_id)?;
            let options: Vec<catalog::Attribute> = options.convert();
            let input = input.try_into()?;
            let catalog = &session.services.catalog;
            catalog.create_variant(session.caller(), &parent_id, &options, &input)
        })
    }

    /// Creates products, or updates the products with a known `externalId`. A row that is refused does not affect
    /// the others. Requires the role ADMIN or the API key.
    async fn import_products(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "At most 500 rows.")] products: Vec<ImportRow>,
        #[graphql(
            default_with = "ImportStock::Keep",
            desc = "What happens to the stock of known products."
        )]
        stock: ImportStock,
    ) -> Nullable<ImportResult> {
        change(context, |session| {
            session.caller().require_admin()?;
            import(session, products, stock)
        })
    }

    /// Adds newly received units to a product's stock. Requires the role ADMIN or the API key.
    async fn receive_stock(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The `_id` of the product.")] id: Id,
        #[graphql(desc = "The number of received units, at least 1.")] quantity: i32,
    ) -> Nullable<Product> {
        change(context, |session| {
            session.caller().require_admin()?;
            check_id("id", &id)?;
            let catalog = &session.services.catalog;
            catalog.receive_stock(session.caller(), &id, i64::from(quantity))
        })
    }

    /// Adds units to a product's stock, or writes units off if `delta` is negative. OUT_OF_STOCK if too few
    /// units are on hand. Requires the role ADMIN or the API key.
    async fn adjust_stock(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The `_id` of the product.")] id: Id,
        #[graphql(desc = "The number of units to add. A negative number writes units off.")] delta: i32,
        #[graphql(desc = "The reason, for the ledger.")] reason: String,
    ) -> Nullable<Product> {
        change(context, |session| {
            session.caller().require_admin()?;
            check_id("id", &id)?;
            let catalog = &session.services.catalog;
            catalog.adjust_stock(session.caller(), &id, i64::from(delta), &reason)
        })
    }

    /// Sets the units on hand to a count. Units that orders have reserved are left unchanged. Requires the
    /// role ADMIN or the API key.
    async fn set_stock(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The `_id` of the product.")] id: Id,
        #[graphql(desc = "The counted units on hand, at least 0.")] quantity: i32,
        #[graphql(desc = "The reason, for the ledger.")] reason: Option<String>,
    ) -> Nullable<Product> {
        change(context, |session| {
            session.caller().require_admin()?;
            check_id("id", &id)?;
            let catalog = &session.services.catalog;
            catalog.set_stock(session.caller(), &id, i64::from(quantity), reason.as_deref())
        })
    }

    /// Creates a category. Requires the role ADMIN or the API key.
    async fn create_category(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The category.")] input: NewCategory,
    ) -> Nullable<Category> {
        change_category(context, |session| {
            let input = input.try_into()?;
            session.services.catalog.create_category(session.caller(), &input)
        })
        .await
    }

    /// Changes the name, slug or position of a category. Requires the role ADMIN or the API key.
    async fn update_category(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The `_id` of the category.")] id: Id,
        #[graphql(desc = "The changes. Unset fields are left unchanged.")] input: CategoryChanges,
    ) -> Nullable<Category> {
        change_category(context, |session| {
            check_id("id", &id)?;
            let patch = input.try_into()?;
            session
                .services
                .catalog
                .update_category(session.caller(), &id, &patch)
        })
        .await
    }

    /// Moves a category and all categories below it to another parent. Without `parentId`, it becomes a root
    /// category. CONFLICT if the parent is below the category, or if more than 500 products would move.
    /// Requires the role ADMIN or the API key.
    async fn move_category(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The `_id` of the category.")] id: Id,
        #[graphql(desc = "The `_id` or the `slug` of the new parent.")] parent_id: Option<Id>,
    ) -> Nullable<Category> {
        change_category(context, |session| {
            check_id("id", &id)?;
            let catalog = &session.services.catalog;
            catalog.move_category(session.caller(), &id, parent_id.as_deref())
        })
        .await
    }

    /// Deletes a category. CONFLICT if it has children or products. Requires the role ADMIN or the API key.
    async fn delete_category(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The `_id` of the category.")] id: Id,
    ) -> Nullable<Category> {
        change_category(context, |session| {
            check_id("id", &id)?;
            session.services.catalog.delete_category(session.caller(), &id)
        })
        .await
    }
}

#[ComplexObject]
impl Product {
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
async fn all_categories(session: &RequestSession) -> Result<Arc<Vec<catalog::Category>>, Error> {
    session.categories.load("all").await
}

/// Imports rows. A row that is invalid in itself is refused alone, as the service refuses others.
fn import(
    session: &RequestSession,
    products: Vec<ImportRow>,
    stock: ImportStock,
) -> Result<Vec<Result<ImportOutcome, Error>>, Error> {
    let checked: Vec<Result<catalog::ImportRow, Error>> =
        products.into_iter().map(TryFrom::try_from).collect();
    let rows: Vec<_> = checked.iter().flatten().cloned().collect();
    let catalog = &session.services.catalog;
    let mut outcomes = catalog
        .import_many(session.caller(), &rows, stock.into())?
        .into_iter();
    let missing = || {
        Err(Error::Internal(
            "the catalog returned fewer outcomes than rows".into(),
        ))
    };
    let outcome =
        |row: Result<catalog::ImportRow, Error>| row.and_then(|_| outcomes.next().unwrap_or_else(missing));
    Ok(checked.into_iter().map(outcome).collect())
}

pub async fn find_category(session: &RequestSession, id: &str) -> Result<Option<Category>, Error> {
    let all = all_categories(session).await?;
    let found = all.iter().find(|category| category.id == id);
    Ok(found.map(|category| Category::new(category.clone(), &all)))
}

/// Resolves a mutation of a category. Checks the caller before the input.
async fn change_category(
    context: &Context<'_>,
    call: impl FnOnce(&RequestSession) -> Result<catalog::Category, Error>,
) -> Nullable<Category> {
    let changed: Result<catalog::Category, _> = change(context, |session| {
        session.caller().require_admin()?;
        call(session)
    })?;
    match changed {
        Ok(changed) => {
            load(context, |session| async move {
                let all = all_categories(session).await?;
                Ok(Some(Category::new(changed, &all)))
            })
            .await
        }
        Err(error) => Some(Err(error)),
    }
}
