//! `Order` and its lines.

mod input;
pub mod operations;

use async_graphql::{Context, Enum, ID, Object};
use mercato_shop::orders::{Actor, Order, OrderLine, Status, StatusChange};
use mercato_shop::types::Error;

use crate::schema::datetime::DateTime;
use crate::schema::nullable::{Nullable, nullable};
use crate::schema::payment::PaymentObject;
use crate::schema::product::{ProductObject, int};
use crate::schema::user::UserObject;
use crate::session::Session;

/// What a customer bought.
pub struct OrderObject(pub Order);

/// Where an order stands.
#[derive(Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(name = "OrderStatus", remote = "Status")]
pub enum OrderStatus {
    /// Placed, and its products are taken from stock.
    Pending,
    /// Paid for.
    Paid,
    /// Being packed.
    Processing,
    /// On its way.
    Shipped,
    /// With the customer.
    Delivered,
    /// Given up; its products are back in stock.
    Cancelled,
    /// Paid back.
    Refunded,
}

/// What a customer bought.
#[Object(name = "Order")]
impl OrderObject {
    #[graphql(name = "_id")]
    async fn id(&self) -> ID {
        ID(self.0.id.clone())
    }

    async fn user_id(&self) -> ID {
        ID(self.0.user_id.clone())
    }

    #[graphql(complexity = "5 * child_complexity")]
    async fn products(&self) -> Option<Vec<Option<OrderProductObject<'_>>>> {
        Some(
            self.0
                .lines
                .iter()
                .map(|line| Some(OrderProductObject(line)))
                .collect(),
        )
    }

    async fn status(&self) -> OrderStatus {
        self.0.status.into()
    }

    /// What its products cost without discount and tax, in minor units (cents) of `currency`.
    async fn subtotal(&self) -> i32 {
        int(self.0.amounts.subtotal)
    }

    /// What its discount code takes off the subtotal.
    async fn discount(&self) -> i32 {
        int(self.0.amounts.discount)
    }

    /// The tax of its region on what is left of the subtotal.
    async fn tax(&self) -> i32 {
        int(self.0.amounts.tax)
    }

    /// What is to be paid, in minor units (cents) of `currency`: subtotal - discount + tax.
    async fn total(&self) -> i32 {
        int(self.0.amounts.total)
    }

    /// ISO 4217.
    async fn currency(&self) -> &str {
        &self.0.currency
    }

    async fn discount_code(&self) -> Option<&str> {
        self.0.discount_code.as_deref()
    }

    /// Where it goes to, as ISO 3166 names it.
    async fn region(&self) -> Option<&str> {
        self.0.region.as_deref()
    }

    /// Counts the changes of the order; `updateOrderStatus` can ask for it.
    async fn version(&self) -> i32 {
        int(i64::try_from(self.0.version).unwrap_or(i64::MAX))
    }

    /// Who did what with it, from its placement on.
    #[graphql(complexity = "5 * child_complexity")]
    async fn timeline(&self) -> Vec<StatusChangeObject<'_>> {
        self.0.timeline.iter().map(StatusChangeObject).collect()
    }

    async fn created_at(&self) -> DateTime {
        DateTime(self.0.created_at)
    }

    /// What is paid for it; null where nobody has tried to pay it.
    async fn payment(&self, context: &Context<'_>) -> Nullable<PaymentObject> {
        nullable(async {
            let session = Session::of(context)?;
            let payment = session.payments.load(&self.0.id).await;
            payment
                .map(|payment| payment.map(PaymentObject))
                .map_err(|error| session.error(error))
        })
        .await
    }

    /// Who bought; null where that user is gone.
    async fn user(&self, context: &Context<'_>) -> Nullable<UserObject> {
        nullable(async {
            let session = Session::of(context)?;
            match session.users.load(&self.0.user_id).await {
                Ok(user) => Ok(Some(UserObject(user))),
                Err(Error::NotFound(_)) => Ok(None),
                Err(error) => Err(session.error(error)),
            }
        })
        .await
    }
}

/// One line of an order: a product as it was sold.
pub struct OrderProductObject<'a>(&'a OrderLine);

/// One line of an order: a product as it was sold.
#[Object(name = "OrderProduct")]
impl OrderProductObject<'_> {
    /// The product's id.
    #[graphql(name = "_id")]
    async fn id(&self) -> ID {
        ID(self.0.product_id.clone())
    }

    async fn quantity(&self) -> i32 {
        int(i64::from(self.0.quantity))
    }

    /// The product's name when it was sold.
    async fn name(&self) -> &str {
        &self.0.name
    }

    /// The price of one piece when it was sold, in minor units (cents) of the order's currency.
    async fn unit_price(&self) -> i32 {
        int(self.0.unit_price)
    }

    /// The price of all its pieces, without discount and tax.
    async fn subtotal(&self) -> i32 {
        int(self.0.amounts.subtotal)
    }

    /// Its share of the order's discount.
    async fn discount(&self) -> i32 {
        int(self.0.amounts.discount)
    }

    /// Its share of the order's tax.
    async fn tax(&self) -> i32 {
        int(self.0.amounts.tax)
    }

    /// Its part of what is to be paid: subtotal - discount + tax.
    async fn total(&self) -> i32 {
        int(self.0.amounts.total)
    }

    /// The product as it is now, even where it is no longer sold.
    async fn product(&self, context: &Context<'_>) -> Nullable<ProductObject> {
        nullable(async {
            let session = Session::of(context)?;
            let product = session.products_ever.load(&self.0.product_id).await;
            product
                .map(|product| product.map(ProductObject))
                .map_err(|error| session.error(error))
        })
        .await
    }
}

/// A change of an order's status.
pub struct StatusChangeObject<'a>(&'a StatusChange);

/// Who did something with an order.
#[derive(Clone, Copy, PartialEq, Eq, Enum)]
pub enum OrderActor {
    /// Its customer.
    Customer,
    /// A user who keeps the shop.
    Admin,
    /// A holder of the shop's API key.
    ApiKey,
    /// The shop by itself, such as when a time was over.
    Shop,
}

/// A change of an order's status.
#[Object(name = "OrderStatusChange")]
impl StatusChangeObject<'_> {
    async fn at(&self) -> DateTime {
        DateTime(self.0.at)
    }

    async fn actor(&self) -> OrderActor {
        match self.0.actor {
            Actor::Customer(_) => OrderActor::Customer,
            Actor::Admin(_) => OrderActor::Admin,
            Actor::ApiKey => OrderActor::ApiKey,
            Actor::Shop => OrderActor::Shop,
        }
    }

    /// The user's id, where it was a user.
    async fn actor_id(&self) -> Option<ID> {
        match &self.0.actor {
            Actor::Customer(id) | Actor::Admin(id) => Some(ID(id.clone())),
            Actor::ApiKey | Actor::Shop => None,
        }
    }

    /// Null where the order began.
    async fn from(&self) -> Option<OrderStatus> {
        self.0.before.map(Into::into)
    }

    async fn to(&self) -> OrderStatus {
        self.0.after.into()
    }

    /// What was said of it.
    async fn note(&self) -> Option<&str> {
        self.0.note.as_deref()
    }
}
