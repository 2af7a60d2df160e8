//! What can be read.

use async_graphql::connection::{Connection, EmptyFields};
use async_graphql::{Context, ID, Object, Result};
use mercato_shop::catalog::ProductQuery;
use mercato_shop::types::Error;

use crate::schema::connection::{LIST, page, page_size, to_connection, whole_list};
use crate::schema::nullable::{Nullable, nullable, read};
use crate::schema::product::{ProductFilter, ProductObject, ProductSort};
use crate::schema::user::UserObject;
use crate::session::Session;

/// What can be read of users and products.
#[derive(Default)]
pub struct ShopQuery;

#[Object]
impl ShopQuery {
    /// The user who is signed in.
    async fn me(&self, context: &Context<'_>) -> Nullable<UserObject> {
        nullable(async {
            let session = Session::of(context)?;
            let Some(id) = session.caller().user_id() else {
                let message = "Sign in, and send the header Authorization: Bearer <access_token>.";
                return Err(session.error(Error::Unauthenticated(message.into())));
            };
            load_user(session, id).await
        })
        .await
    }

    /// The caller's own record; everyone's for an ADMIN or the API key: the first 1,000. Longer lists: `userConnection`.
    #[graphql(complexity = "LIST * child_complexity")]
    async fn users(&self, context: &Context<'_>) -> Nullable<Vec<Option<UserObject>>> {
        read(context, |session| {
            let page = session.services.accounts.list(session.caller(), &whole_list())?;
            Ok(page
                .edges
                .into_iter()
                .map(|edge| Some(UserObject(edge.user)))
                .collect())
        })
    }

    /// One user: the caller, or anyone for an ADMIN or the API key.
    async fn user(&self, context: &Context<'_>, id: ID) -> Nullable<UserObject> {
        nullable(async {
            let session = Session::of(context)?;
            session.check_user_id("id", &id)?;
            load_user(session, &id).await
        })
        .await
    }

    /// The users that `users` lists, by pages, in the order of their registration.
    #[graphql(complexity = "page_size(first) * child_complexity")]
    async fn user_connection(
        &self,
        context: &Context<'_>,
        #[graphql(default = 20, desc = "1 to 100")] first: Option<i32>,
        after: Option<String>,
    ) -> Nullable<Connection<String, UserObject, EmptyFields, EmptyFields>> {
        read(context, |session| {
            let page = page(first, after)?;
            let list = session.services.accounts.list(session.caller(), &page)?;
            let edges = list
                .edges
                .into_iter()
                .map(|edge| (edge.cursor, UserObject(edge.user)));
            Ok(to_connection(page.after.is_some(), list.has_next, edges))
        })
    }

    /// The first 1,000 products, oldest first. Longer lists, filters and other orders: `productConnection`.
    #[graphql(complexity = "LIST * child_complexity")]
    async fn products(&self, context: &Context<'_>) -> Nullable<Vec<Option<ProductObject>>> {
        read(context, |session| {
            let query = ProductQuery {
                filter: ProductFilter::default().into(),
                sort: ProductSort::default().into(),
                page: whole_list(),
            };
            let list = session.services.catalog.list(&query)?;
            Ok(list
                .edges
                .into_iter()
                .map(|edge| Some(ProductObject(edge.product)))
                .collect())
        })
    }

    /// One product. One that is archived is there for an ADMIN or the API key only.
    async fn product(&self, context: &Context<'_>, id: ID) -> Nullable<ProductObject> {
        nullable(async {
            let session = Session::of(context)?;
            session.check_id("id", &id)?;
            let mut product = session.products.load(&id).await;
            if matches!(product, Ok(None)) && session.caller().is_admin() {
                product = session.products_ever.load(&id).await;
            }
            match product {
                Ok(Some(product)) => Ok(Some(ProductObject(product))),
                Ok(None) => Err(session.error(Error::NotFound(format!("There is no product {}.", *id)))),
                Err(error) => Err(session.error(error)),
            }
        })
        .await
    }

    /// Products by pages, filtered and sorted.
    #[graphql(complexity = "page_size(first) * child_complexity")]
    async fn product_connection(
        &self,
        context: &Context<'_>,
        #[graphql(default = 20, desc = "1 to 100")] first: Option<i32>,
        after: Option<String>,
        filter: Option<ProductFilter>,
        sort: Option<ProductSort>,
    ) -> Nullable<Connection<String, ProductObject, EmptyFields, EmptyFields>> {
        read(context, |session| {
            let query = ProductQuery {
                filter: filter.unwrap_or_default().into(),
                sort: sort.unwrap_or_default().into(),
                page: page(first, after)?,
            };
            let list = session.services.catalog.list(&query)?;
            let edges = list
                .edges
                .into_iter()
                .map(|edge| (edge.cursor, ProductObject(edge.product)));
            Ok(to_connection(query.page.after.is_some(), list.has_next, edges))
        })
    }
}

async fn load_user(session: &Session, id: &str) -> Result<Option<UserObject>> {
    let user = session.users.load(id).await;
    user.map(|user| Some(UserObject(user)))
        .map_err(|error| session.error(error))
}
