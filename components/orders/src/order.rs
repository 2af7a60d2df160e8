//! The order as it is stored.

use mercato_shop::collection::{Collection, Stored};
use mercato_shop::orders::{Amounts, Order, OrderLine, Status, StatusChange};
use mercato_shop::types::PricedLine;
use serde::{Deserialize, Serialize};

use crate::amounts;
use crate::placement::Wanted;
use crate::redemption::Redeemed;
use crate::status::Named;
use crate::timeline::Entry;

/// All orders, and the tombstones of those that were given up, by id.
pub const ORDERS: Collection<Record> = Collection::new("orders.orders");

/// An id is used once: by an order, or by the decision that there will be none.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Record {
    Order(OrderBody),
    Abandoned(Tombstone),
}

/// The placement of this id came to nothing. Has none of an order's fields, so that no query finds it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Tombstone {
    pub abandoned_at: u64,
}

/// Only what its lines come to is stored: what the order comes to is their sum.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OrderBody {
    pub user_id: String,
    pub lines: Vec<LineBody>,
    pub currency: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub discount: Option<Redeemed>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    pub status: Named,
    /// Whether a payment has made it paid, and is to be given back when the order is undone.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub settled: bool,
    #[serde(default)]
    pub timeline: Vec<Entry>,
    pub created_at: u64,
    /// When its last change was made; none where that was before anybody could watch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub updated_at: Option<u64>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LineBody {
    pub product_id: String,
    pub name: String,
    pub quantity: u32,
    pub price: i64,
    #[serde(default)]
    pub discount: i64,
    #[serde(default)]
    pub tax: i64,
}

impl OrderBody {
    /// A new order of lines that are reserved for it, each with its amounts. All have one currency: the inventory sees to it.
    pub fn place(
        wanted: &Wanted<'_>,
        priced: Vec<PricedLine>,
        amounts: &[Amounts],
        discount: Option<Redeemed>,
        region: Option<String>,
        now: u64,
    ) -> Self {
        let currency = currency(&priced);
        let lines = priced.into_iter().zip(amounts).map(|(line, amounts)| LineBody {
            product_id: line.product_id,
            name: line.name,
            quantity: line.quantity,
            price: line.unit_price.amount,
            discount: amounts.discount,
            tax: amounts.tax,
        });
        let mut order = Self {
            user_id: wanted.user_id.into(),
            lines: lines.collect(),
            currency,
            discount,
            region,
            status: Named(Status::Pending),
            settled: false,
            timeline: Vec::new(),
            created_at: now,
            updated_at: None,
        };
        let placed = StatusChange {
            at: now,
            actor: wanted.actor.clone(),
            before: None,
            after: Status::Pending,
            note: None,
        };
        order.timeline.push(placed.into());
        order
    }

    /// What is to be paid, in minor units.
    pub fn total(&self) -> i64 {
        let amounts: Vec<_> = self.lines.iter().map(LineBody::amounts).collect();
        amounts::total(amounts.iter()).total
    }

    /// Whether what it took goes back on hand, or has gone.
    pub fn is_undone(&self) -> bool {
        self.timeline.last().is_some_and(Entry::gives_back)
    }
}

impl LineBody {
    fn amounts(&self) -> Amounts {
        amounts::line(subtotal(self.price, self.quantity), self.discount, self.tax)
    }
}

/// What so many pieces cost.
pub fn subtotal(price: i64, quantity: u32) -> i64 {
    price.saturating_mul(i64::from(quantity))
}

/// The one currency of lines that were reserved together.
pub fn currency(lines: &[PricedLine]) -> String {
    lines
        .first()
        .map(|line| line.unit_price.currency.clone())
        .unwrap_or_default()
}

/// What is told of an order; none of a tombstone.
pub fn to_order(stored: Stored<Record>) -> Option<Order> {
    let Record::Order(body) = stored.body else {
        return None;
    };
    let lines: Vec<_> = body
        .lines
        .into_iter()
        .map(|line| OrderLine {
            amounts: line.amounts(),
            product_id: line.product_id,
            name: line.name,
            quantity: line.quantity,
            unit_price: line.price,
        })
        .collect();
    Some(Order {
        id: stored.id,
        user_id: body.user_id,
        amounts: amounts::total(lines.iter().map(|line| &line.amounts)),
        lines,
        currency: body.currency,
        discount_code: body.discount.map(|discount| discount.code),
        region: body.region,
        status: body.status.0,
        timeline: body.timeline.into_iter().map(Entry::into).collect(),
        version: stored.version,
        created_at: body.created_at,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_from_before_discounts_tax_and_timelines_is_read() {
        let text = r#"{"userId":"u1","lines":[{"productId":"p","name":"Sock","quantity":2,"price":250}],
            "total":500,"currency":"USD","status":"pending","createdAt":7}"#;
        let order = to_order(Stored {
            id: "o".into(),
            version: 1,
            body: serde_json::from_str(text).unwrap(),
        });
        let order = order.unwrap();
        assert_eq!((order.amounts.subtotal, order.amounts.total), (500, 500));
        assert_eq!((order.status, order.timeline.len()), (Status::Pending, 0));
    }

    #[test]
    fn a_tombstone_is_no_order() {
        let body = serde_json::from_str(r#"{"abandonedAt":7}"#).unwrap();
        assert_eq!(body, Record::Abandoned(Tombstone { abandoned_at: 7 }));
        let stored = Stored {
            id: "o".into(),
            version: 1,
            body,
        };
        assert_eq!(to_order(stored), None);
    }
}
