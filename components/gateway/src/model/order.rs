//! Orders.

use std::borrow::Cow;

use async_graphql::resolver_utils::EnumType;
use async_graphql::{Enum, InputObject, SimpleObject};
use mercato_shop::carts;
use mercato_shop::orders::{self, Actor};
use mercato_shop::types::{Error, Line};
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, de};
use serde_json::json;

use crate::model::convert::{Convert, convert};
use crate::model::entity_id::EntityId;
use crate::model::scalar::{Amount, DateTime, Id, Int, IntAmount, names_only};

/// An id, for examples.
const EXAMPLE_ID: &str = "0198c0de-1f2e-7abc-8def-0123456789ab";

/// The status of an order.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, JsonSchema, Enum)]
#[graphql(remote = "orders::Status")]
#[serde(rename_all = "lowercase")]
#[schemars(transform = names_only)]
pub enum OrderStatus {
    /// Placed, and not paid.
    Pending,
    /// Paid.
    Paid,
    /// Being packed.
    Processing,
    /// Shipped.
    Shipped,
    /// Delivered to the customer.
    Delivered,
    /// Cancelled. Its products are back in stock.
    Cancelled,
    /// Refunded in full.
    Refunded,
}

impl<'de> Deserialize<'de> for OrderStatus {
    /// Reads a status in any case, such as `shipped`, `Shipped` and `SHIPPED`.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<str>::deserialize(deserializer)?;
        let items = Self::items();
        match items.iter().find(|item| item.name.eq_ignore_ascii_case(&text)) {
            Some(item) => Ok(item.value),
            None => {
                let names: Vec<_> = items.iter().map(|item| item.name.to_ascii_lowercase()).collect();
                let message = format!("must be one of {}", names.join(", "));
                Err(de::Error::custom(message))
            }
        }
    }
}

/// An order. Amounts are in minor units (cents) of `currency`.
#[derive(Serialize, JsonSchema, SimpleObject)]
#[graphql(complex)]
#[serde(rename_all = "camelCase")]
pub struct Order {
    #[graphql(flatten)]
    #[serde(flatten)]
    pub id: EntityId,
    /// The id of the customer.
    pub user_id: Id,
    /// The lines of the order.
    #[graphql(skip)]
    pub products: Vec<OrderProduct>,
    /// The current status.
    status: OrderStatus,
    /// The price of the products, without discount and tax.
    #[graphql(derived(name = "subtotal_amount", into = "Amount", owned = true))]
    subtotal: IntAmount,
    /// The reduction by the discount code.
    #[graphql(derived(name = "discount_amount", into = "Amount", owned = true))]
    discount: IntAmount,
    /// The tax of the region, on subtotal - discount.
    #[graphql(derived(name = "tax_amount", into = "Amount", owned = true))]
    tax: IntAmount,
    /// The amount to pay: subtotal - discount + tax.
    #[graphql(derived(name = "total_amount", into = "Amount", owned = true))]
    total: IntAmount,
    /// ISO 4217.
    pub currency: String,
    /// The discount code that the order was placed with.
    discount_code: Option<String>,
    /// The destination, in ISO 3166.
    region: Option<String>,
    /// Increases with each change of the order. `updateOrderStatus` can check it.
    pub version: Int<u64>,
    /// All changes of the status, from the placement on.
    timeline: Vec<StatusChange>,
    /// When the order was placed.
    created_at: DateTime,
}

/// A product as it was sold. `_id` is the id of the product, so lines of different orders have the same
/// `_id`. Amounts are in minor units (cents) of the order's currency.
#[derive(Serialize, JsonSchema, SimpleObject)]
#[graphql(complex)]
#[serde(rename_all = "camelCase")]
pub struct OrderProduct {
    /// The id of the product.
    #[graphql(skip)]
    #[serde(flatten)]
    pub id: EntityId,
    /// The name of the product when it was sold.
    name: String,
    /// The number of units.
    quantity: Int<u32>,
    /// The price of one unit when it was sold.
    #[graphql(derived(name = "unit_price_amount", into = "Amount", owned = true))]
    unit_price: IntAmount,
    /// The price of all units, without discount and tax.
    #[graphql(derived(name = "subtotal_amount", into = "Amount", owned = true))]
    subtotal: IntAmount,
    /// The line's share of the order's discount.
    #[graphql(derived(name = "discount_amount", into = "Amount", owned = true))]
    discount: IntAmount,
    /// The line's share of the order's tax.
    #[graphql(derived(name = "tax_amount", into = "Amount", owned = true))]
    tax: IntAmount,
    /// The line's share of the amount to pay: subtotal - discount + tax.
    #[graphql(derived(name = "total_amount", into = "Amount", owned = true))]
    total: IntAmount,
}

/// A line of an order: a product as it was sold. Amounts are in minor units (cents) of `currency`.
#[derive(SimpleObject)]
#[graphql(complex)]
pub struct OrderLine {
    /// Unique among all entities of the shop: the id of the order, `.`, and the number of the line from 1.
    pub id: Id,
    /// The id of the product.
    pub product_id: Id,
    /// The name of the product when it was sold.
    name: String,
    /// The number of units.
    quantity: Int<u32>,
    /// The price of one unit when it was sold.
    unit_price: Amount,
    /// The price of all units, without discount and tax.
    subtotal: Amount,
    /// The line's share of the order's discount.
    discount: Amount,
    /// The line's share of the order's tax.
    tax: Amount,
    /// The line's share of the amount to pay: subtotal - discount + tax.
    total: Amount,
    /// The currency of the order, in ISO 4217.
    currency: String,
}

impl Order {
    /// Returns the lines with ids of their own.
    pub fn order_lines(&self) -> Vec<OrderLine> {
        let lines = self.products.iter().zip(1..);
        lines
            .map(|(product, number)| self.line(product, number))
            .collect()
    }

    fn line(&self, product: &OrderProduct, number: u32) -> OrderLine {
        OrderLine {
            id: format!("{}.{number}", &*self.id).into(),
            product_id: product.id.as_id().clone(),
            name: product.name.clone(),
            quantity: product.quantity,
            unit_price: product.unit_price.into(),
            subtotal: product.subtotal.into(),
            discount: product.discount.into(),
            tax: product.tax.into(),
            total: product.total.into(),
            currency: self.currency.clone(),
        }
    }
}

/// A change of an order's status.
#[derive(Serialize, JsonSchema, SimpleObject)]
#[graphql(name = "OrderStatusChange")]
#[serde(rename_all = "camelCase")]
pub struct StatusChange {
    /// When the status changed.
    at: DateTime,
    /// The kind of actor that made the change.
    actor: OrderActor,
    /// The id of the user, if the actor is a user.
    actor_id: Option<Id>,
    /// The status before. Null for the placement of the order.
    from: Option<OrderStatus>,
    /// The status after.
    to: OrderStatus,
    /// The note or the reason that the actor gave.
    note: Option<String>,
}

/// The kind of actor that changed an order.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, JsonSchema, Enum)]
#[serde(rename_all = "kebab-case")]
#[schemars(transform = names_only)]
pub enum OrderActor {
    /// The customer.
    Customer,
    /// A user with the role ADMIN.
    Admin,
    /// A caller with the API key.
    ApiKey,
    /// The shop itself, such as when a time limit passed.
    Shop,
}

/// An order to place.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(example = json!({ "products": [{ "_id": EXAMPLE_ID, "quantity": 2 }], "region": "DE" }))]
pub struct NewOrder {
    /// The products to order.
    products: Option<Vec<NewLine>>,
    /// Another name of `products`.
    items: Option<Vec<NewLine>>,
    /// A discount code.
    discount_code: Option<String>,
    /// The destination, which determines the tax: an ISO 3166 code such as DE or US-CA.
    region: Option<String>,
}

/// An order to place for a user: of `products`, or else of the user's cart.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(example = json!({ "products": [{ "_id": EXAMPLE_ID, "quantity": 2 }], "region": "DE" }))]
pub struct NewOrderOfUser {
    /// The products to order. Without it, the products in the user's cart are ordered.
    products: Option<Vec<NewLine>>,
    /// Another name of `products`.
    items: Option<Vec<NewLine>>,
    /// A discount code.
    discount_code: Option<String>,
    /// The destination, which determines the tax: an ISO 3166 code such as DE or US-CA.
    region: Option<String>,
    /// Only for a cart: the `total` that the customer saw. If the total has changed, no order is placed, and
    /// the error is CONFLICT.
    expected_total: Option<i64>,
}

/// Units of a product to order.
#[derive(Deserialize, JsonSchema, InputObject)]
#[graphql(name = "OrderProductInput")]
#[serde(deny_unknown_fields)]
pub struct NewLine {
    /// The id of the product. REST also takes `id` and `productId`.
    #[graphql(name = "_id")]
    #[serde(rename = "_id", alias = "id", alias = "productId")]
    id: String,
    /// The number of units, at least 1.
    quantity: Int,
}

/// A new status of an order.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "StatusWanted", example = json!({ "status": "shipped", "note": "Parcel 42" }))]
pub struct StatusUpdate {
    /// The new status, in upper or lower case.
    pub status: OrderStatus,
    /// For the timeline. At most 500 characters.
    pub note: Option<String>,
    /// The version that the change is based on. The header `If-Match` takes precedence.
    pub version: Option<u64>,
}

/// Why an order is cancelled.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Cancellation {
    /// For the timeline. At most 500 characters.
    pub reason: Option<String>,
}

/// Why an order is cancelled, and in which version.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(example = json!({ "reason": "Too large", "version": 1 }))]
pub struct OrderDeletion {
    /// Takes precedence over the `reason` in the URL.
    pub reason: Option<String>,
    /// The version of the order. The header `If-Match` takes precedence.
    pub version: Option<u64>,
}

/// Which orders to list. All conditions must hold.
#[derive(Default, Deserialize, JsonSchema, InputObject)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct OrderFilter {
    /// The number of items. The default is 20.
    #[graphql(skip)]
    #[schemars(range(min = 1, max = 100))]
    pub first: Option<u32>,
    /// The `endCursor` of the previous page.
    #[graphql(skip)]
    pub after: Option<String>,
    /// Orders with this status.
    status: Option<OrderStatus>,
    /// Orders that were placed at this time or later.
    created_from: Option<DateTime>,
    /// Orders that were placed before this time.
    created_before: Option<DateTime>,
    /// Customers can list only their own orders. REST also takes `me`.
    pub user_id: Option<String>,
    /// The sort order: `-created`, the default, lists the newest first, `created` the oldest.
    #[graphql(skip)]
    #[serde(default)]
    pub sort: OrdersOrder,
}

/// The sort order of orders.
#[derive(Clone, Copy, Default, Deserialize, JsonSchema, PartialEq, Eq)]
pub enum OrdersOrder {
    /// The oldest first.
    #[serde(rename = "created")]
    Created,
    /// The newest first.
    #[default]
    #[serde(rename = "-created")]
    CreatedDescending,
}

/// The field that orders are sorted by.
#[derive(Clone, Copy, Default, PartialEq, Eq, Enum)]
pub enum OrderSortKey {
    /// The time of the placement.
    #[default]
    Created,
}

/// The sort order of orders.
#[derive(InputObject)]
pub struct OrderSort {
    /// The field to sort by.
    #[graphql(default)]
    key: OrderSortKey,
    /// Whether the newest order comes first.
    #[graphql(default)]
    descending: bool,
}

impl OrderSort {
    /// Returns whether the oldest order comes first.
    pub const fn is_oldest_first(&self) -> bool {
        match self.key {
            OrderSortKey::Created => !self.descending,
        }
    }
}

convert!(orders::Status => OrderStatus, OrderStatus => orders::Status);
convert!(orders::Order => Order {
    id, user_id, products: lines, status, subtotal: amounts.subtotal, discount: amounts.discount, tax:
    amounts.tax, total: amounts.total, currency, discount_code, region, version, timeline, created_at,
});
convert!(orders::OrderLine => OrderProduct {
    id: product_id, name, quantity, unit_price, subtotal: amounts.subtotal, discount: amounts.discount, tax:
    amounts.tax, total: amounts.total,
});
convert!(OrderFilter => orders::OrderFilter { status, created_from, created_before, user_id });

/// What a new order is made of.
pub enum OrderSource {
    /// These products.
    Products(orders::NewOrder),
    /// The user's cart.
    Cart(carts::Terms),
}

impl TryFrom<NewOrder> for orders::NewOrder {
    type Error = Error;

    fn try_from(input: NewOrder) -> Result<Self, Error> {
        let lines = lines(input.products, input.items)?;
        let missing = || Error::invalid("products", "Send `products`, the products to order.");
        Ok(Self {
            lines: lines.ok_or_else(missing)?.convert(),
            discount_code: input.discount_code,
            region: input.region,
        })
    }
}

impl TryFrom<NewOrderOfUser> for OrderSource {
    type Error = Error;

    fn try_from(input: NewOrderOfUser) -> Result<Self, Error> {
        let NewOrderOfUser {
            discount_code,
            region,
            expected_total,
            ..
        } = input;
        match lines(input.products, input.items)? {
            None => Ok(Self::Cart(carts::Terms {
                discount_code,
                region,
                expected_total,
            })),
            Some(_) if expected_total.is_some() => {
                let message = "Send `expectedTotal` only for a cart, without `products`.";
                Err(Error::invalid("expectedTotal", message))
            }
            Some(lines) => Ok(Self::Products(orders::NewOrder {
                lines: lines.convert(),
                discount_code,
                region,
            })),
        }
    }
}

fn lines(products: Option<Vec<NewLine>>, items: Option<Vec<NewLine>>) -> Result<Option<Vec<NewLine>>, Error> {
    match (products, items) {
        (Some(_), Some(_)) => Err(Error::invalid("items", "Send either `products` or `items`.")),
        (products, items) => Ok(products.or(items)),
    }
}

impl Convert<StatusChange> for orders::StatusChange {
    fn convert(self) -> StatusChange {
        let (actor, actor_id) = match self.actor {
            Actor::Customer(id) => (OrderActor::Customer, Some(id)),
            Actor::Admin(id) => (OrderActor::Admin, Some(id)),
            Actor::ApiKey => (OrderActor::ApiKey, None),
            Actor::Shop => (OrderActor::Shop, None),
        };
        StatusChange {
            at: self.at.convert(),
            actor,
            actor_id: actor_id.convert(),
            from: self.before.convert(),
            to: self.after.convert(),
            note: self.note,
        }
    }
}

impl Convert<Line> for NewLine {
    fn convert(self) -> Line {
        Line {
            product_id: self.id,
            // The service refuses 0. A number out of range becomes 0, so that the service refuses it too.
            quantity: u32::try_from(self.quantity.0).unwrap_or(0),
        }
    }
}
