//! What orders are placed and found by.

use async_graphql::{Enum, InputObject, Result};
use mercato_shop::orders::OrderFilter as Filter;
use mercato_shop::types::{Error, Line};

use crate::schema::datetime::DateTime;
use crate::schema::order::OrderStatus;
use crate::session::Session;

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

/// Which orders; all conditions hold.
#[derive(Default, InputObject)]
pub struct OrderFilter {
    status: Option<OrderStatus>,
    /// Inclusive.
    created_from: Option<DateTime>,
    /// Exclusive.
    created_before: Option<DateTime>,
    /// For an ADMIN or the API key; a customer sees only the own orders.
    user_id: Option<String>,
}

impl OrderFilter {
    /// Passes what can be answered to who asks in this session.
    pub fn check(&self, session: &Session) -> Result<(), Error> {
        let user_id = self.user_id.as_deref();
        user_id.map_or(Ok(()), |id| session.valid_user_id("userId", id))
    }
}

impl From<OrderFilter> for Filter {
    fn from(filter: OrderFilter) -> Self {
        Self {
            status: filter.status.map(Into::into),
            created_from: filter.created_from.map(|time| time.0),
            created_before: filter.created_before.map(|time| time.0),
            user_id: filter.user_id,
        }
    }
}

/// What orders can be sorted by.
#[derive(Clone, Copy, Default, PartialEq, Eq, Enum)]
pub enum OrderSortKey {
    /// The time of their placement.
    #[default]
    Created,
}

/// The order of orders.
#[derive(InputObject)]
pub struct OrderSort {
    #[graphql(default)]
    key: OrderSortKey,
    #[graphql(default)]
    descending: bool,
}

impl OrderSort {
    /// Whether it goes from the oldest to the newest.
    pub const fn is_upwards(&self) -> bool {
        match self.key {
            OrderSortKey::Created => !self.descending,
        }
    }
}
