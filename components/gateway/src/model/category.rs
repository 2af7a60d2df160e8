//! Categories of products.

use std::sync::Arc;

use async_graphql::{InputObject, SimpleObject};
use mercato_shop::catalog;
use mercato_shop::types::Error;
use schemars::JsonSchema;
use serde::Serialize;

use crate::model::convert::Convert;
use crate::model::scalar::{Id, Int};

/// A category of products. The categories form a tree.
#[derive(Serialize, JsonSchema, SimpleObject)]
#[graphql(complex)]
#[serde(rename_all = "camelCase")]
pub struct Category {
    #[graphql(name = "_id")]
    #[serde(rename = "_id")]
    pub id: Id,
    name: String,
    /// The name for URLs. Unique.
    slug: String,
    /// Null for a root category.
    pub parent_id: Option<Id>,
    /// Siblings are sorted by position, then by name.
    position: Int<u32>,
    /// All categories, each before those below it.
    #[graphql(skip)]
    #[serde(skip)]
    pub all: Arc<Vec<catalog::Category>>,
}

/// All categories.
#[derive(Serialize, JsonSchema)]
pub struct Categories {
    /// Each category is listed before those below it. Siblings are sorted.
    pub items: Vec<Category>,
}

impl Category {
    /// Returns a category, together with all others.
    pub fn new(category: catalog::Category, all: &Arc<Vec<catalog::Category>>) -> Self {
        Self {
            id: category.id.convert(),
            name: category.name,
            slug: category.slug,
            parent_id: category.parent_id.convert(),
            position: category.position.convert(),
            all: Arc::clone(all),
        }
    }

    /// Returns those categories that match, in the order of the tree.
    pub fn filter(
        all: &Arc<Vec<catalog::Category>>,
        matches: impl Fn(&catalog::Category) -> bool,
    ) -> Vec<Self> {
        let found = all.iter().filter(|category| matches(category));
        found.map(|category| Self::new(category.clone(), all)).collect()
    }
}

/// Returns the path from the root to a category, given all categories, each before those below it.
pub fn path<'a>(all: &'a [catalog::Category], id: Option<&'a str>) -> Vec<&'a catalog::Category> {
    let (mut next, mut path) = (id, Vec::new());
    for category in all.iter().rev() {
        if next == Some(category.id.as_str()) {
            next = category.parent_id.as_deref();
            path.push(category);
        }
    }
    path.reverse();
    path
}

/// A category to create.
#[derive(InputObject)]
#[graphql(name = "CreateCategoryInput")]
pub struct NewCategory {
    name: String,
    /// By default, the slug is made from the name.
    slug: Option<String>,
    parent_id: Option<Id>,
    #[graphql(default)]
    position: i32,
}

/// Changes to a category. Unset fields are left unchanged.
#[derive(InputObject)]
#[graphql(name = "UpdateCategoryInput")]
pub struct CategoryChanges {
    name: Option<String>,
    slug: Option<String>,
    position: Option<i32>,
}

impl TryFrom<NewCategory> for catalog::NewCategory {
    type Error = Error;

    fn try_from(input: NewCategory) -> Result<Self, Error> {
        Ok(Self {
            name: input.name,
            slug: input.slug,
            parent_id: input.parent_id.convert(),
            position: position(input.position)?,
        })
    }
}

impl TryFrom<CategoryChanges> for catalog::CategoryPatch {
    type Error = Error;

    fn try_from(changes: CategoryChanges) -> Result<Self, Error> {
        Ok(Self {
            name: changes.name,
            slug: changes.slug,
            position: changes.position.map(position).transpose()?,
        })
    }
}

fn position(position: i32) -> Result<u32, Error> {
    u32::try_from(position).map_err(|_| Error::invalid("position", "`position` must be 0 or more."))
}
