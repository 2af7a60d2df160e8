//! `Order` and its lines.

use async_graphql::{Context, Enum, ID, InputObject, Object, Result};
use mercato_common::orders::{Order, Status};
use mercato_common::types::{Error, Line, PricedLine};

use crate::schema::datetime::DateTime;
use crate::schema::nullable::{Nullable, nullable};
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

    /// In minor units (cents) of `currency`.
    async fn total(&self) -> i32 {
        int(self.0.total.amount)
    }

    /// ISO 4217.
    async fn currency(&self) -> &str {
        &self.0.total.currency
    }

    async fn created_at(&self) -> DateTime {
        DateTime(self.0.created_at)
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
pub struct OrderProductObject<'a>(&'a PricedLine);

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
        int(self.0.unit_price.amount)
    }

    /// The product as it is now; null where it is gone.
    async fn product(&self, context: &Context<'_>) -> Nullable<ProductObject> {
        nullable(async {
            let session = Session::of(context)?;
            let product = session.products.load(&self.0.product_id).await;
            product
                .map(|product| product.map(ProductObject))
                .map_err(|error| session.error(error))
        })
        .await
    }
}

/// So many of one product.
#[derive(InputObject)]
pub struct OrderProductInput {
    /// The product's id.
    #[graphql(name = "_id")]
    id: String,
    quantity: i32,
}

/// The lines of an order to be placed.
pub fn to_lines(products: Option<Vec<Option<OrderProductInput>>>) -> Result<Vec<Line>, Error> {
    let line = |(index, product): (usize, Option<OrderProductInput>)| match product {
        // The service refuses 0, and so everything below it.
        Some(product) => Ok(Line {
            product_id: product.id,
            quantity: u32::try_from(product.quantity).unwrap_or(0),
        }),
        None => Err(Error::invalid(
            format!("products[{index}]"),
            "A line is a product's _id and a quantity, not null.",
        )),
    };
    products
        .unwrap_or_default()
        .into_iter()
        .enumerate()
        .map(line)
        .collect()
}
