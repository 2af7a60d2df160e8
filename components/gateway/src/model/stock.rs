//! The stock of products and its ledger.

use async_graphql::{Enum, SimpleObject};
use mercato_shop::catalog;

use crate::model::convert::convert;
use crate::model::entity_id::EntityId;
use crate::model::scalar::{DateTime, Id, Int};

/// The stock of a product: received = onHand + reserved + sold + writtenOff.
#[derive(SimpleObject)]
pub struct Stock {
    /// All units that ever arrived.
    received: Int,
    /// The units that can be bought now.
    on_hand: Int,
    /// The units of orders that are being placed.
    reserved: Int,
    /// The units that orders bought.
    sold: Int,
    /// Units that were lost, broken or miscounted.
    written_off: Int,
    /// The product's own low-stock threshold. Null if it uses the shop's.
    low_stock_at: Option<Int>,
}

/// The cause of a stock movement.
#[derive(Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "catalog::MovementKind")]
pub enum StockMovementKind {
    /// New units arrived.
    Received,
    /// Staff added units or wrote them off.
    Adjusted,
    /// Staff counted the units. The difference was added or written off.
    Set,
    /// An order reserved units.
    Reserved,
    /// An order gave reserved units back.
    Released,
    /// The units that an order had reserved were sold.
    Sold,
    /// Units that an order had bought came back.
    Restocked,
}

/// One entry of a product's stock ledger. Entries are added and never changed.
#[derive(SimpleObject)]
pub struct StockMovement {
    #[graphql(flatten)]
    pub id: EntityId,
    /// When the units moved.
    time: DateTime,
    /// The `_id` of the product.
    product_id: Id,
    /// The cause of the movement.
    kind: StockMovementKind,
    /// The number of units that moved.
    #[graphql(name = "pieces")]
    units: Int,
    /// The change of `onHand`. 0 when reserved units are sold. The sum of all deltas is `onHand`.
    delta: Int,
    /// The reason that staff gave.
    reason: Option<String>,
    /// The caller: a user's id or `api-key`. Null for movements of an order.
    actor: Option<String>,
    /// The `_id` of the order that moved the units. Null for movements by staff.
    order_id: Option<Id>,
}

convert!(catalog::MovementKind => StockMovementKind);
convert!(catalog::Stock => Stock { received, on_hand, reserved, sold, written_off, low_stock_at });
convert!(catalog::StockMovement => StockMovement {
    id, time, product_id, kind, units, delta: on_hand, reason, actor, order_id,
});
