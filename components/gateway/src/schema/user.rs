//! `User`, and what it takes to become one.

use async_graphql::{Enum, ID, InputObject, Object, SimpleObject};
use mercato_common::accounts::{Credentials, SignIn, User};
use mercato_common::types::Role;

use crate::schema::datetime::DateTime;

/// Somebody who can sign in.
pub struct UserObject(pub User);

/// What a user may do.
#[derive(Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(name = "Role")]
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

    async fn role(&self) -> RoleEnum {
        match self.0.role {
            Role::Customer => RoleEnum::Customer,
            Role::Admin => RoleEnum::Admin,
        }
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
