//! The tree of categories.

use http::{Method, StatusCode};
use mercato_shop::catalog::Category as Found;
use schemars::JsonSchema;
use serde::Serialize;

use crate::rest::answer::Answer;
use crate::rest::call::Call;
use crate::rest::operation::{Access, Operation, Refusal};

/// How categories are read.
pub fn operation() -> Operation {
    Operation::new(
        Method::GET,
        &["/api/categories"],
        "listCategories",
        "All categories, each before those below it",
        Access::Public,
        list,
    )
    .answers::<Categories>(StatusCode::OK)
}

/// The whole tree.
#[derive(Debug, Serialize, JsonSchema)]
struct Categories {
    /// Each stands before those below it, and siblings in their order.
    items: Vec<Category>,
}

/// A category of products.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct Category {
    #[serde(rename = "_id")]
    id: String,
    name: String,
    /// The name as a part of an address; no two categories have the same.
    slug: String,
    /// Null for a category at the root.
    parent_id: Option<String>,
    /// Siblings stand in this order, and those with the same position in that of their names.
    position: u32,
}

impl From<Found> for Category {
    fn from(category: Found) -> Self {
        Self {
            id: category.id,
            name: category.name,
            slug: category.slug,
            parent_id: category.parent_id,
            position: category.position,
        }
    }
}

fn list(call: &Call<'_>) -> Result<Answer, Refusal> {
    let found = call.services().catalog.categories()?;
    let items = found.into_iter().map(Category::from).collect();
    Ok(Answer::public(&Categories { items })?)
}
