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
    get_many_including_archived, product_not_found, to_page, to_product,
};
pub use reservations::{RESERVATIONS, Reservation, ReservedLine, State};
pub use search_index::{INDEX, INDEX_ID, IndexProgress};

/// Commits changes to products or stock, then bumps the catalog generation so that cached lists expire.
pub fn commit(ports: &impl Platform, writes: &[Write], events: &[Event]) -> Result<(), CommitFailure> {
    let outcome = ports.commit(writes, events);
    // After a failure of the store, it is unknown whether the commit was made.
    if !matches!(outcome, Err(CommitFailure::Refused(_))) {
        Generation::CATALOG.advance(ports);
    }
    outcome
}

/// The error for a product that changes concurrently on each attempt.
pub fn busy() -> Error {
    Error::Unavailable("Other requests keep changing this product. Try again in a moment.".into())
}
