//! The user as it is stored.

use mercato_common::accounts::User;
use mercato_common::collection::{Collection, Stored};
use mercato_common::types::Role;
use serde::{Deserialize, Serialize};

/// All users, by id.
pub const USERS: Collection<UserBody> = Collection::new("accounts.users");

/// The claims of user names: inserted in the commit that makes the user, so that a name can't be taken twice.
pub const USERNAMES: Collection<UsernameClaim> = Collection::new("accounts.usernames");

#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct UserBody {
    pub username: String,
    /// The name in the form that makes it unique.
    pub username_key: String,
    pub password_hash: String,
    pub role: StoredRole,
    pub created_at: u64,
    /// Moves on when all sessions of the user end: one that was opened before is over, even if it was opened at that very moment.
    #[serde(default)]
    pub epoch: u64,
}

#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum StoredRole {
    Customer,
    Admin,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct UsernameClaim {
    pub user_id: String,
}

/// What may be told of a user.
pub fn to_user(stored: Stored<UserBody>) -> User {
    User {
        id: stored.id,
        username: stored.body.username,
        role: match stored.body.role {
            StoredRole::Customer => Role::Customer,
            StoredRole::Admin => Role::Admin,
        },
        created_at: stored.body.created_at,
    }
}
