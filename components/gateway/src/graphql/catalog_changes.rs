//! Mutations of products, categories and stock.

use async_graphql::{Context, Object};
use mercato_shop::catalog::{self, ImportOutcome};
use mercato_shop::types::Error;

use crate::graphql::catalog::all_categories;
use crate::graphql::resolve::{Nullable, change, load, version};
use crate::model::category::{Category, CategoryChanges, NewCategory};
use crate::model::convert::Convert;
use crate::model::import::{ImportResult, ImportRow, ImportStock};
use crate::model::product::{Attribute, NewProduct, Product, ProductChanges};
use crate::model::scalar::Id;
use crate::request_session::{RequestSession, check_id};

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
