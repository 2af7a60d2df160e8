//! Sessions of users.

use async_graphql::SimpleObject;
use mercato_shop::accounts;

use crate::model::convert::Convert;
use crate::model::entity_id::EntityId;
use crate::model::scalar::{DateTime, Id};

/// A session: one place where a user is signed in.
#[derive(SimpleObject)]
#[graphql(name = "Session")]
pub struct UserSession {
    #[graphql(flatten)]
    pub id: EntityId,
    /// The id of the user.
    user_id: Id,
    /// When the user signed in.
    created_at: DateTime,
    /// When the tokens were last refreshed.
    last_used_at: DateTime,
    /// When the session ends if its tokens are not refreshed.
    expires_at: DateTime,
    /// The client's address at the last refresh, if the shop knows it.
    address: Option<String>,
    /// The client's header `User-Agent` at the last refresh.
    user_agent: Option<String>,
    /// Whether it is the session of the access token of this request.
    current: bool,
}

impl UserSession {
    /// Returns a session as the caller of the session `current` sees it.
    pub fn new(session: accounts::Session, current: Option<&str>) -> Self {
        Self {
            current: current == Some(&session.id),
            id: session.id.convert(),
            user_id: session.user_id.convert(),
            created_at: session.created_at.convert(),
            last_used_at: session.last_used_at.convert(),
            expires_at: session.expires_at.convert(),
            address: session.client.address,
            user_agent: session.client.user_agent,
        }
    }
}
