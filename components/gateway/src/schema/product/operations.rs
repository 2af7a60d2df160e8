//! What keepers of the shop read and change of its products.

use async_graphql::connection::{Connection, EmptyFields};
use async_graphql::{Context, ID, Object, Result};
use mercato_common::types::Error;

use crate::schema::connection::{page, page_size, to_connection};
use crate::schema::nullable::{Nullable, nullable};
use crate::schema::product::ProductObject;
use crate::session::Session;

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
        nullable(async {
            let session = Session::of(context)?;
            let page = page(session, first, after)?;
            let list = session
                .services
                .catalog
                .archived(session.caller(), &page)
                .map_err(|error| session.error(error))?;
            let edges = list
                .edges
                .into_iter()
                .map(|edge| (edge.cursor, ProductObject(edge.product)));
            Ok(Some(to_connection(page.after.is_some(), list.has_next, edges)))
        })
        .await
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
        nullable(async {
            let session = Session::to_change(context)?;
            keeper(session)?;
            session.check_id("id", &id)?;
            let version = version_of(session, version)?;
            let product = session.services.catalog.archive(session.caller(), &id, version);
            product
                .map(|product| Some(ProductObject(product)))
                .map_err(|error| session.error(error))
        })
        .await
    }
}

/// Passes those who keep the shop, before anything is said of what they sent.
pub fn keeper(session: &Session) -> Result<()> {
    session
        .caller()
        .require_admin()
        .map_err(|error| session.error(error))
}

/// The version that an edit is of.
fn version_of(session: &Session, version: i32) -> Result<u64> {
    u64::try_from(version).map_err(|_| session.error(Error::invalid("version", "A version is 1 or more.")))
}
