//! The documents of the catalog: how they are stored, read and committed.

mod categories;
mod movements;
mod products;
mod reservations;

use mercato_ports::documents::{CommitFailure, Refusal, RefusalReason, Write};
use mercato_ports::events::Event;
use mercato_shop::cache::Generation;
use mercato_shop::types::Error;

use crate::platform::Platform;
pub use categories::{CATEGORIES, Node, TREE_ID, Tree, category_tree, to_category};
pub use movements::{ALERT_CHANGES, AlertChangeMarker, MOVEMENTS, MovementBody, StoredKind};
pub use products::{
    ARCHIVED_PRODUCTS, Claim, EXTERNAL_IDS, ImageBody, NameValue, PRODUCTS, ProductBody, find_product,
    get_many_including_archived, product_not_found, sku_writes, to_page, to_product,
};
pub use reservations::{RESERVATIONS, Reservation, ReservedLine, State};

/// Commits changes to products or stock, then bumps the catalog generation so that cached lists expire.
pub fn commit(ports: &impl Platform, writes: &[Write], events: &[Event]) -> Result<(), CommitFailure> {
    let outcome = ports.commit(writes, events);
    // After a failure of the store, it is unknown whether the commit was made.
    if !matches!(outcome, Err(CommitFailure::Refused(_))) {
        Generation::CATALOG.advance(ports);
    }
    outcome
}

/// Returns whether an id that the commit claims is taken already, such as a SKU.
pub fn is_claimed(refusals: &[Refusal]) -> bool {
    refusals
        .iter()
        .any(|refusal| refusal.reason == RefusalReason::Exists)
}

/// The error for a product that changes concurrently on each attempt.
pub fn busy() -> Error {
    Error::Unavailable("Other requests keep changing this product. Try again in a moment.".into())
}
