//! The category tree as it is stored.
//!
//! The whole tree is one document. One read returns it, its version guards it, and two concurrent changes
//! cannot form a cycle.

use mercato_shop::catalog::Category;
use mercato_shop::collection::Collection;
use mercato_shop::ports::Ports;
use mercato_shop::types::Error;
use serde::{Deserialize, Serialize};

/// Holds the tree as its only document, [`TREE_ID`].
pub const CATEGORIES: Collection<Tree> = Collection::new("catalog.categories");

/// The id of the only document.
pub const TREE_ID: &str = "tree";

/// All categories.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Tree {
    /// Decreases with each move or deletion of a category. A commit of a product uses it as a floor to check
    /// that the product's category path is still right.
    pub epoch: i64,
    pub nodes: Vec<Node>,
}

/// One category.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Node {
    pub id: String,
    pub name: String,
    pub slug: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent_id: Option<String>,
    pub position: u32,
}

/// Returns the current tree, which is empty before the first category is created.
pub fn category_tree(ports: &impl Ports) -> Result<Tree, Error> {
    let stored = CATEGORIES.get(ports, TREE_ID)?;
    Ok(stored.map(|stored| stored.body).unwrap_or_default())
}

/// Converts a category for clients.
pub fn to_category(node: &Node) -> Category {
    Category {
        id: node.id.clone(),
        name: node.name.clone(),
        slug: node.slug.clone(),
        parent_id: node.parent_id.clone(),
        position: node.position,
    }
}
