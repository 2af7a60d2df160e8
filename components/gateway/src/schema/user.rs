//! `User`, and what it takes to become one.

use async_graphql::{Enum, ID, InputObject, Object, SimpleObject};
use mercato_shop::accounts::{Credentials, SignIn, User};
use mercato_shop::types::Role;

use crate::schema::datetime::DateTime;

/// Somebody who can sign in.
pub struct UserObject(pub User);

/// What a user may do.
#[derive(Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(name = "Role", remote = "Role")]
pub enum RoleEnum {
    /// Buys.
    Customer,
    /// Keeps the shop.
    Admin,
}

/// Somebody who can sign in.
#[Object(name = "User")]
impl UserObject {
    #[graphql(name = "_id")]
    async fn id(&self) -> ID {
        ID(self.0.id.clone())
    }

    async fn username(&self) -> &str {
        &self.0.username
    }

    /// The name of the person.
    async fn name(&self) -> Option<&str> {
        self.0.name.as_deref()
    }

    async fn email(&self) -> Option<&str> {
        self.0.email.as_deref()
    }

    /// Whether a code that was sent there came back.
    async fn email_verified(&self) -> bool {
        self.0.email_verified
    }

    /// As E.164 writes it.
    async fn phone(&self) -> Option<&str> {
        self.0.phone.as_deref()
    }

    /// Whether a code that was sent there came back.
    async fn phone_verified(&self) -> bool {
        self.0.phone_verified
    }

    /// The language that the user reads, as BCP 47 writes it.
    async fn locale(&self) -> Option<&str> {
        self.0.locale.as_deref()
    }

    /// Moves on with each change of the user.
    async fn version(&self) -> i32 {
        i32::try_from(self.0.version).unwrap_or(i32::MAX)
    }

    /// When the user was erased, of whom nothing but the id is left.
    async fn erased_at(&self) -> Option<DateTime> {
        self.0.erased_at.map(DateTime)
    }

    async fn role(&self) -> RoleEnum {
        self.0.role.into()
    }

    async fn created_at(&self) -> DateTime {
        DateTime(self.0.created_at)
    }
}

/// Who wants to register: a name of 3 to 64 characters, a password of 8 to 128.
#[derive(InputObject)]
pub struct RegisterUserInput {
    username: String,
    password: String,
}

/// Who wants to sign in.
#[derive(InputObject)]
pub struct LoginInput {
    username: String,
    password: String,
}

impl From<RegisterUserInput> for Credentials {
    fn from(input: RegisterUserInput) -> Self {
        Self {
            username: input.username,
            password: input.password,
        }
    }
}

impl From<LoginInput> for Credentials {
    fn from(input: LoginInput) -> Self {
        Self {
            username: input.username,
            password: input.password,
        }
    }
}

/// A user who is signed in now.
#[derive(SimpleObject)]
pub struct RegisterUserResult {
    /// To be sent as `Authorization: Bearer <access_token>`.
    #[graphql(name = "access_token")]
    access_token: String,
    /// Good for one `refreshToken`, which answers the next pair.
    #[graphql(name = "refresh_token")]
    refresh_token: Option<String>,
    user: UserObject,
}

impl From<SignIn> for RegisterUserResult {
    fn from(signed_in: SignIn) -> Self {
        Self {
            access_token: signed_in.access_token,
            refresh_token: Some(signed_in.refresh_token),
            user: UserObject(signed_in.user),
        }
    }
}
