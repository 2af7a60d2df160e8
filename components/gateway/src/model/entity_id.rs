//! The id of an entity, under its two names.

use std::ops::Deref;

use async_graphql::SimpleObject;
use schemars::JsonSchema;
use serde::Serialize;

use crate::model::convert::convert;
use crate::model::scalar::Id;

/// The id of an entity. Each entity flattens it, so that clients see `_id` and `id`.
#[derive(Clone, Debug, Serialize, JsonSchema, SimpleObject)]
pub struct EntityId {
    /// The same as `id`.
    #[graphql(name = "_id")]
    #[serde(rename = "_id")]
    underscored: Id,
    /// Unique among all entities of the shop.
    id: Id,
}

impl EntityId {
    /// Returns the id.
    pub const fn as_id(&self) -> &Id {
        &self.id
    }
}

impl Deref for EntityId {
    type Target = str;

    fn deref(&self) -> &str {
        &self.id
    }
}

impl From<String> for EntityId {
    fn from(id: String) -> Self {
        Self {
            underscored: id.clone().into(),
            id: id.into(),
        }
    }
}

convert!(String => EntityId);
