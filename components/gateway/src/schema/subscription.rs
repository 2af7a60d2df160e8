//! What can be watched.

use async_graphql::{Context, ID, MergedSubscription, Result, Subscription as Fields};
use futures::future::join_all;
use futures::stream::{self, Iter};
use mercato_shop::catalog::Product;
use mercato_shop::orders::Order;
use mercato_shop::types::Error;

use crate::schema::order::OrderObject;
use crate::schema::product::ProductObject;
use crate::session::Session;
use crate::watch::{Told, Watch};

/// What can be watched.
#[derive(Default, MergedSubscription)]
pub struct Subscription(ProductSubscription, OrderSubscription);

/// What has happened by now, which is the end of one answer.
type Happened<T> = Iter<std::vec::IntoIter<T>>;

/// What can be watched of products.
#[derive(Default)]
pub struct ProductSubscription;

#[Fields]
impl ProductSubscription {
    /// Products as they are after each change of them or of their stock: these, at most 100, first as they are now; or all.
    /// One that is no longer sold is told of with its `archivedAt`. What changes twice within a second may be told once.
    async fn product_changed(
        &self,
        context: &Context<'_>,
        ids: Option<Vec<ID>>,
    ) -> Result<Happened<ProductObject>> {
        let session = Session::of(context)?;
        let watch = Watch::of(context)?;
        let ids = ids.map(|ids| ids.into_iter().map(|id| id.0).collect::<Vec<_>>());
        for id in ids.iter().flatten() {
            session.check_id("ids", id)?;
        }
        let changes = session
            .services
            .catalog
            .changes(ids.as_deref(), watch.after())
            .map_err(|error| session.error(error))?;
        let (cursors, products): (Vec<_>, Vec<_>) = changes
            .changes
            .into_iter()
            .map(|change| (change.cursor, change.product))
            .unzip();
        load_with_products(context, session, &products).await;
        watch.tell(Told {
            cursors,
            cursor: changes.cursor,
            more: changes.more,
        });
        let objects: Vec<_> = products.into_iter().map(ProductObject).collect();
        Ok(stream::iter(objects))
    }
}

/// What can be watched of orders.
#[derive(Default)]
pub struct OrderSubscription;

#[Fields]
impl OrderSubscription {
    /// Orders as they are after each change: one of the caller's own, first as it is now; or all of them. Any for an ADMIN or the API
    /// key. What changes twice within a second may be told once; `version` and `timeline` tell of all of it.
    async fn order_changed(&self, context: &Context<'_>, id: Option<ID>) -> Result<Happened<OrderObject>> {
        let session = Session::of(context)?;
        let watch = Watch::of(context)?;
        let told = |error: Error| session.error(error);
        session.caller().require_known().map_err(told)?;
        if let Some(id) = &id {
            session.check_id("id", id)?;
        }
        let changes = session
            .services
            .orders
            .changes(session.caller(), id.as_ref().map(|id| id.as_str()), watch.after())
            .map_err(told)?;
        let (cursors, orders): (Vec<_>, Vec<_>) = changes
            .changes
            .into_iter()
            .map(|change| (change.cursor, change.order))
            .unzip();
        load_with_orders(context, session, &orders).await;
        watch.tell(Told {
            cursors,
            cursor: changes.cursor,
            more: changes.more,
        });
        let objects: Vec<_> = orders.into_iter().map(OrderObject).collect();
        Ok(stream::iter(objects))
    }
}

/// Results are executed one after the other: what they want of other services is loaded for all of them before.
async fn load_with_products(context: &Context<'_>, session: &Session, products: &[Product]) {
    let asked = context.look_ahead();
    if asked.field("stock").exists() {
        join_all(products.iter().map(|product| session.stock.load(&product.id))).await;
    }
    if asked.field("variants").exists() {
        let ids = products.iter().flat_map(|product| &product.variant_ids);
        join_all(ids.map(|id| session.products.load(id))).await;
    }
}

/// As [`load_with_products`].
async fn load_with_orders(context: &Context<'_>, session: &Session, orders: &[Order]) {
    let asked = context.look_ahead();
    if asked.field("payment").exists() {
        join_all(orders.iter().map(|order| session.payments.load(&order.id))).await;
    }
    if asked.field("user").exists() {
        join_all(orders.iter().map(|order| session.users.load(&order.user_id))).await;
    }
    if asked.field("products").field("product").exists() {
        let lines = orders.iter().flat_map(|order| &order.lines);
        join_all(lines.map(|line| session.products_ever.load(&line.product_id))).await;
    }
}
