//! The user as it is stored.

use mercato_shop::accounts::User;
use mercato_shop::collection::{Collection, Stored};
use mercato_shop::external::ExternalId;
use mercato_shop::types::{Error, Role};
use serde::{Deserialize, Serialize};

use crate::service::{AccountsService, Platform};

/// All users, by id.
pub const USERS: Collection<UserBody> = Collection::new("accounts.users");

/// The claims of user names: inserted in the commit that makes the user, so that a name can't be taken twice.
pub const USERNAMES: Collection<UsernameClaim> = Collection::new("accounts.usernames");

#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct UserBody {
    pub username: String,
    /// The name in the form that makes it unique; none of an erased user.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub username_key: Option<String>,
    /// None of an erased user, nor of one who signs in elsewhere.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password_hash: Option<String>,
    /// Where the user signs in, if not here; none of an erased user.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external: Option<External>,
    pub role: StoredRole,
    pub created_at: u64,
    /// Moves on when all sessions of the user end: one that was opened before is over, even if it was opened at that very moment.
    #[serde(default)]
    pub epoch: u64,
    #[serde(default)]
    pub profile: Profile,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub erased_at: Option<u64>,
}

/// Where a user signs in who does not do so here.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct External {
    pub issuer: String,
    /// An [`ExternalId`], which is the id of the claim.
    pub id: String,
}

impl External {
    /// The id of the claim.
    pub fn id(&self) -> ExternalId {
        ExternalId::from_text(self.id.clone())
    }
}

/// What users tell of themselves.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Profile {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    pub email_verified: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phone: Option<String>,
    pub phone_verified: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub locale: Option<String>,
}

#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
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
        name: stored.body.profile.name,
        email: stored.body.profile.email,
        email_verified: stored.body.profile.email_verified,
        phone: stored.body.profile.phone,
        phone_verified: stored.body.profile.phone_verified,
        locale: stored.body.profile.locale,
        version: stored.version,
        created_at: stored.body.created_at,
        erased_at: stored.body.erased_at,
    }
}

impl From<Role> for StoredRole {
    fn from(role: Role) -> Self {
        match role {
            Role::Customer => Self::Customer,
            Role::Admin => Self::Admin,
        }
    }
}

impl<P: Platform> AccountsService<P> {
    /// The user of this id, erased or not.
    pub(crate) fn user(&self, id: &str) -> Result<Stored<UserBody>, Error> {
        USERS
            .get(&self.ports, id)?
            .ok_or_else(|| Error::NotFound(format!("There is no user {id}.")))
    }

    /// The user of this id, who can still be changed.
    pub(crate) fn present_user(&self, id: &str) -> Result<Stored<UserBody>, Error> {
        let user = self.user(id)?;
        match user.body.erased_at {
            None => Ok(user),
            Some(_) => Err(Error::Conflict(
                "This user was erased, and can't be changed.".into(),
            )),
        }
    }
}
