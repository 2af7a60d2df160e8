//! The shapes of JSON that tell of users.

use mercato_shop::accounts::{Channel, Credentials as Given, SignIn, User as Found};
use mercato_shop::types::Role as Known;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::schema::datetime::DateTime;

/// A name of 3 to 64 characters, and a password of 8 to 128.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Credentials {
    pub username: String,
    pub password: String,
    /// The cart that was filled as a guest, which becomes the user's: it is merged into the one that there is.
    #[serde(rename = "cartId")]
    pub cart_id: Option<String>,
}

/// The token that a session goes on with.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Refresh {
    pub refresh_token: String,
}

/// The session to be ended.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Logout {
    /// Its refresh token. Without it, it is the session of the access token.
    pub refresh_token: Option<String>,
}

/// An address of the caller's, and what came there.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Verification {
    pub channel: Address,
    /// Where it is left out, a code is sent.
    pub code: Option<String>,
}

/// A code that is on its way.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CodeSent {
    pub channel: Address,
    /// Until when it is good.
    pub expires_at: DateTime,
}

/// Where a user can be reached.
#[derive(Clone, Copy, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Address {
    #[serde(alias = "EMAIL")]
    Email,
    #[serde(alias = "PHONE")]
    Phone,
}

/// What to change of a user; what is left out stays as it is, and an empty text takes away what was there.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UserChanges {
    /// The name of the person, 1 to 100 characters.
    pub name: Option<String>,
    pub email: Option<String>,
    /// As E.164 writes it: +4915112345678.
    pub phone: Option<String>,
    /// The language that the user reads, as BCP 47 writes it: en-GB.
    pub locale: Option<String>,
    /// The version that the edit was made of, where `If-Match` does not tell it.
    pub version: Option<u64>,
}

/// A user who is signed in now.
#[derive(Serialize, JsonSchema)]
pub struct SignedIn {
    /// To be sent as `Authorization: Bearer <access_token>`.
    pub access_token: String,
    /// Good for one refresh, which answers the next pair.
    pub refresh_token: String,
    pub user: User,
    /// Whether what was in the guest's cart, if there was anything, is in the user's now; it is not where carts can't be reached at the moment.
    #[serde(rename = "cartMerged", skip_serializing_if = "Option::is_none")]
    pub cart_merged: Option<bool>,
}

/// Somebody who can sign in.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct User {
    #[serde(rename = "_id")]
    pub id: String,
    pub username: String,
    pub role: Role,
    pub name: Option<String>,
    pub email: Option<String>,
    pub email_verified: bool,
    pub phone: Option<String>,
    pub phone_verified: bool,
    pub locale: Option<String>,
    /// Moves on with each change of the user.
    pub version: u64,
    pub created_at: DateTime,
    /// When the user was erased, of whom nothing but the id is left.
    pub erased_at: Option<DateTime>,
}

/// What a user may do.
#[derive(Clone, Copy, Serialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
pub enum Role {
    Customer,
    Admin,
}

impl From<Found> for User {
    fn from(user: Found) -> Self {
        Self {
            id: user.id,
            username: user.username,
            role: match user.role {
                Known::Customer => Role::Customer,
                Known::Admin => Role::Admin,
            },
            name: user.name,
            email: user.email,
            email_verified: user.email_verified,
            phone: user.phone,
            phone_verified: user.phone_verified,
            locale: user.locale,
            version: user.version,
            created_at: DateTime(user.created_at),
            erased_at: user.erased_at.map(DateTime),
        }
    }
}

impl From<SignIn> for SignedIn {
    fn from(signed_in: SignIn) -> Self {
        Self {
            access_token: signed_in.access_token,
            refresh_token: signed_in.refresh_token,
            user: signed_in.user.into(),
            cart_merged: None,
        }
    }
}

impl From<Credentials> for Given {
    fn from(input: Credentials) -> Self {
        Self {
            username: input.username,
            password: input.password,
        }
    }
}

impl From<Address> for Channel {
    fn from(address: Address) -> Self {
        match address {
            Address::Email => Self::Email,
            Address::Phone => Self::Phone,
        }
    }
}
