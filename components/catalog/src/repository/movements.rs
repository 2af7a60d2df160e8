//! Stock movements and changes of the low-stock alert as they are stored. Both are only inserted, never
//! replaced.

use mercato_shop::catalog::MovementKind;
use mercato_shop::collection::Collection;
use serde::{Deserialize, Serialize};

/// The ledger: one document for each movement.
pub const MOVEMENTS: Collection<MovementBody> = Collection::new("catalog.movements");

/// The last change of each product's low-stock alert, by the product's id, a slash, and the number of the
/// change.
pub const ALERT_CHANGES: Collection<AlertChangeMarker> = Collection::new("catalog.low-stock-turns");

/// One movement.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MovementBody {
    /// The product's id, a slash, and the movement's id. One index finds the movements of a product in their
    /// order.
    #[serde(rename = "place")]
    pub path: String,
    pub kind: StoredKind,
    #[serde(rename = "pieces")]
    pub units: i64,
    pub on_hand: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actor: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order_id: Option<String>,
    pub time: u64,
}

/// [`MovementKind`] with names for storage.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct StoredKind(#[serde(with = "KindNames")] pub MovementKind);

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "lowercase", remote = "MovementKind")]
enum KindNames {
    Received,
    Adjusted,
    Set,
    Reserved,
    Released,
    Sold,
    Restocked,
}

/// Claims the number of an alert change, so that one of several concurrent movements makes it.
#[derive(Debug, Serialize, Deserialize)]
pub struct AlertChangeMarker {
    pub at: u64,
}
