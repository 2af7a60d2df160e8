//! Categories: the operations of staff on the tree.

pub mod placement;
mod tree;

use mercato_ports::documents::Write;
use mercato_shop::accounts::AuditAction;
use mercato_shop::catalog::{Category, CategoryPatch, NewCategory};
use mercato_shop::collection::Stored;
use mercato_shop::id;
use mercato_shop::ports::Ports;
use mercato_shop::query::path_prefix;
use mercato_shop::retry::retry_on_conflict;
use mercato_shop::types::{Caller, Error};

use crate::events;
use crate::platform::Platform;
use crate::repository::{
    Node, PRODUCTS, ProductBody, Tree, category_tree, commit, store_tree, stored_tree, to_category,
};
use crate::text::slug;
use tree::check_name;

/// The most products that move with a category, since they move in one commit.
const MAX_MOVED: u32 = 500;

/// Lists all categories. Each comes before its subcategories.
pub fn categories(ports: &impl Ports) -> Result<Vec<Category>, Error> {
    Ok(category_tree(ports)?.list())
}

/// Adds a category.
///
/// # Errors
/// [`Error::Invalid`] for invalid input. [`Error::Conflict`] if another category has the slug.
pub fn create_category(
    ports: &impl Platform,
    caller: &Caller,
    input: &NewCategory,
) -> Result<Category, Error> {
    let node = Node {
        id: id::new(),
        name: check_name("name", &input.name)?,
        slug: String::new(),
        parent_id: None,
        position: input.position,
    };
    let slug = input.slug.as_deref().map(slug::check).transpose()?;
    change(ports, caller, AuditAction::CategoryCreate, |tree| {
        let node = Node {
            slug: slug.clone().unwrap_or_else(|| tree.free_slug(&node.name)),
            parent_id: tree.parent(input.parent_id.as_deref())?,
            ..node.clone()
        };
        tree.add(node.clone())?;
        Ok((to_category(&node), Vec::new()))
    })
}

/// Changes the name, the slug or the position of a category.
///
/// # Errors
/// [`Error::Invalid`] for invalid input. [`Error::Conflict`] if another category has the slug.
pub fn update_category(
    ports: &impl Platform,
    caller: &Caller,
    id: &str,
    patch: &CategoryPatch,
) -> Result<Category, Error> {
    let name = patch.name.as_deref().map(|name| check_name("name", name));
    let name = name.transpose()?;
    let slug = patch.slug.as_deref().map(slug::check).transpose()?;
    change(ports, caller, AuditAction::CategoryUpdate, |tree| {
        if let Some(slug) = &slug {
            tree.require_free_slug(slug, id)?;
        }
        let node = tree.node_mut(id)?;
        if let Some(name) = &name {
            node.name.clone_from(name);
        }
        if let Some(slug) = &slug {
            node.slug.clone_from(slug);
        }
        if let Some(position) = patch.position {
            node.position = position;
        }
        Ok((to_category(node), Vec::new()))
    })
}

/// Moves a category with its subcategories below another one, or to the root. Its products move in the same
/// commit.
///
/// # Errors
/// [`Error::Conflict`] if the category would be below itself, or if it has too many products.
pub fn move_category(
    ports: &impl Platform,
    caller: &Caller,
    id: &str,
    parent_id: Option<&str>,
) -> Result<Category, Error> {
    change(ports, caller, AuditAction::CategoryMove, |tree| {
        let before = tree.path(id)?;
        let parent_id = tree.parent(parent_id)?;
        tree.relocate(id, parent_id)?;
        let mut products = products_below(ports, &before, MAX_MOVED + 1)?;
        if products.len() > MAX_MOVED as usize {
            return Err(Error::Conflict(format!(
                "This category has more than {MAX_MOVED} products. Move its subcategories one by one, or its products."
            )));
        }
        let mut writes = Vec::with_capacity(products.len());
        for product in &mut products {
            placement::set_path(tree, &mut product.body)?;
            writes.push(PRODUCTS.replace(product)?);
        }
        Ok((to_category(tree.node_mut(id)?), writes))
    })
}

/// Deletes a category.
///
/// # Errors
/// [`Error::Conflict`] if it has subcategories or products.
pub fn delete_category(ports: &impl Platform, caller: &Caller, id: &str) -> Result<Category, Error> {
    change(ports, caller, AuditAction::CategoryDelete, |tree| {
        let path = tree.path(id)?;
        let node = tree.remove(id)?;
        if !products_below(ports, &path, 1)?.is_empty() {
            return Err(Error::Conflict(
                "This category has products. Put them into another category first.".into(),
            ));
        }
        Ok((to_category(&node), Vec::new()))
    })
}

/// Changes the tree, and commits it together with the writes that `make` returns. The version of the tree
/// detects a concurrent change; then `make` runs again on the new tree.
fn change(
    ports: &impl Platform,
    caller: &Caller,
    action: AuditAction,
    make: impl Fn(&mut Tree) -> Result<(Category, Vec<Write>), Error>,
) -> Result<Category, Error> {
    let busy = || {
        Error::Unavailable(
            "Other requests keep changing the categories or their products. Try again in a moment.".into(),
        )
    };
    retry_on_conflict(busy, || {
        let mut tree = stored_tree(ports)?;
        let (category, mut writes) = make(&mut tree.body)?;
        writes.push(store_tree(&tree)?);
        let audited = events::audited(caller, action, &category.id, None)?;
        commit(ports, &writes, &[audited])?;
        Ok(category)
    })
}

/// Finds products of a category and of its subcategories.
fn products_below(ports: &impl Ports, path: &str, limit: u32) -> Result<Vec<Stored<ProductBody>>, Error> {
    let mut query = PRODUCTS.query(limit);
    query.conditions.extend(path_prefix("categoryPath", path));
    PRODUCTS.find(ports, &query)
}
