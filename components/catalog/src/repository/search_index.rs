//! How far the fields that products are searched and sorted by are brought to their present form.

use mercato_shop::collection::Collection;
use serde::{Deserialize, Serialize};

/// Holds the progress as its only document, [`INDEX_ID`].
pub const INDEX: Collection<IndexProgress> = Collection::new("catalog.index");

/// The id of the only document.
pub const INDEX_ID: &str = "products";

/// The progress of an upgrade, which visits all products in the order of their ids.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct IndexProgress {
    /// The version of the form that the visited products have.
    pub version: u32,
    /// The id of the last product that was visited.
    pub after: Option<String>,
    /// Whether all products were visited.
    pub done: bool,
}
