//! The order as it is stored.

use mercato_common::collection::{Collection, Stored};
use mercato_common::orders::{Order, Status};
use mercato_common::types::{Money, PricedLine};
use serde::{Deserialize, Serialize};

/// All orders, and the tombstones of those that were given up, by id.
pub const ORDERS: Collection<Record> = Collection::new("orders.orders");

/// An id is used once: by an order, or by the decision that there will be none.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Record {
    Order(OrderBody),
    Abandoned(Tombstone),
}

/// The placement of this id got no further than its reservation. Has none of an order's fields, so that no query finds it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Tombstone {
    pub abandoned_at: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OrderBody {
    pub user_id: String,
    pub lines: Vec<LineBody>,
    pub total: i64,
    pub currency: String,
    pub status: StoredStatus,
    pub created_at: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LineBody {
    pub product_id: String,
    pub name: String,
    pub quantity: u32,
    pub price: i64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum StoredStatus {
    Pending,
}

impl OrderBody {
    /// A new order of lines that are reserved for it. All have one currency: the inventory sees to it.
    pub fn place(user_id: &str, lines: Vec<PricedLine>, now: u64) -> Self {
        let total = lines
            .iter()
            .map(|line| line.unit_price.amount * i64::from(line.quantity))
            .sum();
        let currency = lines
            .first()
            .map(|line| line.unit_price.currency.clone())
            .unwrap_or_default();
        let lines = lines.into_iter().map(|line| LineBody {
            product_id: line.product_id,
            name: line.name,
            quantity: line.quantity,
            price: line.unit_price.amount,
        });
        Self {
            user_id: user_id.into(),
            lines: lines.collect(),
            total,
            currency,
            status: StoredStatus::Pending,
            created_at: now,
        }
    }
}

/// What is told of an order; none of a tombstone.
pub fn to_order(stored: Stored<Record>) -> Option<Order> {
    let Record::Order(body) = stored.body else {
        return None;
    };
    let currency = body.currency;
    let lines = body.lines.into_iter().map(|line| PricedLine {
        product_id: line.product_id,
        name: line.name,
        quantity: line.quantity,
        unit_price: Money {
            amount: line.price,
            currency: currency.clone(),
        },
    });
    Some(Order {
        id: stored.id,
        user_id: body.user_id,
        lines: lines.collect(),
        total: Money {
            amount: body.total,
            currency,
        },
        status: match body.status {
            StoredStatus::Pending => Status::Pending,
        },
        created_at: body.created_at,
    })
}
