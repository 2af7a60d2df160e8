//! Carts.

use async_graphql::{Enum, SimpleObject};
use mercato_shop::carts;
use mercato_shop::currency::MAX_AMOUNT;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::model::convert::{Convert, convert};
use crate::model::entity_id::EntityId;
use crate::model::scalar::{Amount, DateTime, Id, Int, IntAmount};

/// The id of the cart of a guest without a cart. This cart is always empty.
pub const EMPTY_CART: &str = "empty-cart";

/// A shopping cart.
#[derive(Serialize, JsonSchema, SimpleObject)]
#[graphql(complex)]
#[serde(rename_all = "camelCase")]
pub struct Cart {
    /// Send it as `cartId`. Keep that of a guest's cart secret: it works like a password. Null if the guest
    /// has no cart yet: the first addition creates one.
    #[graphql(name = "_id")]
    #[serde(rename = "_id")]
    cart_id: Option<Id>,
    /// Unique among all entities of the shop, and always the same for one cart. The same as `_id`, or
    /// `empty-cart` if the guest has no cart yet.
    pub id: Id,
    /// The id of the user. Null for a guest's cart.
    user_id: Option<Id>,
    /// The lines of the cart, in the order of their addition.
    #[graphql(skip)]
    pub products: Vec<CartProduct>,
    /// Changes of the products since their lines were added or updated. Adding to a line or updating it
    /// removes its changes.
    changes: Vec<CartChange>,
    /// The sum at current prices, in minor units (cents) of `currency`. It excludes discount, tax and
    /// products that are no longer for sale. Null if no product has a price, if prices have different
    /// currencies, or if the sum is too large for an order.
    #[graphql(derived(
        name = "total_amount",
        into = "Option<Amount>",
        owned = true,
        with = "Amount::optional"
    ))]
    total: Option<IntAmount>,
    /// The currency of the total, in ISO 4217.
    currency: Option<String>,
    /// When the cart is emptied, unless it changes before. Null if there is no cart.
    expires_at: Option<DateTime>,
}

/// A product in a cart. `_id` is the id of the product, so lines of different carts have the same `_id`.
/// Amounts are in minor units (cents) of `currency`.
#[derive(Serialize, JsonSchema, SimpleObject)]
#[graphql(complex)]
#[serde(rename_all = "camelCase")]
pub struct CartProduct {
    /// The id of the product.
    #[graphql(skip)]
    #[serde(flatten)]
    pub id: EntityId,
    /// The number of units.
    quantity: Int<u32>,
    /// The name of the product. For a product that is no longer for sale, its last name.
    name: String,
    /// The current price of one unit. Null if the product is no longer for sale.
    #[graphql(derived(
        name = "unit_price_amount",
        into = "Option<Amount>",
        owned = true,
        with = "Amount::optional"
    ))]
    unit_price: Option<IntAmount>,
    /// ISO 4217. Null if the product is no longer for sale.
    currency: Option<String>,
    /// The current price of all units. Null if the product is no longer for sale, or if the price is too
    /// large for an order.
    #[graphql(derived(
        name = "total_amount",
        into = "Option<Amount>",
        owned = true,
        with = "Amount::optional"
    ))]
    total: Option<IntAmount>,
    /// The number of units that can be bought now.
    available: Int<u32>,
}

/// A line of a cart. Amounts are in minor units (cents) of `currency`.
#[derive(SimpleObject)]
#[graphql(complex)]
pub struct CartLine {
    /// Unique among all entities of the shop: the `id` of the cart, `.`, and the id of the product.
    pub id: Id,
    /// The id of the product.
    pub product_id: Id,
    /// The number of units.
    quantity: Int<u32>,
    /// The name of the product. For a product that is no longer for sale, its last name.
    name: String,
    /// The current price of one unit. Null if the product is no longer for sale.
    unit_price: Option<Amount>,
    /// ISO 4217. Null if the product is no longer for sale.
    currency: Option<String>,
    /// The current price of all units. Null if the product is no longer for sale, or if the price is too
    /// large for an order.
    total: Option<Amount>,
    /// The number of units that can be bought now.
    available: Int<u32>,
}

impl Cart {
    /// Returns the cart of a guest who has none.
    pub fn empty() -> Self {
        Self {
            cart_id: None,
            id: EMPTY_CART.to_owned().into(),
            user_id: None,
            products: Vec::new(),
            changes: Vec::new(),
            total: None,
            currency: None,
            expires_at: None,
        }
    }

    /// Returns the lines with ids of their own.
    pub fn cart_lines(&self) -> Vec<CartLine> {
        let line = |product: &CartProduct| CartLine {
            id: format!("{}.{}", &*self.id, &*product.id).into(),
            product_id: product.id.as_id().clone(),
            quantity: product.quantity,
            name: product.name.clone(),
            unit_price: Amount::optional(product.unit_price),
            currency: product.currency.clone(),
            total: Amount::optional(product.total),
            available: product.available,
        };
        self.products.iter().map(line).collect()
    }
}

/// A change of a product since its line was added or updated.
#[derive(Serialize, JsonSchema, SimpleObject)]
#[serde(rename_all = "camelCase")]
pub struct CartChange {
    /// The id of the product.
    product_id: Id,
    /// The kind of the change.
    kind: CartChangeKind,
    /// The value when the line was added or updated: the price of one unit in minor units, or the units in
    /// stock.
    #[graphql(derived(
        name = "before_amount",
        into = "Option<Amount>",
        owned = true,
        with = "Amount::optional"
    ))]
    before: Option<IntAmount>,
    /// The current value: the price of one unit in minor units, or the units in stock.
    #[graphql(derived(
        name = "after_amount",
        into = "Option<Amount>",
        owned = true,
        with = "Amount::optional"
    ))]
    after: Option<IntAmount>,
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
    /// The `_id` of the cart, which a guest's first addition returns. `userId` must then be `me`.
    pub cart_id: Option<String>,
}

/// Units of a product to add.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Addition {
    /// The id of the product.
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
#[schemars(example = json!({ "discountCode": "SPRING-26", "region": "DE", "expectedTotal": 2500 }))]
pub struct CheckoutTerms {
    /// A discount code.
    discount_code: Option<String>,
    /// The destination, which determines the tax: an ISO 3166 code such as DE or US-CA.
    region: Option<String>,
    /// The `total` that the customer saw. If the total has changed, no order is placed, and the error is
    /// CONFLICT.
    expected_total: Option<i64>,
}

convert!(carts::ChangeKind => CartChangeKind);
convert!(carts::Change => CartChange { product_id, kind, before, after });
convert!(CheckoutTerms => carts::Terms { discount_code, region, expected_total });

impl Convert<Cart> for carts::Cart {
    fn convert(self) -> Cart {
        let (total, currency) = self.total.map(|total| (total.amount, total.currency)).unzip();
        let id = self.id.clone().unwrap_or_else(|| EMPTY_CART.to_owned());
        Cart {
            cart_id: self.id.convert(),
            id: id.into(),
            user_id: self.user_id.convert(),
            products: self.lines.convert(),
            changes: self.changes.convert(),
            total: total.convert(),
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
        let total = unit_price.and_then(|price| price.checked_mul(i64::from(self.quantity)));
        CartProduct {
            id: self.product_id.convert(),
            quantity: self.quantity.convert(),
            name: self.name,
            unit_price: unit_price.convert(),
            currency,
            total: total.filter(|total| *total <= MAX_AMOUNT).convert(),
            available: self.available.convert(),
        }
    }
}
