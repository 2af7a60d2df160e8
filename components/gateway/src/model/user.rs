//! Users: accounts, sign-in, profiles and verified addresses.

use async_graphql::{Enum, InputObject, SimpleObject};
use mercato_shop::accounts::LoginName;
use mercato_shop::types::Error;
use mercato_shop::{accounts, types};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::convert::{Convert, convert};
use crate::model::entity_id::EntityId;
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
    #[graphql(flatten)]
    #[serde(flatten)]
    pub id: EntityId,
    /// Unique without differences of case. It is generated if the registration had only an e-mail address.
    username: String,
    /// What the user may do.
    role: Role,
    /// The person's name.
    name: Option<String>,
    /// The e-mail address.
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
    /// When the user registered.
    created_at: DateTime,
    /// When the user was erased. Only the id of an erased user is left.
    erased_at: Option<DateTime>,
}

/// A new user.
#[derive(InputObject)]
#[graphql(name = "RegisterUserInput")]
pub struct NewUser {
    /// 3 to 64 letters, digits and punctuation of ASCII (RFC 8265). Unique without differences of case.
    username: String,
    /// 8 to 128 characters. Neither a common password nor made of the user's names.
    password: String,
    /// An e-mail address. The user can sign in with it before it is verified, until another user verifies it.
    email: Option<String>,
    /// The person's name, 1 to 100 characters.
    name: Option<String>,
}

/// A new user: with a user name, with an e-mail address, or with both.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(example = serde_json::json!({ "username": "ada", "password": "correct horse battery staple" }))]
pub struct Registration {
    /// 3 to 64 letters, digits and punctuation of ASCII (RFC 8265). Unique without differences of case. Without
    /// one, a name is made from the e-mail address.
    #[schemars(length(min = 3, max = 64))]
    username: Option<String>,
    /// Required without a user name. The user can sign in with it before it is verified, until another user
    /// verifies it.
    email: Option<String>,
    /// The person's name.
    #[schemars(length(min = 1, max = 100))]
    name: Option<String>,
    /// 8 to 128 characters. Neither a common password nor made of the user's names.
    #[schemars(length(min = 8, max = 128))]
    password: String,
    /// The cart that was filled as a guest. It is merged into the user's cart.
    pub cart_id: Option<String>,
}

/// The password of a user, and either the user name or the e-mail address.
#[derive(Deserialize, JsonSchema, InputObject)]
#[graphql(name = "LoginInput")]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(example = serde_json::json!({ "username": "ada", "password": "correct horse battery staple" }))]
pub struct Credentials {
    /// The user name, in any case.
    username: Option<String>,
    /// A verified e-mail address, or the address of the registration.
    email: Option<String>,
    /// The password.
    password: String,
    /// The cart that was filled as a guest. It is merged into the user's cart.
    #[graphql(skip)]
    pub cart_id: Option<String>,
}

impl Credentials {
    /// Returns the credentials for the accounts service.
    ///
    /// # Errors
    /// [`Error::Invalid`] unless there is a user name or an e-mail address, and not both.
    pub fn convert(self) -> Result<accounts::Credentials, Error> {
        Ok(accounts::Credentials {
            login: login_name(self.username, self.email)?,
            password: self.password,
        })
    }
}

/// Returns the user name or the e-mail address, whichever is set.
///
/// # Errors
/// [`Error::Invalid`] if none or both are set.
pub fn login_name(username: Option<String>, email: Option<String>) -> Result<LoginName, Error> {
    match (username, email) {
        (Some(username), None) => Ok(LoginName::Username(username)),
        (None, Some(email)) => Ok(LoginName::Email(email)),
        (None, None) => Err(Error::invalid("username", "Send `username` or `email`.")),
        (Some(_), Some(_)) => Err(Error::invalid(
            "username",
            "Send `username` or `email`, and not both.",
        )),
    }
}

/// A link to set a new password, which may have been mailed.
#[derive(Serialize, JsonSchema, SimpleObject)]
#[serde(rename_all = "camelCase")]
pub struct PasswordResetRequest {
    /// For how many seconds the link is valid, if the address has an account.
    valid_for_seconds: Int<u32>,
}

/// The address for a link to set a new password.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ForgottenPassword {
    /// A verified e-mail address.
    pub email: String,
}

/// A token and a new password.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PasswordReset {
    /// The token of the mail.
    pub token: String,
    /// The new password, 8 to 128 characters. Neither a common password nor made of the user's names.
    #[schemars(length(min = 8, max = 128))]
    pub password: String,
}

/// A refresh token.
#[derive(Deserialize, JsonSchema, InputObject)]
#[graphql(name = "RefreshTokenInput", rename_fields = "snake_case")]
#[serde(deny_unknown_fields)]
pub struct Refresh {
    /// The last refresh token of the session.
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
    /// The user.
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

/// What to verify: an access token, or an address of the caller.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(example = serde_json::json!({ "channel": "email", "code": "123456" }))]
pub struct Verification {
    /// The address to verify. Without it, the access token is verified.
    pub channel: Option<VerificationChannel>,
    /// The code that was sent to the address. Without it, a new code is sent.
    pub code: Option<String>,
    /// The access token to verify. Without it, the one of the header `Authorization`.
    pub token: Option<String>,
}

/// An access token that is valid now.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ValidToken {
    /// Always true: the answer about a token that is not valid has the status 401.
    valid: bool,
    /// The id of the user.
    user_id: Id,
    /// The role that the token grants.
    role: Role,
    /// When the token expires. Null for a token without an end.
    expires_at: Option<DateTime>,
    /// The user. Null if this shop does not know the user of a token that another system issued.
    user: Option<User>,
}

impl ValidToken {
    /// Returns the answer about a token of this user.
    pub fn new(token: types::SignedIn, expires_at: Option<u64>, user: Option<accounts::User>) -> Self {
        Self {
            valid: true,
            user_id: token.user_id.into(),
            role: token.role.convert(),
            expires_at: expires_at.convert(),
            user: user.convert(),
        }
    }
}

/// A code that was sent.
#[derive(Serialize, JsonSchema, SimpleObject)]
#[graphql(name = "VerificationRequest")]
#[serde(rename_all = "camelCase")]
pub struct CodeSent {
    /// Where the code was sent.
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
    /// The e-mail address. A new one is not verified.
    email: Option<String>,
    /// In E.164, such as +4915112345678. A new number is not verified.
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
    /// The current password.
    pub current: String,
    /// The new password, 8 to 128 characters. Neither a common password nor made of the user's names.
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
convert!(Registration => accounts::Registration { username, email, name, password });
convert!(UserChanges => accounts::UserPatch { name, email, phone, locale });

impl Convert<accounts::Registration> for NewUser {
    fn convert(self) -> accounts::Registration {
        accounts::Registration {
            username: Some(self.username),
            email: self.email,
            name: self.name,
            password: self.password,
        }
    }
}

impl Convert<PasswordResetRequest> for u32 {
    fn convert(self) -> PasswordResetRequest {
        PasswordResetRequest {
            valid_for_seconds: self.into(),
        }
    }
}

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
