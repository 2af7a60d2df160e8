//! The category of a product, and its path in the tree.

use mercato_ports::documents::Write;
use mercato_shop::ports::Ports;
use mercato_shop::types::Error;

use crate::repository::{ProductBody, Tree, category_tree};

/// Sets a product's category path. Returns the write that checks on commit that the path is still right, or
/// nothing for a product without a category.
pub fn set_guarded_path(ports: &impl Ports, body: &mut ProductBody) -> Result<Option<Write>, Error> {
    if body.category_id.is_none() {
        body.category_path = None;
        return Ok(None);
    }
    let tree = category_tree(ports)?;
    set_path(&tree, body)?;
    Ok(Some(tree.guard()))
}

/// Sets a product's category path in this tree. A slug as the category id is replaced by the id.
///
/// # Errors
/// [`Error::Invalid`] if the category does not exist.
pub fn set_path(tree: &Tree, body: &mut ProductBody) -> Result<(), Error> {
    let Some(category) = &body.category_id else {
        body.category_path = None;
        return Ok(());
    };
    let node = tree.require("categoryId", category)?;
    body.category_path = Some(tree.path(&node.id)?);
    body.category_id = Some(node.id.clone());
    Ok(())
}
