//! Any entity by its id, as Relay's specification of GraphQL servers defines it.
//!
//! An id does not tell its type. So it is looked up as each type that its form allows, with the rights of the
//! caller. What the caller may not read is null, as if it did not exist.

use async_graphql::{Context, Interface, Object, Result};
use futures::future::join_all;
use mercato_shop::id;
use mercato_shop::types::Error;

use crate::graphql::catalog::find_category;
use crate::graphql::resolve::{Nullable, graphql_error, session};
use crate::model::cart::{Cart, CartLine, EMPTY_CART};
use crate::model::category::Category;
use crate::model::convert::Convert;
use crate::model::discount::{DISCOUNT, Discount};
use crate::model::notification::Notification;
use crate::model::order::{Order, OrderLine};
use crate::model::payment::{PAYMENT, Payment};
use crate::model::product::Product;
use crate::model::scalar::Id;
use crate::model::user::User;
use crate::model::webhook::{Delivery, Webhook};
use crate::request_session::RequestSession;

/// The most ids of `nodes`.
const MAX_IDS: usize = 100;

/// An entity of the shop, which `node` finds by its `id`.
#[derive(Interface)]
#[graphql(field(
    name = "id",
    method = "node_id",
    ty = "Id",
    desc = "Unique among all entities of the shop."
))]
pub enum Node {
    Product(Product),
    Category(Category),
    User(User),
    Order(Order),
    OrderLine(OrderLine),
    Payment(Payment),
    Discount(Discount),
    Cart(Cart),
    CartLine(CartLine),
    Notification(Notification),
    Webhook(Webhook),
    Delivery(Delivery),
}

/// Implements the field of the interface for types whose `id` is that of GraphQL.
macro_rules! node_ids {
    ($($type:ty),+ $(,)?) => {
        $(impl $type {
            async fn node_id(&self, _context: &Context<'_>) -> Result<Id> {
                Ok(str::to_owned(&self.id).into())
            }
        })+
    };
}

node_ids!(
    Product,
    Category,
    User,
    Order,
    OrderLine,
    Discount,
    Cart,
    CartLine,
    Notification,
    Webhook,
    Delivery,
);

impl Payment {
    async fn node_id(&self, _context: &Context<'_>) -> Result<Id> {
        Ok(self.graphql_id())
    }
}

/// Queries of any entity.
#[derive(Default)]
pub struct NodeQuery;

#[Object]
impl NodeQuery {
    /// The entity with this id. Null if there is none, or if the caller may not read it.
    async fn node(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The `id` of an entity of any type.")] id: Id,
    ) -> Nullable<Node> {
        match session(context) {
            Ok(session) => find(session, &id).await,
            Err(error) => Some(Err(error)),
        }
    }

    /// The entities with these ids, in the order of the ids. Null where `node` is null.
    async fn nodes(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The `id`s of entities of any type, at most 100.")] ids: Vec<Id>,
    ) -> Nullable<Vec<Nullable<Node>>> {
        let session = match session(context) {
            Ok(session) => session,
            Err(error) => return Some(Err(error)),
        };
        if ids.len() > MAX_IDS {
            let message = format!("`ids` must have at most {MAX_IDS} ids, not {}.", ids.len());
            return Some(Err(graphql_error(session, Error::invalid("ids", message))));
        }
        Some(Ok(join_all(ids.iter().map(|id| find(session, id))).await))
    }
}

async fn find(session: &RequestSession, id: &str) -> Nullable<Node> {
    match look_up(session, id).await {
        Ok(found) => found.map(Ok),
        Err(error) => Some(Err(graphql_error(session, error))),
    }
}

/// Looks an id up as each type that its form allows.
async fn look_up(session: &RequestSession, id: &str) -> Result<Option<Node>, Error> {
    if id::is_valid(id)
        && let Some(found) = in_catalog(session, id).await?
    {
        return Ok(Some(found));
    }
    session.require_valid_credential()?;
    if id == EMPTY_CART {
        return Ok(Some(Cart::empty().into()));
    }
    if let Some(code) = id.strip_prefix(DISCOUNT) {
        let discount = visible(session.discounts.load(code).await)?;
        return Ok(discount.map(|discount| Node::Discount(discount.convert())));
    }
    if let Some(order_id) = id.strip_suffix(PAYMENT) {
        let payment = visible(session.payments.load(order_id).await)?.flatten();
        return Ok(payment.map(|payment| Node::Payment(payment.convert())));
    }
    if id.contains('/')
        && let Some(found) = visible(session.notifications.load(id).await)?
    {
        return Ok(Some(Node::Notification(found.convert())));
    }
    match id.rsplit_once('.') {
        Some((event_id, webhook_id)) if id::is_valid(event_id) && id::is_valid(webhook_id) => {
            let delivery = visible(session.deliveries.load(id).await)?;
            Ok(delivery.map(|delivery| Node::Delivery(delivery.convert())))
        }
        Some((order_id, _)) if id::is_valid(order_id) => {
            let lines = order(session, order_id).await?.map(|order| order.order_lines());
            let line = lines.into_iter().flatten().find(|line| *line.id == *id);
            Ok(line.map(Node::from))
        }
        Some((cart_id, product_id)) if id::is_valid(product_id) => {
            let lines = cart(session, cart_id).await?.map(|cart| cart.cart_lines());
            let line = lines.into_iter().flatten().find(|line| *line.id == *id);
            Ok(line.map(Node::from))
        }
        _ if id::is_valid(id) => in_shop(session, id).await,
        // The user of another issuer of tokens can have an id of any form.
        _ if session.caller().user_id() == Some(id) => user(session, id).await,
        _ => Ok(cart(session, id).await?.map(Node::from)),
    }
}

/// Looks up what is for all callers. Staff also find archived products.
async fn in_catalog(session: &RequestSession, id: &str) -> Result<Option<Node>, Error> {
    if let Some(product) = session.products.load(id).await? {
        return Ok(Some(Node::Product(product.convert())));
    }
    if let Some(category) = find_category(session, id).await? {
        return Ok(Some(category.into()));
    }
    if !session.caller().is_admin() {
        return Ok(None);
    }
    let archived = session.products_including_archived.load(id).await?;
    Ok(archived.map(|product| Node::Product(product.convert())))
}

/// Looks up what is only for its customer and staff.
async fn in_shop(session: &RequestSession, id: &str) -> Result<Option<Node>, Error> {
    if let Some(order) = order(session, id).await? {
        return Ok(Some(order.into()));
    }
    if let Some(user) = user(session, id).await? {
        return Ok(Some(user));
    }
    let webhooks = visible(session.webhooks.load("all").await)?;
    let webhook = webhooks.and_then(|all| all.iter().find(|webhook| webhook.id == id).cloned());
    Ok(webhook.map(|webhook| Node::Webhook(webhook.convert())))
}

async fn order(session: &RequestSession, id: &str) -> Result<Option<Order>, Error> {
    Ok(visible(session.orders.load(id).await)?.convert())
}

async fn user(session: &RequestSession, id: &str) -> Result<Option<Node>, Error> {
    let user = visible(session.users.load(id).await)?;
    Ok(user.map(|user| Node::User(user.convert())))
}

/// Returns a cart. An unknown or expired cart is missing, and the cart of an unknown user.
async fn cart(session: &RequestSession, id: &str) -> Result<Option<Cart>, Error> {
    let Some(cart) = visible(session.carts.load(id).await)? else {
        return Ok(None);
    };
    if let Some(user_id) = cart
        .user_id
        .as_deref()
        .filter(|owner| session.caller().user_id() != Some(owner))
        && user(session, user_id).await?.is_none()
    {
        return Ok(None);
    }
    let cart: Cart = cart.convert();
    Ok(Some(cart).filter(|cart| *cart.id == *id))
}

/// Returns what was found. What is missing, or hidden from the caller, is `None`.
fn visible<T>(found: Result<T, Error>) -> Result<Option<T>, Error> {
    match found {
        Ok(found) => Ok(Some(found)),
        Err(Error::NotFound(_) | Error::Forbidden(_) | Error::Unauthenticated(_) | Error::Invalid(_)) => {
            Ok(None)
        }
        Err(error) => Err(error),
    }
}
