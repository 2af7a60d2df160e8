//! The categories as they are stored: one document with the whole tree, so that one read answers it, one version
//! guards it, and no two changes can make a circle between them.

use mercato_ports::documents::{Change, Write};
use mercato_shop::catalog::Category;
use mercato_shop::collection::Collection;
use mercato_shop::types::Error;
use serde::{Deserialize, Serialize};

/// The tree; its only document has the id [`TREE`].
pub const CATEGORIES: Collection<Tree> = Collection::new("catalog.categories");

/// The id of the only document.
pub const TREE: &str = "tree";

/// The most categories of a shop.
const MOST: usize = 500;
/// The most levels of the tree.
const DEEPEST: usize = 8;

/// All categories.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Tree {
    /// Goes down with every change of where categories are. That a product's path is still right is committed as the
    /// condition that this has not gone under what it was: see [`Tree::guard`].
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

impl Tree {
    /// The category of this id or slug.
    pub fn find(&self, id_or_slug: &str) -> Option<&Node> {
        self.nodes
            .iter()
            .find(|node| node.id == id_or_slug || node.slug == id_or_slug)
    }

    /// The category of this id, to be changed.
    pub fn node_mut(&mut self, id: &str) -> Result<&mut Node, Error> {
        self.nodes
            .iter_mut()
            .find(|node| node.id == id)
            .ok_or_else(|| missing(id))
    }

    /// Where a category is: the ids from the root down, each between slashes. A path that begins with another's is
    /// below it.
    pub fn path(&self, id: &str) -> Result<String, Error> {
        let mut ids = vec![id];
        let mut node = self.find(id).ok_or_else(|| missing(id))?;
        while let Some(parent) = &node.parent_id {
            node = self.find(parent).ok_or_else(|| missing(parent))?;
            ids.push(&node.id);
            if ids.len() > DEEPEST {
                return Err(too_deep());
            }
        }
        let mut path = String::from("/");
        for id in ids.into_iter().rev() {
            path.push_str(id);
            path.push('/');
        }
        Ok(path)
    }

    /// Adds a category.
    pub fn add(&mut self, node: Node) -> Result<(), Error> {
        if self.nodes.len() >= MOST {
            return Err(Error::Conflict(format!(
                "A shop has at most {MOST} categories. Delete one before you add another."
            )));
        }
        let id = node.id.clone();
        self.check_slug(&node.slug, &id)?;
        self.nodes.push(node);
        self.path(&id).map(drop)
    }

    /// Refuses a slug that another category has.
    pub fn check_slug(&self, slug: &str, id: &str) -> Result<(), Error> {
        if self.nodes.iter().any(|node| node.slug == slug && node.id != id) {
            return Err(Error::Conflict(format!(
                "Another category has the slug {slug}. Choose another one."
            )));
        }
        Ok(())
    }

    /// Puts a category, with all below it, under another one, or at the root.
    pub fn relocate(&mut self, id: &str, parent_id: Option<String>) -> Result<(), Error> {
        if let Some(parent) = &parent_id
            && self.path(parent)?.contains(&format!("/{id}/"))
        {
            return Err(Error::Conflict(
                "A category can't be moved below itself. Move the other one out of it first.".into(),
            ));
        }
        self.node_mut(id)?.parent_id = parent_id;
        self.epoch -= 1;
        let ids: Vec<_> = self.nodes.iter().map(|node| node.id.clone()).collect();
        ids.iter().try_for_each(|id| self.path(id).map(drop))
    }

    /// Takes a category out that has none below it.
    pub fn remove(&mut self, id: &str) -> Result<Node, Error> {
        if self
            .nodes
            .iter()
            .any(|node| node.parent_id.as_deref() == Some(id))
        {
            return Err(Error::Conflict(
                "This category has others below it. Move or delete those first.".into(),
            ));
        }
        let index = self.nodes.iter().position(|node| node.id == id);
        let index = index.ok_or_else(|| missing(id))?;
        self.epoch -= 1;
        Ok(self.nodes.remove(index))
    }

    /// The write that fails where categories have moved or gone since this tree was read.
    pub fn guard(&self) -> Write {
        CATEGORIES.adjust(
            TREE,
            vec![Change {
                field: "epoch".into(),
                by: 0,
                floor: Some(self.epoch),
            }],
        )
    }

    /// All categories, each before those below it, siblings by position and then by name.
    pub fn list(&self) -> Vec<Category> {
        let mut nodes: Vec<_> = self.nodes.iter().collect();
        nodes.sort_by(|a, b| (a.position, &a.name, &a.id).cmp(&(b.position, &b.name, &b.id)));
        let mut listed = Vec::with_capacity(nodes.len());
        // A stack of what is still to be listed, the next on top.
        let below = |parent: Option<&str>| {
            nodes
                .iter()
                .rev()
                .filter(move |node| node.parent_id.as_deref() == parent)
                .copied()
                .collect::<Vec<_>>()
        };
        let mut waiting = below(None);
        while let Some(node) = waiting.pop() {
            listed.push(to_category(node));
            waiting.extend(below(Some(&node.id)));
        }
        listed
    }
}

/// What is told of a category.
pub fn to_category(node: &Node) -> Category {
    Category {
        id: node.id.clone(),
        name: node.name.clone(),
        slug: node.slug.clone(),
        parent_id: node.parent_id.clone(),
        position: node.position,
    }
}

fn missing(id: &str) -> Error {
    Error::NotFound(format!("There is no category {id}."))
}

fn too_deep() -> Error {
    Error::invalid(
        "parentId",
        format!("The tree of categories has at most {DEEPEST} levels."),
    )
}
