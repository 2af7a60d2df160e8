//! `Category`: the tree that products are in.

use std::sync::Arc;

use async_graphql::{Context, ID, InputObject, Object, Result};
use mercato_shop::catalog::{Category, CategoryPatch, NewCategory};
use mercato_shop::types::Error;

use crate::schema::connection::LIST;
use crate::schema::nullable::{Nullable, nullable};
use crate::schema::product::int;
use crate::session::Session;

/// A category, with all others, so that its relatives are at hand.
pub struct CategoryObject {
    own: Category,
    all: Arc<Vec<Category>>,
}

impl CategoryObject {
    /// The category of this id, if it is there.
    pub async fn find(session: &Session, id: &str) -> Result<Option<Self>> {
        let all = all(session).await?;
        let own = all.iter().find(|category| category.id == id).cloned();
        Ok(own.map(|own| Self { own, all }))
    }

    fn those(all: &Arc<Vec<Category>>, wanted: impl Fn(&Category) -> bool) -> Vec<Self> {
        let wanted = all.iter().filter(|category| wanted(category));
        wanted
            .map(|category| Self {
                own: category.clone(),
                all: Arc::clone(all),
            })
            .collect()
    }
}

/// All categories: one call for all fields of a request.
async fn all(session: &Session) -> Result<Arc<Vec<Category>>> {
    let loaded = session.categories.load("all").await;
    loaded.map_err(|error| session.error(error))
}

/// A category of products; all of them are a tree.
#[Object(name = "Category")]
impl CategoryObject {
    #[graphql(name = "_id")]
    async fn id(&self) -> ID {
        ID(self.own.id.clone())
    }

    async fn name(&self) -> &str {
        &self.own.name
    }

    /// The name as a part of an address; no two categories have the same.
    async fn slug(&self) -> &str {
        &self.own.slug
    }

    /// Siblings stand in this order, and those with the same position in that of their names.
    async fn position(&self) -> i32 {
        int(i64::from(self.own.position))
    }

    /// Null for a category at the root.
    async fn parent_id(&self) -> Option<ID> {
        self.own.parent_id.clone().map(ID)
    }

    /// The categories right below it, in their order.
    #[graphql(complexity = "5 * child_complexity")]
    async fn children(&self) -> Vec<CategoryObject> {
        Self::those(&self.all, |category| {
            category.parent_id.as_deref() == Some(&self.own.id)
        })
    }

    /// The categories that it is below, from the root down.
    #[graphql(complexity = "5 * child_complexity")]
    async fn ancestors(&self) -> Vec<CategoryObject> {
        // Each category is listed before those below it.
        let mut wanted = self.own.parent_id.as_deref();
        let mut path = Vec::new();
        for category in self.all.iter().rev() {
            if Some(category.id.as_str()) == wanted {
                wanted = category.parent_id.as_deref();
                path.push(Self {
                    own: category.clone(),
                    all: Arc::clone(&self.all),
                });
            }
        }
        path.reverse();
        path
    }
}

/// A category to be added.
#[derive(InputObject)]
pub struct CreateCategoryInput {
    name: String,
    /// Made of the name where it is left out.
    slug: Option<String>,
    parent_id: Option<ID>,
    #[graphql(default)]
    position: i32,
}

/// What to change of a category; what is left out stays as it is.
#[derive(InputObject)]
pub struct UpdateCategoryInput {
    name: Option<String>,
    slug: Option<String>,
    position: Option<i32>,
}

/// What can be read of the categories.
#[derive(Default)]
pub struct CategoryQuery;

#[Object]
impl CategoryQuery {
    /// The categories at the root; those below them are their `children`.
    #[graphql(complexity = "LIST * child_complexity")]
    async fn categories(&self, context: &Context<'_>) -> Nullable<Vec<CategoryObject>> {
        nullable(async {
            let all = all(Session::of(context)?).await?;
            Ok(Some(CategoryObject::those(&all, |category| {
                category.parent_id.is_none()
            })))
        })
        .await
    }
}

/// What can be changed of the categories.
#[derive(Default)]
pub struct CategoryMutation;

#[Object]
impl CategoryMutation {
    /// Adds a category. For an ADMIN or the API key.
    async fn create_category(
        &self,
        context: &Context<'_>,
        input: CreateCategoryInput,
    ) -> Nullable<CategoryObject> {
        nullable(async {
            let session = Session::to_change(context)?;
            keeper(session)?;
            let input = NewCategory {
                name: input.name,
                slug: input.slug,
                parent_id: input.parent_id.map(|id| id.0),
                position: place(session, input.position)?,
            };
            let created = session.services.catalog.create_category(session.caller(), input);
            answer(session, created).await
        })
        .await
    }

    /// Gives a category another name, slug or position. For an ADMIN or the API key.
    async fn update_category(
        &self,
        context: &Context<'_>,
        id: ID,
        input: UpdateCategoryInput,
    ) -> Nullable<CategoryObject> {
        nullable(async {
            let session = Session::to_change(context)?;
            keeper(session)?;
            session.check_id("id", &id)?;
            let patch = CategoryPatch {
                name: input.name,
                slug: input.slug,
                position: input
                    .position
                    .map(|position| place(session, position))
                    .transpose()?,
            };
            let catalog = &session.services.catalog;
            answer(session, catalog.update_category(session.caller(), &id, &patch)).await
        })
        .await
    }

    /// Puts a category, with all below it, under another one; at the root where `parentId` is null. CONFLICT where that is
    /// below itself, or where more than 500 products would move with it. For an ADMIN or the API key.
    async fn move_category(
        &self,
        context: &Context<'_>,
        id: ID,
        parent_id: Option<ID>,
    ) -> Nullable<CategoryObject> {
        nullable(async {
            let session = Session::to_change(context)?;
            keeper(session)?;
            session.check_id("id", &id)?;
            let parent = parent_id.as_ref().map(|id| id.as_str());
            let catalog = &session.services.catalog;
            answer(session, catalog.move_category(session.caller(), &id, parent)).await
        })
        .await
    }

    /// Takes a category away; CONFLICT where there are categories or products below it. For an ADMIN or the API key.
    async fn delete_category(&self, context: &Context<'_>, id: ID) -> Nullable<CategoryObject> {
        nullable(async {
            let session = Session::to_change(context)?;
            keeper(session)?;
            session.check_id("id", &id)?;
            let catalog = &session.services.catalog;
            answer(session, catalog.delete_category(session.caller(), &id)).await
        })
        .await
    }
}

/// Passes those who keep the shop, before anything is said of what they sent.
fn keeper(session: &Session) -> Result<()> {
    session
        .caller()
        .require_admin()
        .map_err(|error| session.error(error))
}

/// The position of a category among its siblings.
fn place(session: &Session, position: i32) -> Result<u32> {
    u32::try_from(position).map_err(|_| session.error(Error::invalid("position", "A position is 0 or more.")))
}

/// A category that was changed, among the others as they are now.
async fn answer(session: &Session, changed: Result<Category, Error>) -> Result<Option<CategoryObject>> {
    let own = changed.map_err(|error| session.error(error))?;
    let all = all(session).await?;
    Ok(Some(CategoryObject { own, all }))
}
