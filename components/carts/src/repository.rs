//! The documents of carts: how they are stored, read and written.

use mercato_ports::documents::Write;
use mercato_ports::events::Event;
use mercato_shop::catalog::Offer;
use mercato_shop::collection::{Collection, Stored};
use mercato_shop::id;
use mercato_shop::ports::Ports;
use mercato_shop::pruning;
use mercato_shop::retry::AttemptError;
use mercato_shop::types::{Error, Line};
use serde::{Deserialize, Serialize};

use crate::key::{CartKey, GuestId};
use crate::settings;

/// All carts, by [`CartKey::document_id`].
pub const CARTS: Collection<CartBody> = Collection::new("carts.carts");

/// How many expired carts are removed when a cart is created.
const MAX_PRUNED: u32 = 5;

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CartBody {
    pub lines: Vec<LineBody>,
    /// The checkout in progress, or the last one if the cart has not changed since.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checkout: Option<Checkout>,
    /// When the cart becomes empty, in milliseconds since the Unix epoch, UTC.
    pub expires_at: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LineBody {
    pub product_id: String,
    pub quantity: u32,
    pub seen: SeenProduct,
}

/// The state of a product when its line was last added to or updated.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeenProduct {
    pub name: String,
    /// In minor units.
    pub price: i64,
    pub currency: String,
    pub available: u32,
}

/// An order of the cart. It is written before the order is placed, so that an interrupted checkout continues
/// with the same order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Checkout {
    pub order_id: String,
    pub lines: Vec<OrderedLine>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub discount_code: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected_total: Option<i64>,
    /// Whether the order was placed, and its lines were removed from the cart.
    pub done: bool,
    /// When the checkout was done, in milliseconds since the Unix epoch, UTC. 0 before.
    #[serde(default)]
    pub done_at: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OrderedLine {
    pub product_id: String,
    pub quantity: u32,
}

impl From<&Offer> for SeenProduct {
    fn from(product: &Offer) -> Self {
        Self {
            name: product.name.clone(),
            price: product.price.amount,
            currency: product.price.currency.clone(),
            available: product.quantity,
        }
    }
}

impl From<&OrderedLine> for Line {
    fn from(line: &OrderedLine) -> Self {
        Self {
            product_id: line.product_id.clone(),
            quantity: line.quantity,
        }
    }
}

/// A cart as it was read. It is empty if it does not exist or has expired.
#[derive(Clone)]
pub struct LoadedCart {
    pub key: Option<CartKey>,
    /// The version of the document, if there is one.
    pub version: Option<u64>,
    pub body: CartBody,
}

impl LoadedCart {
    fn new(key: Option<CartKey>, stored: Option<Stored<CartBody>>) -> Self {
        let version = stored.as_ref().map(|stored| stored.version);
        let body = stored
            .map(|stored| stored.body)
            .filter(|body| body.expires_at > id::now());
        Self {
            key,
            version,
            body: body.unwrap_or_default(),
        }
    }

    /// Returns the document, if there is one.
    pub fn stored(&self) -> Option<Stored<CartBody>> {
        Some(Stored {
            id: self.key.as_ref()?.document_id(),
            version: self.version?,
            body: self.body.clone(),
        })
    }
}

/// Reads a cart.
pub fn load(ports: &impl Ports, key: Option<&CartKey>) -> Result<LoadedCart, Error> {
    let stored = match key {
        Some(key) => CARTS.get(ports, &key.document_id())?,
        None => None,
    };
    Ok(LoadedCart::new(key.cloned(), stored))
}

/// Reads two carts in one call.
pub fn load_both(
    ports: &impl Ports,
    first: &CartKey,
    second: &CartKey,
) -> Result<(LoadedCart, LoadedCart), Error> {
    let ids = [first.document_id(), second.document_id()];
    let mut stored = CARTS.get_many(ports, &ids)?.into_iter();
    let mut next = |key: &CartKey| LoadedCart::new(Some(key.clone()), stored.next().flatten());
    Ok((next(first), next(second)))
}

/// Writes a cart together with other writes.
///
/// A new cart of a guest gets a new id, so that clients cannot choose ids. With `prunes`, creating a cart
/// removes some expired ones.
///
/// # Errors
/// [`AttemptError::Conflict`] if the cart has changed since it was read.
pub fn save(
    ports: &impl Ports,
    cart: &mut LoadedCart,
    mut writes: Vec<Write>,
    events: &[Event],
    prunes: bool,
) -> Result<(), AttemptError> {
    cart.body.expires_at = settings::expiry(ports)?;
    if let Some(stored) = cart.stored() {
        writes.push(CARTS.replace(&stored)?);
    } else {
        let key = match cart.key.take() {
            Some(CartKey::User(id)) => CartKey::User(id),
            Some(CartKey::Guest(_)) | None => CartKey::Guest(GuestId::new()?),
        };
        writes.push(CARTS.insert(&key.document_id(), &cart.body)?);
        cart.key = Some(key);
        if prunes {
            let expired = pruning::expired(ports, &CARTS, "expiresAt", id::now(), MAX_PRUNED)?;
            writes.extend(expired.iter().map(|cart| CARTS.delete(cart)));
        }
    }
    ports.commit(&writes, events)?;
    cart.version = Some(cart.version.map_or(1, |version| version + 1));
    Ok(())
}

/// Returns the error for a cart that other requests changed during each attempt.
pub fn busy() -> Error {
    Error::Unavailable("Other requests keep changing this cart. Try again in a moment.".into())
}
