//! Subscriptions.

use async_graphql::{Context, Result, Subscription};
use futures::future::join_all;
use futures::stream::{self, Iter};
use mercato_shop::{catalog, orders};

use crate::graphql::resolve::{graphql_error, session};
use crate::graphql::watch::{Progress, Watch};
use crate::model::convert::Convert;
use crate::model::order::Order;
use crate::model::product::Product;
use crate::model::scalar::Id;
use crate::request_session::{RequestSession, check_id};

/// The results that are available now. They end the reply, but not the subscription.
type Results<T> = Iter<std::vec::IntoIter<T>>;

/// The subscription of products.
#[derive(Default)]
pub struct ProductSubscription;

#[Subscription]
impl ProductSubscription {
    /// A product after each change of the product or its stock. With `ids`, at most 100, it starts with the
    /// current state of these products. Without `ids`, it covers all products. An archived product has an
    /// `archivedAt`. Changes within one second can be combined.
    async fn product_changed(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The ids of products, at most 100. Without it: all products.")] ids: Option<Vec<Id>>,
    ) -> Result<Results<Product>> {
        let (session, watch) = (session(context)?, Watch::of(context)?);
        let ids: Option<Vec<String>> = ids.convert();
        for id in ids.iter().flatten() {
            check_id("ids", id).map_err(|error| graphql_error(session, error))?;
        }
        let changes = session
            .services
            .catalog
            .changes(ids.as_deref(), watch.after())
            .map_err(|error| graphql_error(session, error))?;
        let changed = changes.changes.into_iter();
        let (cursors, products): (_, Vec<_>) = changed.map(|change| (change.cursor, change.product)).unzip();
        preload_of_products(context, session, &products).await;
        watch.add(Progress {
            cursors,
            cursor: changes.cursor,
            more: changes.more,
        });
        let products: Vec<Product> = products.convert();
        Ok(stream::iter(products))
    }
}

/// The subscription of orders.
#[derive(Default)]
pub struct OrderSubscription;

#[Subscription]
impl OrderSubscription {
    /// An order after each change. With `id`, it starts with the current state of this order. Without `id`,
    /// it covers all orders of the caller. With the role ADMIN or the API key: any orders. Changes within one
    /// second can be combined; `version` and `timeline` contain all of them.
    async fn order_changed(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The id of an order. Without it: all orders of the caller.")] id: Option<Id>,
    ) -> Result<Results<Order>> {
        let (session, watch) = (session(context)?, Watch::of(context)?);
        let caller = session.caller();
        let changes = caller
            .require_authenticated()
            .and_then(|()| id.as_deref().map_or(Ok(()), |id| check_id("id", id)))
            .and_then(|()| {
                session
                    .services
                    .orders
                    .changes(caller, id.as_deref(), watch.after())
            })
            .map_err(|error| graphql_error(session, error))?;
        let changed = changes.changes.into_iter();
        let (cursors, orders): (_, Vec<_>) = changed.map(|change| (change.cursor, change.order)).unzip();
        preload_of_orders(context, session, &orders).await;
        watch.add(Progress {
            cursors,
            cursor: changes.cursor,
            more: changes.more,
        });
        let orders: Vec<Order> = orders.convert();
        Ok(stream::iter(orders))
    }
}

/// Loads the other fields that were selected, in batches. Otherwise each result would load them separately.
async fn preload_of_products(context: &Context<'_>, session: &RequestSession, products: &[catalog::Product]) {
    let selected = context.look_ahead();
    if selected.field("stock").exists() {
        join_all(products.iter().map(|product| session.stock.load(&product.id))).await;
    }
    if selected.field("variants").exists() {
        let ids = products.iter().flat_map(|product| &product.variant_ids);
        join_all(ids.map(|id| session.products.load(id))).await;
    }
}

/// Does the same as [`preload_of_products`], for orders.
async fn preload_of_orders(context: &Context<'_>, session: &RequestSession, orders: &[orders::Order]) {
    let selected = context.look_ahead();
    if selected.field("payment").exists() {
        join_all(orders.iter().map(|order| session.payments.load(&order.id))).await;
    }
    if selected.field("user").exists() {
        join_all(orders.iter().map(|order| session.users.load(&order.user_id))).await;
    }
    let is_selected = |lines| selected.field(lines).field("product").exists();
    if is_selected("lines") || is_selected("products") {
        let lines = orders.iter().flat_map(|order| &order.lines);
        join_all(lines.map(|line| session.products_including_archived.load(&line.product_id))).await;
    }
}
