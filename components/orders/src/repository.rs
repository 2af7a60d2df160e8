//! The documents of the orders service: their bodies, how they are read, and the API types that they become.

use mercato_shop::collection::{Collection, Stored};
use mercato_shop::discounts::{Discount, Reduction};
use mercato_shop::id;
use mercato_shop::orders::{Actor, Amounts, Order, OrderLine, Status, StatusChange};
use mercato_shop::ports::Ports;
use mercato_shop::types::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::{amounts, status};

/// Orders, and the tombstones of abandoned placements.
pub const ORDERS: Collection<Record> = Collection::new("orders.orders");

/// Discounts, by code.
pub const DISCOUNTS: Collection<DiscountBody> = Collection::new("orders.discounts");

/// The remaining uses of discounts that are limited for each customer, by `CODE/user id`.
pub const CUSTOMER_USES: Collection<CustomerUses> = Collection::new("orders.discount-shares");

/// The document of an order's id: the order, or a tombstone, after which there will never be an order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Record {
    Order(OrderBody),
    Abandoned(Tombstone),
}

/// An abandoned placement. It has none of an order's fields, so that no query of orders finds it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Tombstone {
    pub abandoned_at: u64,
}

/// The amounts of the lines are stored. The amounts of the order are their sum.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OrderBody {
    pub user_id: String,
    pub lines: Vec<LineBody>,
    pub currency: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub discount: Option<Redemption>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    pub status: StoredStatus,
    /// Whether the order was paid through the payment gateway. The payment is refunded if the order is
    /// cancelled.
    #[serde(rename = "settled", default, skip_serializing_if = "std::ops::Not::not")]
    pub paid_by_gateway: bool,
    #[serde(default)]
    pub timeline: Vec<TimelineEntry>,
    pub created_at: u64,
    /// The time of the last change. Documents of earlier versions have none.
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

/// A change of an order's status. It is added in the commit of the change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TimelineEntry {
    pub at: u64,
    #[serde(with = "StoredActor")]
    pub actor: Actor,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<StoredStatus>,
    pub after: StoredStatus,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Actor", rename_all = "camelCase")]
enum StoredActor {
    Customer(String),
    Admin(String),
    ApiKey,
    Shop,
}

/// A status, stored by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "&'static str", try_from = "String")]
pub struct StoredStatus(pub Status);

impl From<StoredStatus> for &'static str {
    fn from(stored: StoredStatus) -> Self {
        status::name(stored.0)
    }
}

impl TryFrom<String> for StoredStatus {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        status::parse(&text)
            .map(Self)
            .ok_or_else(|| format!("unknown status {text}"))
    }
}

/// The use of a discount by an order, with the limits to restore when the order is cancelled.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Redemption {
    pub code: String,
    pub limited: bool,
    pub limited_per_customer: bool,
}

/// A discount. `enabled`, `left` and `used` change by adjustments only, in the commits of the orders that use
/// the code.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DiscountBody {
    #[serde(serialize_with = "store_reduction", deserialize_with = "read_reduction")]
    pub reduction: Reduction,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub currency: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub minimum: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit_per_customer: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub starts_at: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ends_at: Option<u64>,
    /// 1, or 0 for a disabled discount.
    pub enabled: i64,
    /// How many uses are left, if there is a limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub left: Option<i64>,
    pub used: i64,
    pub created_at: u64,
}

/// A reduction as it is stored.
#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
enum StoredReduction {
    /// The form of earlier versions.
    Percent(u32),
    BasisPoints(u32),
    Amount(i64),
}

fn store_reduction<S: Serializer>(reduction: &Reduction, serializer: S) -> Result<S::Ok, S::Error> {
    let stored = match *reduction {
        Reduction::BasisPoints(points) => StoredReduction::BasisPoints(points),
        Reduction::Amount(amount) => StoredReduction::Amount(amount),
    };
    stored.serialize(serializer)
}

fn read_reduction<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Reduction, D::Error> {
    Ok(match StoredReduction::deserialize(deserializer)? {
        StoredReduction::Percent(percent) => Reduction::BasisPoints(percent.saturating_mul(100)),
        StoredReduction::BasisPoints(points) => Reduction::BasisPoints(points),
        StoredReduction::Amount(amount) => Reduction::Amount(amount),
    })
}

/// The number of uses of a discount that one customer has left.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CustomerUses {
    pub left: i64,
}

impl Record {
    /// Creates the tombstone of a placement that is abandoned now.
    pub fn tombstone() -> Self {
        Self::Abandoned(Tombstone {
            abandoned_at: id::now(),
        })
    }
}

impl LineBody {
    fn amounts(&self) -> Amounts {
        let subtotal = amounts::subtotal(self.price, self.quantity);
        amounts::line(subtotal, self.discount, self.tax)
    }
}

impl OrderBody {
    /// Returns the amount to pay, in minor units.
    pub fn total(&self) -> i64 {
        let amounts: Vec<_> = self.lines.iter().map(LineBody::amounts).collect();
        amounts::total(amounts.iter()).total
    }

    pub fn into_order(self, id: String, version: u64) -> Order {
        let lines: Vec<_> = self
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
        Order {
            id,
            user_id: self.user_id,
            amounts: amounts::total(lines.iter().map(|line| &line.amounts)),
            lines,
            currency: self.currency,
            discount_code: self.discount.map(|discount| discount.code),
            region: self.region,
            status: self.status.0,
            timeline: self.timeline.into_iter().map(Into::into).collect(),
            version,
            created_at: self.created_at,
        }
    }
}

impl From<TimelineEntry> for StatusChange {
    fn from(entry: TimelineEntry) -> Self {
        Self {
            at: entry.at,
            actor: entry.actor,
            before: entry.before.map(|status| status.0),
            after: entry.after.0,
            note: entry.note,
        }
    }
}

/// Reads an order.
///
/// # Errors
/// [`Error::NotFound`] if there is no such order.
pub fn get_order(ports: &impl Ports, id: &str) -> Result<(u64, OrderBody), Error> {
    match ORDERS.get(ports, id)? {
        Some(Stored {
            version,
            body: Record::Order(body),
            ..
        }) => Ok((version, body)),
        _ => Err(order_not_found(id)),
    }
}

/// Returns the error for an order id that does not exist.
pub fn order_not_found(id: &str) -> Error {
    Error::NotFound(format!("There is no order {id}."))
}

/// Returns the order of a record, or `None` for a tombstone.
pub fn to_order(stored: Stored<Record>) -> Option<Order> {
    match stored.body {
        Record::Order(body) => Some(body.into_order(stored.id, stored.version)),
        Record::Abandoned(_) => None,
    }
}

pub fn to_discount(stored: Stored<DiscountBody>) -> Discount {
    let body = stored.body;
    Discount {
        code: stored.id,
        reduction: body.reduction,
        currency: body.currency,
        minimum: body.minimum,
        limit: body.limit,
        limit_per_customer: body.limit_per_customer,
        starts_at: body.starts_at,
        ends_at: body.ends_at,
        enabled: body.enabled > 0,
        used: u64::try_from(body.used).unwrap_or(0),
        created_at: body.created_at,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Option<Order> {
        to_order(Stored {
            id: "o".into(),
            version: 1,
            body: serde_json::from_str(text).unwrap(),
        })
    }

    #[test]
    fn reads_an_order_without_discount_tax_and_timeline() {
        let order = read(
            r#"{"userId":"u1","lines":[{"productId":"p","name":"Sock","quantity":2,"price":250}],
            "total":500,"currency":"USD","status":"pending","createdAt":7}"#,
        );
        let order = order.unwrap();
        assert_eq!((order.amounts.subtotal, order.amounts.total), (500, 500));
        assert_eq!((order.status, order.timeline.len()), (Status::Pending, 0));
    }

    #[test]
    fn stores_whether_an_order_was_paid_by_the_gateway() {
        let text = r#"{"userId":"u1","lines":[],"currency":"USD","status":"paid","settled":true,
            "timeline":[],"createdAt":7}"#;
        let body: OrderBody = serde_json::from_str(text).unwrap();
        assert!(body.paid_by_gateway);
        assert!(
            serde_json::to_string(&body)
                .unwrap()
                .contains(r#""settled":true"#)
        );
    }

    #[test]
    fn reads_a_tombstone_as_no_order() {
        let text = r#"{"abandonedAt":7}"#;
        let record: Record = serde_json::from_str(text).unwrap();
        assert_eq!(record, Record::Abandoned(Tombstone { abandoned_at: 7 }));
        assert_eq!(read(text), None);
    }

    #[test]
    fn stores_statuses_actors_and_reductions_by_name() {
        let entry = TimelineEntry {
            at: 7,
            actor: Actor::ApiKey,
            before: None,
            after: StoredStatus(Status::Paid),
            note: None,
        };
        let text = r#"{"at":7,"actor":"apiKey","after":"paid"}"#;
        assert_eq!(serde_json::to_string(&entry).unwrap(), text);
        assert_eq!(serde_json::from_str::<TimelineEntry>(text).unwrap(), entry);
        assert!(serde_json::from_str::<StoredStatus>("\"lost\"").is_err());
        for (stored, reduction) in [
            (r#"{"basisPoints":620}"#, Reduction::BasisPoints(620)),
            (r#"{"amount":5}"#, Reduction::Amount(5)),
        ] {
            let text = format!(r#"{{"reduction":{stored},"enabled":1,"used":0,"createdAt":7}}"#);
            let discount: DiscountBody = serde_json::from_str(&text).unwrap();
            assert_eq!(discount.reduction, reduction);
            assert_eq!(serde_json::to_string(&discount).unwrap(), text);
        }
    }

    #[test]
    fn reads_the_whole_percents_of_earlier_versions() {
        let text = r#"{"reduction":{"percent":10},"enabled":1,"used":0,"createdAt":7}"#;
        let discount: DiscountBody = serde_json::from_str(text).unwrap();
        assert_eq!(discount.reduction, Reduction::BasisPoints(1_000));
    }
}
