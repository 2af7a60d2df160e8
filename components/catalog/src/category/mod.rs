//! Categories: the operations of staff on the tree.

pub mod placement;
mod tree;

use mercato_ports::documents::Write;
use mercato_shop::accounts::AuditAction;
use mercato_shop::catalog::{Category, CategoryPatch, NewCategory};
use mercato_shop::collection::Stored;
use mercato_shop::ports::Ports;
use mercato_shop::query::path_prefix;
use mercato_shop::retry::retry_on_conflict;
use mercato_shop::types::{Caller, Error};
use mercato_shop::{id, text};

use crate::events;
use crate::platform::Platform;
use crate::repository::{
    CATEGORIES, Node, PRODUCTS, ProductBody, TREE_ID, Tree, category_tree, commit, to_category,
};

/// The longest name or slug.
const MAX_NAME: usize = 100;

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
    let name = check_name(&input.name)?;
    let node = Node {
        id: id::new(),
        slug: match &input.slug {
            Some(slug) => check_slug(slug)?,
            None => slug_of(&name)?,
        },
        name,
        parent_id: input.parent_id.clone(),
        position: input.position,
    };
    change(ports, caller, AuditAction::CategoryCreate, |tree| {
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
    let name = patch.name.as_deref().map(check_name).transpose()?;
    let slug = patch.slug.as_deref().map(check_slug).transpose()?;
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
        let stored = CATEGORIES.get(ports, TREE_ID)?;
        let version = stored.as_ref().map(|stored| stored.version);
        let mut tree = stored.map(|stored| stored.body).unwrap_or_default();
        let (category, mut writes) = make(&mut tree)?;
        writes.push(match version {
            Some(version) => CATEGORIES.replace(&Stored {
                id: TREE_ID.into(),
                version,
                body: tree,
            })?,
            None => CATEGORIES.insert(TREE_ID, &tree)?,
        });
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

fn check_name(text: &str) -> Result<String, Error> {
    Ok(text::line("name", MAX_NAME, text::required("name", text)?)?.into())
}

fn check_slug(text: &str) -> Result<String, Error> {
    let is_allowed = |char: char| char.is_ascii_lowercase() || char.is_ascii_digit() || char == '-';
    if text.is_empty() || !text.chars().all(is_allowed) || text.starts_with('-') || text.ends_with('-') {
        return Err(Error::invalid(
            "slug",
            "`slug` must consist of the letters a to z, digits, and hyphens between them, such as winter-socks.",
        ));
    }
    Ok(text::line("slug", MAX_NAME, text)?.into())
}

/// Makes a slug from a name.
fn slug_of(name: &str) -> Result<String, Error> {
    let words: Vec<_> = name
        .split(|char: char| !char.is_ascii_alphanumeric())
        .filter(|word| !word.is_empty())
        .collect();
    check_slug(&words.join("-").to_ascii_lowercase())
}
