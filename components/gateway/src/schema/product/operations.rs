//! What keepers of the shop read and change of its products.

use async_graphql::connection::{Connection, EmptyFields};
use async_graphql::{Context, ID, Object};

use crate::schema::connection::{page, page_size, to_connection};
use crate::schema::nullable::{Nullable, change, read};
use crate::schema::product::ProductObject;
use crate::session::{valid_id, valid_version};

/// What can be read of the catalog beyond its products.
#[derive(Default)]
pub struct CatalogQuery;

#[Object]
impl CatalogQuery {
    /// The products that were deleted, last deleted first. For an ADMIN or the API key.
    #[graphql(complexity = "page_size(first) * child_complexity")]
    async fn archived_products(
        &self,
        context: &Context<'_>,
        #[graphql(default = 20, desc = "1 to 100")] first: Option<i32>,
        after: Option<String>,
    ) -> Nullable<Connection<String, ProductObject, EmptyFields, EmptyFields>> {
        read(context, |session| {
            let page = page(first, after)?;
            let list = session.services.catalog.archived(session.caller(), &page)?;
            let edges = list
                .edges
                .into_iter()
                .map(|edge| (edge.cursor, ProductObject(edge.product)));
            Ok(to_connection(page.after.is_some(), list.has_next, edges))
        })
    }
}

/// What can be changed of the catalog beyond its products' texts.
#[derive(Default)]
pub struct CatalogMutation;

#[Object]
impl CatalogMutation {
    /// Ends the sale of a product that is still at this version; CONFLICT where it is not, and
    /// `extensions.currentVersion` tells. Orders of it keep it; an import with its `externalId` brings it back. For an
    /// ADMIN or the API key.
    async fn delete_product(
        &self,
        context: &Context<'_>,
        id: ID,
        #[graphql(desc = "The version that was looked at")] version: i32,
    ) -> Nullable<ProductObject> {
        change(context, |session| {
            session.caller().require_admin()?;
            valid_id("id", &id)?;
            let version = valid_version(version)?;
            let product = session.services.catalog.archive(session.caller(), &id, version);
            Ok(ProductObject(product?))
        })
    }
}
