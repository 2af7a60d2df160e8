//! Carts.

use async_graphql::{Enum, SimpleObject};
use mercato_shop::carts;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::convert::{Convert, convert};
use crate::model::scalar::{DateTime, Id, Int};

/// A shopping cart.
#[derive(Serialize, JsonSchema, SimpleObject)]
#[graphql(complex)]
#[serde(rename_all = "camelCase")]
pub struct Cart {
    /// The id of a guest's cart, to send as `cartId`. Keep it secret: it works like a password. Null for a
    /// user's cart. Also null if the guest has no cart yet: the first addition creates one.
    #[graphql(name = "_id")]
    #[serde(rename = "_id")]
    id: Option<Id>,
    /// Null for a guest's cart.
    user_id: Option<Id>,
    /// In the order of their addition.
    #[graphql(complexity = "5 * child_complexity")]
    products: Vec<CartProduct>,
    /// Changes of the products since their lines were added or updated. Adding to a line or updating it
    /// removes its changes.
    #[graphql(complexity = "5 * child_complexity")]
    changes: Vec<CartChange>,
    /// The sum at current prices, in minor units (cents) of `currency`. It excludes discount, tax and
    /// products that are no longer for sale. Null if no product has a price, or if prices have different
    /// currencies.
    #[graphql(skip)]
    pub total: Option<i64>,
    /// The currency of the total, in ISO 4217.
    currency: Option<String>,
    /// When the cart is emptied, unless it changes before. Null if there is no cart.
    expires_at: Option<DateTime>,
}

/// A line of a cart.
#[derive(Serialize, JsonSchema, SimpleObject)]
#[graphql(complex)]
#[serde(rename_all = "camelCase")]
pub struct CartProduct {
    /// The product's id.
    #[graphql(name = "_id")]
    #[serde(rename = "_id")]
    pub id: Id,
    quantity: Int<u32>,
    /// The product's name. For a product that is no longer for sale, its last name.
    name: String,
    /// The current price of one unit, in minor units (cents) of `currency`. Null if the product is no longer
    /// for sale.
    unit_price: Option<Int>,
    /// ISO 4217. Null if the product is no longer for sale.
    currency: Option<String>,
    /// The current price of all units. Null if the product is no longer for sale.
    #[graphql(skip)]
    pub total: Option<i64>,
    /// The number of units that can be bought now.
    available: Int<u32>,
}

/// A change of a product since its line was added or updated.
#[derive(Serialize, JsonSchema, SimpleObject)]
#[serde(rename_all = "camelCase")]
pub struct CartChange {
    product_id: Id,
    kind: CartChangeKind,
    /// The value when the line was added or updated: the price of one unit in minor units, or the units in
    /// stock.
    before: Option<Int>,
    /// The current value.
    after: Option<Int>,
}

/// The kind of a change.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, JsonSchema, Enum)]
#[graphql(remote = "carts::ChangeKind")]
#[serde(rename_all = "kebab-case")]
pub enum CartChangeKind {
    /// The price of one unit changed. `before` and `after` are prices in minor units.
    PriceChanged,
    /// No units are left. `before` and `after` are units in stock.
    OutOfStock,
    /// Fewer units are left than the cart has. `before` and `after` are units in stock.
    LessInStock,
    /// The product is no longer for sale, or only its variants are.
    Vanished,
}

/// Which cart, if it is a guest's.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CartChoice {
    /// The `_id` that the first addition of a guest returned. `userId` must then be `me`.
    pub cart_id: Option<String>,
}

/// Units of a product to add.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Addition {
    pub product_id: String,
    /// The units to add to those already in the cart: at least 1, and at most 1000000 in total. The
    /// default is 1.
    #[serde(default = "one")]
    pub quantity: i64,
}

const fn one() -> i64 {
    1
}

/// The new number of units.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "CartPieces")]
pub struct CartUnits {
    /// 0 to 1000000.
    pub quantity: i64,
}

/// The terms of a checkout.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CheckoutTerms {
    discount_code: Option<String>,
    /// The destination, which determines the tax: an ISO 3166 code such as DE or US-CA.
    region: Option<String>,
    /// The `total` that the customer saw. If the total has changed, no order is placed, and the error is
    /// CONFLICT.
    expected_total: Option<Int>,
}

convert!(carts::ChangeKind => CartChangeKind);
convert!(carts::Change => CartChange { product_id, kind, before, after });
convert!(CheckoutTerms => carts::Terms { discount_code, region, expected_total });

impl Convert<Cart> for carts::Cart {
    fn convert(self) -> Cart {
        let (total, currency) = self.total.map(|total| (total.amount, total.currency)).unzip();
        Cart {
            id: self.id.convert(),
            user_id: self.user_id.convert(),
            products: self.lines.convert(),
            changes: self.changes.convert(),
            total,
            currency,
            expires_at: self.expires_at.convert(),
        }
    }
}

impl Convert<CartProduct> for carts::CartLine {
    fn convert(self) -> CartProduct {
        let (unit_price, currency) = self
            .unit_price
            .map(|price| (price.amount, price.currency))
            .unzip();
        CartProduct {
            id: self.product_id.convert(),
            quantity: self.quantity.convert(),
            name: self.name,
            unit_price: unit_price.convert(),
            currency,
            total: unit_price.map(|price| price.saturating_mul(i64::from(self.quantity))),
            available: self.available.convert(),
        }
    }
}
