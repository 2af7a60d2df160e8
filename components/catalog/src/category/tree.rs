//! The rules of the category tree.

use mercato_ports::documents::{Change, Write};
use mercato_shop::catalog::Category;
use mercato_shop::types::Error;

use crate::repository::{CATEGORIES, Node, TREE_ID, Tree, to_category};

const MAX_CATEGORIES: usize = 500;
const MAX_LEVELS: usize = 8;

impl Tree {
    /// Returns the category with this id or slug, if there is one.
    fn find(&self, id_or_slug: &str) -> Option<&Node> {
        self.nodes
            .iter()
            .find(|node| node.id == id_or_slug || node.slug == id_or_slug)
    }

    /// Returns the category with this id or slug, which a client gave in this field.
    ///
    /// # Errors
    /// [`Error::Invalid`] if there is none.
    pub fn require(&self, field: &str, id_or_slug: &str) -> Result<&Node, Error> {
        self.find(id_or_slug).ok_or_else(|| {
            Error::invalid(
                field,
                format!(
                    "`{field}` must be the `_id` or the `slug` of a category. List them by `categories`."
                ),
            )
        })
    }

    /// Returns the category with this id.
    ///
    /// # Errors
    /// [`Error::NotFound`] if there is none.
    pub fn node_mut(&mut self, id: &str) -> Result<&mut Node, Error> {
        self.nodes
            .iter_mut()
            .find(|node| node.id == id)
            .ok_or_else(|| not_found(id))
    }

    /// Returns the path of a category: the ids from the root down, between slashes. The paths of
    /// subcategories begin with it.
    pub fn path(&self, id: &str) -> Result<String, Error> {
        let mut ids = vec![id];
        let mut node = self.find(id).ok_or_else(|| not_found(id))?;
        while let Some(parent) = &node.parent_id {
            node = self.find(parent).ok_or_else(|| not_found(parent))?;
            ids.push(&node.id);
            if ids.len() > MAX_LEVELS {
                return Err(Error::invalid(
                    "parentId",
                    format!("The category tree must have at most {MAX_LEVELS} levels."),
                ));
            }
        }
        ids.reverse();
        Ok(format!("/{}/", ids.join("/")))
    }

    /// Adds a category.
    pub fn add(&mut self, node: Node) -> Result<(), Error> {
        if self.nodes.len() >= MAX_CATEGORIES {
            return Err(Error::Conflict(format!(
                "A shop can have at most {MAX_CATEGORIES} categories. Delete one first."
            )));
        }
        let id = node.id.clone();
        self.require_free_slug(&node.slug, &id)?;
        self.nodes.push(node);
        self.path(&id).map(drop)
    }

    /// Rejects a slug that a category other than `id` has.
    pub fn require_free_slug(&self, slug: &str, id: &str) -> Result<(), Error> {
        if self.nodes.iter().any(|node| node.slug == slug && node.id != id) {
            return Err(Error::Conflict(format!(
                "Another category has the slug {slug}. Choose another one."
            )));
        }
        Ok(())
    }

    /// Moves a category with its subcategories below another one, or to the root.
    pub fn relocate(&mut self, id: &str, parent_id: Option<&str>) -> Result<(), Error> {
        if let Some(parent) = parent_id
            && self.path(parent)?.contains(&format!("/{id}/"))
        {
            return Err(Error::Conflict(
                "A category cannot be moved below itself. Move the new parent out of it first.".into(),
            ));
        }
        self.node_mut(id)?.parent_id = parent_id.map(Into::into);
        self.epoch -= 1;
        // Rejects a tree that has become too deep.
        self.nodes
            .iter()
            .try_for_each(|node| self.path(&node.id).map(drop))
    }

    /// Removes a category that has no subcategories.
    pub fn remove(&mut self, id: &str) -> Result<Node, Error> {
        let is_child = |node: &Node| node.parent_id.as_deref() == Some(id);
        if self.nodes.iter().any(is_child) {
            return Err(Error::Conflict(
                "This category has subcategories. Move or delete those first.".into(),
            ));
        }
        let index = self.nodes.iter().position(|node| node.id == id);
        let index = index.ok_or_else(|| not_found(id))?;
        self.epoch -= 1;
        Ok(self.nodes.remove(index))
    }

    /// Returns the write that is refused if a category was moved or deleted since this tree was read.
    pub fn guard(&self) -> Write {
        let epoch = Change {
            field: "epoch".into(),
            by: 0,
            floor: Some(self.epoch),
        };
        CATEGORIES.adjust(TREE_ID, vec![epoch])
    }

    /// Lists all categories. Each comes before its subcategories; siblings are sorted by position, then by
    /// name.
    pub fn list(&self) -> Vec<Category> {
        let mut nodes: Vec<_> = self.nodes.iter().collect();
        nodes.sort_by(|a, b| (a.position, &a.name, &a.id).cmp(&(b.position, &b.name, &b.id)));
        let children = |parent: Option<&str>| {
            nodes
                .iter()
                .rev()
                .filter(move |node| node.parent_id.as_deref() == parent)
                .copied()
                .collect::<Vec<_>>()
        };
        let mut listed = Vec::with_capacity(nodes.len());
        // The categories that are not listed yet, the next on top.
        let mut stack = children(None);
        while let Some(node) = stack.pop() {
            listed.push(to_category(node));
            stack.extend(children(Some(&node.id)));
        }
        listed
    }
}

fn not_found(id: &str) -> Error {
    Error::NotFound(format!("There is no category {id}."))
}
