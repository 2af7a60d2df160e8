//! The shapes of JSON that tell of carts.

use mercato_shop::carts::{Cart as Found, CartLine, Change, ChangeKind};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::schema::datetime::DateTime;

/// What somebody means to buy.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Cart {
    /// What a guest's cart is used by, as `cartId`. Keep it, and keep it to yourself: it is as good as a password. Null for a user's
    /// cart, and where a guest has none: the first addition begins one.
    #[serde(rename = "_id")]
    id: Option<String>,
    /// Null for a guest's cart.
    user_id: Option<String>,
    /// In the order in which they were added.
    products: Vec<CartProduct>,
    /// What has happened to its products. Each is told until its line is added to, or updated, the next time.
    changes: Vec<CartChange>,
    /// What it comes to at the prices of now, without discount and tax and without products that have vanished, in minor units
    /// (cents) of `currency`. Null where nothing in it has a price, or prices are in different currencies.
    total: Option<i64>,
    /// ISO 4217, of the total.
    currency: Option<String>,
    /// When it is emptied, unless it is changed before. Null where there is no cart.
    expires_at: Option<DateTime>,
}

/// One line of a cart.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct CartProduct {
    /// The product's id.
    #[serde(rename = "_id")]
    id: String,
    quantity: u32,
    /// The product's name; of one that has vanished, the last one.
    name: String,
    /// The price of one piece now, in minor units (cents) of `currency`; null where the product has vanished.
    unit_price: Option<i64>,
    /// ISO 4217; null where the product has vanished.
    currency: Option<String>,
    /// The price of all its pieces now; null where the product has vanished.
    total: Option<i64>,
    /// How many can be bought now, in all.
    available: u32,
}

/// What has happened to a product in a cart.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct CartChange {
    product_id: String,
    kind: CartChangeKind,
    /// As it was when the line was last added to or updated: the price of one piece in minor units, or how many could be bought.
    before: Option<i64>,
    /// As it is now.
    after: Option<i64>,
}

/// What can happen to a product in a cart.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum CartChangeKind {
    PriceChanged,
    /// There is none left.
    OutOfStock,
    /// There are fewer than the cart has.
    LessInStock,
    /// It is not sold any more.
    Vanished,
}

impl From<Found> for Cart {
    fn from(cart: Found) -> Self {
        let (total, currency) = cart.total.map(|total| (total.amount, total.currency)).unzip();
        Self {
            id: cart.id,
            user_id: cart.user_id,
            products: cart.lines.into_iter().map(CartProduct::from).collect(),
            changes: cart.changes.into_iter().map(CartChange::from).collect(),
            total,
            currency,
            expires_at: cart.expires_at.map(DateTime),
        }
    }
}

impl From<CartLine> for CartProduct {
    fn from(line: CartLine) -> Self {
        let (unit_price, currency) = line
            .unit_price
            .map(|price| (price.amount, price.currency))
            .unzip();
        Self {
            id: line.product_id,
            quantity: line.quantity,
            name: line.name,
            unit_price,
            currency,
            total: unit_price.map(|price| price.saturating_mul(i64::from(line.quantity))),
            available: line.available,
        }
    }
}

impl From<Change> for CartChange {
    fn from(change: Change) -> Self {
        Self {
            product_id: change.product_id,
            kind: match change.kind {
                ChangeKind::PriceChanged => CartChangeKind::PriceChanged,
                ChangeKind::OutOfStock => CartChangeKind::OutOfStock,
                ChangeKind::LessInStock => CartChangeKind::LessInStock,
                ChangeKind::Vanished => CartChangeKind::Vanished,
            },
            before: change.before,
            after: change.after,
        }
    }
}

/// Which cart, where it is a guest's.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CartWanted {
    /// The `_id` that a guest's first addition has answered; `userId` is `me` then.
    pub cart_id: Option<String>,
}

/// So many of a product.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Addition {
    pub product_id: String,
    /// 1 to 1000000, together with what is there; 1 where it is left out.
    #[serde(default = "one")]
    pub quantity: i64,
}

const fn one() -> i64 {
    1
}

/// How many there are to be.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "CartPieces")]
pub struct Pieces {
    /// 0 to 1000000.
    pub quantity: i64,
}

/// How a cart is to become an order.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CheckoutTerms {
    pub discount_code: Option<String>,
    /// Where it goes to, and is taxed: an ISO 3166 code such as DE or US-CA.
    pub region: Option<String>,
    /// The `total` that the cart was seen with; CONFLICT, and no order, where its products come to something else.
    pub expected_total: Option<i64>,
}
