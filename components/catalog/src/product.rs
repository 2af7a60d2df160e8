//! The product as it is stored: the aggregate that stock and edits change.

use mercato_common::catalog::{Product, Stock};
use mercato_common::collection::{Collection, Stored};
use mercato_common::types::Money;
use mercato_ports::documents::Change;
use serde::{Deserialize, Serialize};

/// All products, by id.
pub const PRODUCTS: Collection<ProductBody> = Collection::new("catalog.products");

/// The claims of external ids: inserted in the commit that makes the product.
pub const EXTERNAL_IDS: Collection<ExternalIdClaim> = Collection::new("catalog.external-ids");

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ProductBody {
    pub name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub manufacturer: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external_id: Option<String>,
    pub price: i64,
    pub currency: String,
    pub received: i64,
    pub on_hand: i64,
    pub reserved: i64,
    pub sold: i64,
    /// Counts edits. The document's own version counts the movements of stock, too, and is nothing for an editor.
    pub revision: u64,
    pub created_at: u64,
    pub updated_at: u64,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ExternalIdClaim {
    pub product_id: String,
}

/// A movement of so many pieces from one of the places where stock can be to another. Adjustments are the only
/// way in which the four numbers change, so that received = on hand + reserved + sold holds at any moment.
#[derive(Clone, Copy, Debug)]
pub enum Movement {
    /// New pieces come on hand.
    Receive,
    /// Pieces leave from on hand, and count as never received; refused where there are not enough on hand.
    Deduct,
    /// From on hand to reserved; refused where there are not enough on hand.
    Reserve,
    /// From reserved back on hand.
    Release,
    /// From reserved to sold.
    Settle,
    /// From sold back on hand.
    Return,
}

impl Movement {
    /// The changes that make the movement.
    pub fn changes(self, pieces: i64) -> Vec<Change> {
        let (from, to) = match self {
            Self::Receive => return vec![add("received", pieces), add("onHand", pieces)],
            Self::Deduct => return vec![add("received", -pieces), take("onHand", pieces)],
            Self::Reserve => ("onHand", "reserved"),
            Self::Release => ("reserved", "onHand"),
            Self::Settle => ("reserved", "sold"),
            Self::Return => ("sold", "onHand"),
        };
        vec![take(from, pieces), add(to, pieces)]
    }
}

fn take(field: &str, by: i64) -> Change {
    Change {
        field: field.into(),
        by: -by,
        floor: Some(0),
    }
}

fn add(field: &str, by: i64) -> Change {
    Change {
        field: field.into(),
        by,
        floor: None,
    }
}

impl ProductBody {
    /// Where its pieces are.
    pub const fn stock(&self) -> Stock {
        Stock {
            received: self.received,
            on_hand: self.on_hand,
            reserved: self.reserved,
            sold: self.sold,
        }
    }

    /// How many can be bought now.
    pub fn available(&self) -> u32 {
        u32::try_from(self.on_hand.max(0)).unwrap_or(u32::MAX)
    }
}

/// What is told of a product.
pub fn to_product(stored: Stored<ProductBody>) -> Product {
    let body = stored.body;
    Product {
        id: stored.id,
        quantity: body.available(),
        name: body.name,
        description: body.description,
        manufacturer: body.manufacturer,
        external_id: body.external_id,
        price: Money {
            amount: body.price,
            currency: body.currency,
        },
        version: body.revision,
        created_at: body.created_at,
        updated_at: body.updated_at,
    }
}
