//! What can be read and changed of orders.

use async_graphql::connection::{Connection, EmptyFields};
use async_graphql::{Context, ID, Object};
use mercato_shop::orders::{NewOrder, OrderQuery as Find};

use crate::schema::connection::{LIST, page, page_size, to_connection, whole_list};
use crate::schema::nullable::{Nullable, change, nullable, read};
use crate::schema::order::input::{OrderFilter, OrderProductInput, OrderSort, to_lines};
use crate::schema::order::{OrderObject, OrderStatus};
use crate::session::{Session, valid_id, valid_version};

/// What can be read of orders.
#[derive(Default)]
pub struct OrderQuery;

#[Object]
impl OrderQuery {
    /// The caller's own orders, newest first; everyone's for an ADMIN or the API key. At most 1,000; longer lists:
    /// `orderConnection`.
    #[graphql(complexity = "LIST * child_complexity")]
    async fn orders(&self, context: &Context<'_>) -> Nullable<Vec<Option<OrderObject>>> {
        read(context, |session| {
            let find = Find {
                filter: OrderFilter::default().into(),
                oldest_first: false,
                page: whole_list(),
            };
            let list = session.services.orders.list(session.caller(), &find)?;
            Ok(list
                .edges
                .into_iter()
                .map(|edge| Some(OrderObject(edge.order)))
                .collect())
        })
    }

    /// One order: the caller's own, or any for an ADMIN or the API key.
    async fn order(&self, context: &Context<'_>, id: ID) -> Nullable<OrderObject> {
        nullable(async {
            let session = Session::of(context)?;
            session
                .caller()
                .require_known()
                .map_err(|error| session.error(error))?;
            session.check_id("id", &id)?;
            let order = session.orders.load(&id).await;
            order
                .map(|order| Some(OrderObject(order)))
                .map_err(|error| session.error(error))
        })
        .await
    }

    /// The orders that `orders` lists, by pages, filtered and sorted; newest first where no order is given.
    #[graphql(complexity = "page_size(first) * child_complexity")]
    async fn order_connection(
        &self,
        context: &Context<'_>,
        #[graphql(default = 20, desc = "1 to 100")] first: Option<i32>,
        after: Option<String>,
        filter: Option<OrderFilter>,
        sort: Option<OrderSort>,
    ) -> Nullable<Connection<String, OrderObject, EmptyFields, EmptyFields>> {
        read(context, |session| {
            let filter = filter.unwrap_or_default();
            filter.check(session)?;
            let find = Find {
                filter: filter.into(),
                oldest_first: sort.is_some_and(|sort| sort.is_upwards()),
                page: page(first, after)?,
            };
            let list = session.services.orders.list(session.caller(), &find)?;
            let edges = list
                .edges
                .into_iter()
                .map(|edge| (edge.cursor, OrderObject(edge.order)));
            Ok(to_connection(find.page.after.is_some(), list.has_next, edges))
        })
    }
}

/// What can be changed of orders.
#[derive(Default)]
pub struct OrderMutation;

#[Object]
impl OrderMutation {
    /// Buys: all lines or none. For a signed-in user.
    async fn place_order(
        &self,
        context: &Context<'_>,
        products: Option<Vec<Option<OrderProductInput>>>,
        #[graphql(desc = "Takes something off, once, or as often as the code is good for")]
        discount_code: Option<String>,
        #[graphql(desc = "Where it goes to, and is taxed: an ISO 3166 code such as DE or US-CA")]
        region: Option<String>,
    ) -> Nullable<OrderObject> {
        change(context, |session| {
            session.caller().require_known()?;
            let input = NewOrder {
                lines: to_lines(products)?,
                discount_code,
                region,
            };
            session.place(&input).map(OrderObject)
        })
    }

    /// Moves an order on; INVALID_TRANSITION where it does not go on so. For an ADMIN or the API key.
    async fn update_order_status(
        &self,
        context: &Context<'_>,
        id: ID,
        status: OrderStatus,
        #[graphql(
            desc = "The version that the change is made of; CONFLICT where the order is no longer at it"
        )]
        version: Option<i32>,
        #[graphql(desc = "For the timeline; at most 500 characters")] note: Option<String>,
    ) -> Nullable<OrderObject> {
        change(context, |session| {
            session.caller().require_admin()?;
            valid_id("id", &id)?;
            let version = version.map(valid_version).transpose()?;
            let order = session.services.orders.update_status(
                session.caller(),
                &id,
                status.into(),
                version,
                note.as_deref(),
            );
            Ok(OrderObject(order?))
        })
    }

    /// Gives an order up that has not been shipped; what it took goes back in stock. For its customer, an ADMIN or the API
    /// key.
    async fn cancel_order(
        &self,
        context: &Context<'_>,
        id: ID,
        #[graphql(desc = "For the timeline; at most 500 characters")] reason: Option<String>,
    ) -> Nullable<OrderObject> {
        change(context, |session| {
            session.caller().require_known()?;
            valid_id("id", &id)?;
            let order = session
                .services
                .orders
                .cancel(session.caller(), &id, reason.as_deref());
            Ok(OrderObject(order?))
        })
    }
}
