//! Users: accounts, sign-in, profiles and verified addresses.

use async_graphql::{Enum, InputObject, SimpleObject};
use mercato_shop::{accounts, types};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::convert::{Convert, convert};
use crate::model::scalar::{DateTime, Id, Int, names_only};

/// The role of a user.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, JsonSchema, Enum)]
#[graphql(remote = "types::Role")]
#[serde(rename_all = "UPPERCASE")]
#[schemars(transform = names_only)]
pub enum Role {
    /// Buys.
    Customer,
    /// Operates the shop.
    Admin,
}

/// A user account.
#[derive(Serialize, JsonSchema, SimpleObject)]
#[serde(rename_all = "camelCase")]
pub struct User {
    #[graphql(name = "_id")]
    #[serde(rename = "_id")]
    pub id: Id,
    username: String,
    role: Role,
    /// The person's name.
    name: Option<String>,
    email: Option<String>,
    /// Whether the user has confirmed the e-mail address with a code.
    email_verified: bool,
    /// In E.164, such as +4915112345678.
    phone: Option<String>,
    /// Whether the user has confirmed the phone number with a code.
    phone_verified: bool,
    /// The language that the user reads, in BCP 47, such as en-GB.
    locale: Option<String>,
    /// Increases with each change of the user.
    pub version: Int<u64>,
    created_at: DateTime,
    /// When the user was erased. Only the id of an erased user is left.
    erased_at: Option<DateTime>,
}

/// A username of 3 to 64 characters and a password of 8 to 128.
#[derive(InputObject)]
#[graphql(name = "RegisterUserInput")]
pub struct NewUser {
    username: String,
    password: String,
}

/// A username of 3 to 64 characters and a password of 8 to 128.
#[derive(Deserialize, JsonSchema, InputObject)]
#[graphql(name = "LoginInput")]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Credentials {
    username: String,
    password: String,
    /// The cart that was filled as a guest. It is merged into the user's cart.
    #[graphql(skip)]
    pub cart_id: Option<String>,
}

/// A refresh token.
#[derive(Deserialize, JsonSchema, InputObject)]
#[graphql(name = "RefreshTokenInput", rename_fields = "snake_case")]
#[serde(deny_unknown_fields)]
pub struct Refresh {
    pub refresh_token: String,
}

/// The session to end.
#[derive(Default, Deserialize, JsonSchema, InputObject)]
#[graphql(name = "LogoutInput", rename_fields = "snake_case")]
#[serde(deny_unknown_fields)]
pub struct Logout {
    /// The refresh token of the session. Without it, the session of the access token ends.
    pub refresh_token: Option<String>,
}

/// The signed-in user, with new tokens.
#[derive(Serialize, JsonSchema, SimpleObject)]
#[graphql(name = "RegisterUserResult", rename_fields = "snake_case")]
pub struct SignedIn {
    /// Send it as `Authorization: Bearer <access_token>`.
    access_token: String,
    /// Valid for one refresh, which returns the next pair of tokens.
    #[schemars(with = "String")]
    refresh_token: Option<String>,
    pub user: User,
    /// Whether the guest's cart was merged into the user's cart. False if the carts service was unavailable.
    #[graphql(skip)]
    #[serde(rename = "cartMerged", skip_serializing_if = "Option::is_none")]
    pub cart_merged: Option<bool>,
}

/// How to reach a user.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Enum)]
#[graphql(remote = "accounts::Channel")]
#[serde(rename_all = "lowercase")]
#[schemars(rename = "Address", transform = names_only)]
pub enum VerificationChannel {
    /// The e-mail address of the profile.
    #[serde(alias = "EMAIL")]
    Email,
    /// The phone number of the profile.
    #[serde(alias = "PHONE")]
    Phone,
}

/// The address to verify, and the code that was sent there.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Verification {
    pub channel: VerificationChannel,
    /// Without it, a new code is sent.
    pub code: Option<String>,
}

/// A code that was sent.
#[derive(Serialize, JsonSchema, SimpleObject)]
#[graphql(name = "VerificationRequest")]
#[serde(rename_all = "camelCase")]
pub struct CodeSent {
    pub channel: VerificationChannel,
    /// When the code stops being valid.
    pub expires_at: DateTime,
}

/// Changes to a user. Unset fields are left unchanged. An empty string removes a value.
#[derive(Deserialize, JsonSchema, InputObject)]
#[graphql(name = "UpdateUserInput")]
#[serde(deny_unknown_fields)]
pub struct UserChanges {
    /// The person's name, 1 to 100 characters.
    name: Option<String>,
    email: Option<String>,
    /// In E.164, such as +4915112345678.
    phone: Option<String>,
    /// The language that the user reads, in BCP 47, such as en-GB.
    locale: Option<String>,
    /// The version that the change is based on. The header `If-Match` takes precedence.
    #[graphql(skip)]
    pub version: Option<u64>,
}

/// The current password and the new one.
#[derive(InputObject)]
#[graphql(name = "ChangePasswordInput")]
pub struct PasswordChange {
    pub current: String,
    /// 8 to 128 characters.
    pub new: String,
}

convert!(
    types::Role => Role,
    Role => types::Role,
);
convert!(accounts::User => User {
    id, username, role, name, email, email_verified, phone, phone_verified, locale, version, created_at,
    erased_at,
});
convert!(NewUser => accounts::Credentials { username, password });
convert!(Credentials => accounts::Credentials { username, password });
convert!(UserChanges => accounts::UserPatch { name, email, phone, locale });

impl Convert<SignedIn> for accounts::SignIn {
    fn convert(self) -> SignedIn {
        SignedIn {
            access_token: self.access_token,
            refresh_token: Some(self.refresh_token),
            user: self.user.convert(),
            cart_merged: None,
        }
    }
}
