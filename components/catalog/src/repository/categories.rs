//! The category tree as it is stored.
//!
//! The whole tree is one document. One read returns it, its version guards it, and two concurrent changes
//! cannot form a cycle.

use std::collections::HashMap;

use mercato_ports::documents::Write;
use mercato_shop::catalog::Category;
use mercato_shop::collection::{Collection, Stored};
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
    Ok(stored_tree(ports)?.body)
}

/// Returns the current tree with its version, which is 0 before the first category is created.
pub fn stored_tree(ports: &impl Ports) -> Result<Stored<Tree>, Error> {
    let mut stored = CATEGORIES.get(ports, TREE_ID)?.unwrap_or_else(|| Stored {
        id: TREE_ID.into(),
        version: 0,
        body: Tree::default(),
    });
    stored.body.replace_slugs_of_parents();
    Ok(stored)
}

/// Returns the write that stores a tree, which has the version that was read.
pub fn store_tree(tree: &Stored<Tree>) -> Result<Write, Error> {
    match tree.version {
        0 => CATEGORIES.insert(TREE_ID, &tree.body),
        _ => CATEGORIES.replace(tree),
    }
}

impl Tree {
    /// Replaces slugs by ids, since older versions stored a parent as the client gave it.
    fn replace_slugs_of_parents(&mut self) {
        let ids: HashMap<_, _> = self
            .nodes
            .iter()
            .map(|node| (node.slug.clone(), node.id.clone()))
            .collect();
        for node in &mut self.nodes {
            if let Some(parent) = &mut node.parent_id
                && let Some(id) = ids.get(parent)
            {
                parent.clone_from(id);
            }
        }
    }
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
