//! The documents of the catalog: how they are stored, read and committed.

mod categories;
mod claims;
mod movements;
mod products;
mod reservations;
mod search_index;

use mercato_ports::documents::{CommitFailure, Write};
use mercato_ports::events::Event;
use mercato_shop::cache::Generation;
use mercato_shop::types::Error;

use crate::platform::Platform;
pub use categories::{CATEGORIES, Node, TREE_ID, Tree, category_tree, store_tree, stored_tree, to_category};
pub use claims::{ClaimedField, claim_writes, find_taken};
pub use movements::{ALERT_CHANGES, AlertChangeMarker, MOVEMENTS, MovementBody, StoredKind};
pub use products::{
    ARCHIVED_PRODUCTS, ImageBody, NameValue, PRODUCTS, ProductBody, find_product,
    get_many_including_archived, product_not_found, to_page, to_product, units_on_sale,
};
pub use reservations::{RESERVATIONS, Reservation, ReservedLine, State};
pub use search_index::{INDEX, INDEX_ID, IndexProgress};

/// Commits changes to products or stock, then bumps the catalog generation so that cached replies expire.
pub fn commit(ports: &impl Platform, writes: &[Write], events: &[Event]) -> Result<(), CommitFailure> {
    let outcome = ports.commit(writes, events);
    if may_be_committed(&outcome) {
        Generation::CATALOG.advance(ports);
    }
    outcome
}

/// Commits an order's movement of units on hand. Then the cached replies that show these units expire.
pub fn commit_moved(
    ports: &impl Platform,
    writes: &[Write],
    events: &[Event],
    lines: &[ReservedLine],
) -> Result<(), CommitFailure> {
    let outcome = ports.commit(writes, events);
    if may_be_committed(&outcome) {
        let products = lines.iter().map(|line| Generation::units_of(&line.product_id));
        Generation::end(ports, products.chain([Generation::UNITS]));
    }
    outcome
}

/// Returns whether a commit was made, or it is unknown after a failure of the store.
const fn may_be_committed(outcome: &Result<(), CommitFailure>) -> bool {
    !matches!(outcome, Err(CommitFailure::Refused(_)))
}

/// The error for a product that changes concurrently on each attempt.
pub fn busy() -> Error {
    Error::Unavailable("Other requests keep changing this product. Try again in a moment.".into())
}
