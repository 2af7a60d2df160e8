//! What keepers of the shop do to the tree of categories, and where products are in it.

use mercato_ports::documents::{CommitFailure, Comparison, Condition, Query, Scalar, Write};
use mercato_shop::accounts::AuditAction;
use mercato_shop::cache::Cache;
use mercato_shop::catalog::{Category, CategoryPatch, NewCategory};
use mercato_shop::collection::Stored;
use mercato_shop::id;
use mercato_shop::ports::Ports;
use mercato_shop::types::{Caller, Error};

use crate::category::{CATEGORIES, Node, TREE, Tree, to_category};
use crate::details;
use crate::product::{PRODUCTS, ProductBody};
use crate::service::{TRIES, act, commit};

/// The most products that move with a category at once: they are changed in one commit with it.
const MOST_MOVED: u32 = 500;

/// The tree as it is now; an empty one before there is any category.
pub fn read(ports: &impl Ports) -> Result<Tree, Error> {
    Ok(CATEGORIES
        .get(ports, TREE)?
        .map(|stored| stored.body)
        .unwrap_or_default())
}

/// Adds a category.
pub fn create(ports: &(impl Ports + Cache), caller: &Caller, input: NewCategory) -> Result<Category, Error> {
    let name = details::category_name(&input.name)?;
    let node = Node {
        id: id::new(),
        slug: match &input.slug {
            Some(slug) => details::slug(slug)?,
            None => details::slug_of(&name)?,
        },
        name,
        parent_id: input.parent_id,
        position: input.position,
    };
    change(ports, (caller, AuditAction::CategoryCreate), |tree| {
        tree.add(node.clone())?;
        Ok((to_category(&node), Vec::new()))
    })
}

/// Gives a category another name, slug or position.
pub fn update(
    ports: &(impl Ports + Cache),
    caller: &Caller,
    id: &str,
    patch: &CategoryPatch,
) -> Result<Category, Error> {
    let name = patch.name.as_deref().map(details::category_name).transpose()?;
    let slug = patch.slug.as_deref().map(details::slug).transpose()?;
    change(ports, (caller, AuditAction::CategoryUpdate), |tree| {
        if let Some(slug) = &slug {
            tree.check_slug(slug, id)?;
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

/// Puts a category, with all below it, under another one, or at the root. Its products move in the same commit.
pub fn relocate(
    ports: &(impl Ports + Cache),
    caller: &Caller,
    id: &str,
    parent_id: Option<&str>,
) -> Result<Category, Error> {
    change(ports, (caller, AuditAction::CategoryMove), |tree| {
        let before = tree.path(id)?;
        tree.relocate(id, parent_id.map(Into::into))?;
        let mut find = PRODUCTS.query(MOST_MOVED + 1);
        below(&before, &mut find);
        let mut products = PRODUCTS.find(ports, &find)?;
        if products.len() > MOST_MOVED as usize {
            return Err(Error::Conflict(format!(
                "More than {MOST_MOVED} products are in this category. Move the categories below it one by one, or \
                 its products."
            )));
        }
        let mut writes = Vec::with_capacity(products.len());
        for product in &mut products {
            place(tree, &mut product.body)?;
            writes.push(PRODUCTS.replace(product)?);
        }
        Ok((to_category(tree.node_mut(id)?), writes))
    })
}

/// Takes a category away that has neither others nor products below it.
pub fn delete(ports: &(impl Ports + Cache), caller: &Caller, id: &str) -> Result<Category, Error> {
    change(ports, (caller, AuditAction::CategoryDelete), |tree| {
        let path = tree.path(id)?;
        let node = tree.remove(id)?;
        let mut find = PRODUCTS.query(1);
        below(&path, &mut find);
        if !PRODUCTS.find(ports, &find)?.is_empty() {
            return Err(Error::Conflict(
                "There are products in this category. Put them into another one first.".into(),
            ));
        }
        Ok((to_category(&node), Vec::new()))
    })
}

/// Restricts a query to the products of a category and of all below it.
pub fn below(path: &str, find: &mut Query) {
    // The character after the slash ends what begins with the path.
    let end = format!("{}0", path.trim_end_matches('/'));
    for (comparison, value) in [(Comparison::AtLeast, path.to_owned()), (Comparison::Less, end)] {
        find.conditions.push(Condition {
            field: "categoryPath".into(),
            comparison,
            value: Scalar::Text(value),
        });
    }
}

/// Finds a product's category for it. The write makes sure that the category is still there when the product is
/// committed; there is none where there is no category.
pub fn locate(ports: &impl Ports, body: &mut ProductBody) -> Result<Option<Write>, Error> {
    if body.category_id.is_none() {
        body.category_path = None;
        return Ok(None);
    }
    let tree = read(ports)?;
    place(&tree, body)?;
    Ok(Some(tree.guard()))
}

/// Sets a product's path to where its category is now.
pub fn place(tree: &Tree, body: &mut ProductBody) -> Result<(), Error> {
    let Some(wanted) = &body.category_id else {
        body.category_path = None;
        return Ok(());
    };
    let node = tree.find(wanted).ok_or_else(|| {
        Error::invalid(
            "categoryId",
            "There is no such category. Take its _id or slug from categories.",
        )
    })?;
    body.category_path = Some(tree.path(&node.id)?);
    body.category_id = Some(node.id.clone());
    Ok(())
}

/// Changes the tree, and what belongs to the change. Two that do so at once meet at its version, and the second sees
/// what the first has done.
fn change(
    ports: &(impl Ports + Cache),
    (caller, action): (&Caller, AuditAction),
    make: impl Fn(&mut Tree) -> Result<(Category, Vec<Write>), Error>,
) -> Result<Category, Error> {
    for _ in 0..TRIES {
        let stored = CATEGORIES.get(ports, TREE)?;
        let mut tree = stored
            .as_ref()
            .map(|stored| stored.body.clone())
            .unwrap_or_default();
        let (category, mut writes) = make(&mut tree)?;
        writes.push(match stored {
            Some(Stored { id, version, .. }) => CATEGORIES.replace(&Stored {
                id,
                version,
                body: tree,
            })?,
            None => CATEGORIES.insert(TREE, &tree)?,
        });
        let act = act(caller, action, &category.id, None)?;
        match commit(ports, &writes, &[act]) {
            Ok(()) => return Ok(category),
            Err(CommitFailure::Refused(_)) => {}
            Err(failure) => return Err(failure.into()),
        }
    }
    Err(Error::Unavailable(
        "The categories or their products are being changed all the time. Try again in a moment.".into(),
    ))
}
