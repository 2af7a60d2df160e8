//! The rules of the category tree.

use mercato_ports::documents::{Change, Write};
use mercato_shop::catalog::Category;
use mercato_shop::types::Error;
use mercato_shop::{id, text};

use crate::repository::{CATEGORIES, Node, TREE_ID, Tree, to_category};
use crate::text::slug;
use crate::text::sort_key::sort_key;

const MAX_CATEGORIES: usize = 500;
const MAX_LEVELS: usize = 8;

/// The longest name.
const MAX_NAME: usize = 100;

/// The slug of a category whose name has no letters and no digits.
const FALLBACK_SLUG: &str = "category";

/// The field with the names of a path.
const PATH_FIELD: &str = "categoryPath";

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

    /// Returns the id of a category that is to be a parent, given by id or slug.
    ///
    /// # Errors
    /// [`Error::NotFound`] if there is none.
    pub fn parent(&self, id_or_slug: Option<&str>) -> Result<Option<String>, Error> {
        let find = |text| self.find(text).ok_or_else(|| not_found(text));
        Ok(id_or_slug.map(find).transpose()?.map(|node| node.id.clone()))
    }

    /// Makes a slug for a new category of this name.
    pub fn free_slug(&self, name: &str) -> String {
        let base = slug::from_name(name, FALLBACK_SLUG);
        let is_taken = |slug: &String| self.nodes.iter().any(|node| node.slug == *slug);
        let free = slug::candidates(&base).find(|slug| !is_taken(slug));
        free.unwrap_or(base)
    }

    /// Returns the id of the category at this path of names, and adds the categories that are missing. Names
    /// are compared without regard to case. Returns the ids of the added ones, too.
    ///
    /// # Errors
    /// [`Error::Invalid`] for an invalid name, or for a path that is too long. [`Error::Conflict`] if the tree
    /// is full.
    pub fn find_or_add_path(&mut self, names: &[String]) -> Result<(Option<String>, Vec<String>), Error> {
        let (mut id, mut added) = (None, Vec::new());
        for name in names {
            let name = check_name(PATH_FIELD, name)?;
            let folded = text::fold(&name);
            let is_it = |node: &&Node| node.parent_id == id && text::fold(&node.name) == folded;
            if let Some(node) = self.nodes.iter().find(is_it) {
                id = Some(node.id.clone());
                continue;
            }
            if added.len() >= MAX_LEVELS {
                return Err(too_deep(PATH_FIELD));
            }
            let node = Node {
                id: id::new(),
                slug: self.free_slug(&name),
                name,
                parent_id: id,
                position: 0,
            };
            id = Some(node.id.clone());
            added.push(node.id.clone());
            self.add(node).map_err(|error| match error {
                Error::Invalid(_) => too_deep(PATH_FIELD),
                error => error,
            })?;
        }
        Ok((id, added))
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
                return Err(too_deep("parentId"));
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
        let mut others = self.nodes.iter().filter(|node| node.id != id);
        match others.find(|node| node.slug == slug) {
            None => Ok(()),
            Some(other) => Err(Error::Conflict(format!(
                "`slug` {slug} belongs to the category {} ({}). Choose another one.",
                other.id, other.name
            ))),
        }
    }

    /// Moves a category with its subcategories below another one, or to the root.
    pub fn relocate(&mut self, id: &str, parent_id: Option<String>) -> Result<(), Error> {
        if let Some(parent) = &parent_id
            && self.path(parent)?.contains(&format!("/{id}/"))
        {
            return Err(Error::Conflict(
                "A category cannot be moved below itself. Move the new parent out of it first.".into(),
            ));
        }
        self.node_mut(id)?.parent_id = parent_id;
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
        nodes.sort_by_cached_key(|node| (node.position, sort_key(&node.name), &node.id));
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

/// Checks the name of a category, which a client gave in this field.
///
/// # Errors
/// [`Error::Invalid`] if it is blank or too long, or has control characters.
pub fn check_name(field: &str, text: &str) -> Result<String, Error> {
    Ok(text::line(field, MAX_NAME, text::required(field, text)?)?.into())
}

fn too_deep(field: &str) -> Error {
    Error::invalid(
        field,
        format!("The category tree must have at most {MAX_LEVELS} levels."),
    )
}

fn not_found(id: &str) -> Error {
    Error::NotFound(format!("There is no category {id}."))
}
