//! Categories of products.

use std::sync::Arc;

use async_graphql::{InputObject, SimpleObject};
use mercato_shop::catalog;
use mercato_shop::types::Error;
use schemars::JsonSchema;
use serde::Serialize;

use crate::model::convert::Convert;
use crate::model::entity_id::EntityId;
use crate::model::scalar::{Id, Int};

/// A category of products. The categories form a tree.
#[derive(Serialize, JsonSchema, SimpleObject)]
#[graphql(complex)]
#[serde(rename_all = "camelCase")]
pub struct Category {
    #[graphql(flatten)]
    #[serde(flatten)]
    pub id: EntityId,
    /// The name, as customers see it.
    name: String,
    /// The name in URLs. It is unique among all categories.
    slug: String,
    /// The `_id` of the category directly above. Null for a root category.
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
    /// 1 to 100 characters.
    name: String,
    /// The name in URLs. Must be unique. By default, the slug is made from the name.
    slug: Option<String>,
    /// The `_id` or the `slug` of the category directly above. Unset for a root category.
    parent_id: Option<Id>,
    /// Siblings are sorted by position, then by name.
    #[graphql(default)]
    position: i32,
}

/// Changes to a category. Unset fields are left unchanged.
#[derive(InputObject)]
#[graphql(name = "UpdateCategoryInput")]
pub struct CategoryChanges {
    /// 1 to 100 characters.
    name: Option<String>,
    /// The name in URLs. Must be unique.
    slug: Option<String>,
    /// Siblings are sorted by position, then by name.
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
