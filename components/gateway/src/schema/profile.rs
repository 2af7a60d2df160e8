//! What users, and those who keep the shop, change of users.

use async_graphql::{Context, ID, InputObject, Json, Object};
use mercato_shop::accounts::UserPatch;
use serde_json::Value;

use crate::personal;
use crate::schema::nullable::{Nullable, change, read};
use crate::schema::user::{RoleEnum, UserObject};
use crate::session::valid_version;

/// What to change; what is left out stays as it is, and an empty text takes away what was there.
#[derive(InputObject)]
pub struct UpdateUserInput {
    /// The name of the person, 1 to 100 characters.
    name: Option<String>,
    email: Option<String>,
    /// As E.164 writes it: +4915112345678.
    phone: Option<String>,
    /// The language that the user reads, as BCP 47 writes it: en-GB.
    locale: Option<String>,
}

impl From<UpdateUserInput> for UserPatch {
    fn from(input: UpdateUserInput) -> Self {
        Self {
            name: input.name,
            email: input.email,
            phone: input.phone,
            locale: input.locale,
        }
    }
}

/// The present password, and the one that is to be it.
#[derive(InputObject)]
pub struct ChangePasswordInput {
    current: String,
    /// 8 to 128 characters.
    new: String,
}

#[derive(Default)]
pub struct ProfileQuery;

#[Object]
impl ProfileQuery {
    /// All that the shop keeps of a user, as a JSON object: the account and its sessions, cart, orders, payments, notifications and preferences.
    /// The caller; anyone for an ADMIN or the API key.
    async fn export_user(&self, context: &Context<'_>, id: ID) -> Nullable<Json<Value>> {
        read(context, |session| {
            session.valid_user_id("id", &id)?;
            personal::export(&session.services, session.caller(), &id).map(Json)
        })
    }
}

#[derive(Default)]
pub struct ProfileMutation;

#[Object]
impl ProfileMutation {
    /// Edits a user who is still at this version; CONFLICT where not. The caller; anyone for an ADMIN or the API key.
    async fn update_user(
        &self,
        context: &Context<'_>,
        id: ID,
        #[graphql(desc = "The version that the edit was made of")] version: i32,
        input: UpdateUserInput,
    ) -> Nullable<UserObject> {
        change(context, |session| {
            session.valid_user_id("id", &id)?;
            let version = valid_version(version)?;
            let accounts = &session.services.accounts;
            let user = accounts.update(session.caller(), &id, version, input.into());
            Ok(UserObject(user?))
        })
    }

    /// Gives the caller another password, and ends all of the caller's other sessions.
    async fn change_password(
        &self,
        context: &Context<'_>,
        input: ChangePasswordInput,
    ) -> Nullable<UserObject> {
        change(context, |session| {
            let accounts = &session.services.accounts;
            let user = accounts.change_password(session.caller(), &input.current, &input.new);
            Ok(UserObject(user?))
        })
    }

    /// Says what a user may do; access tokens tell it from their next refresh on. For an ADMIN or the API key.
    async fn set_role(&self, context: &Context<'_>, id: ID, role: RoleEnum) -> Nullable<UserObject> {
        change(context, |session| {
            session.caller().require_admin()?;
            session.valid_user_id("id", &id)?;
            let user = session
                .services
                .accounts
                .set_role(session.caller(), &id, role.into());
            Ok(UserObject(user?))
        })
    }

    /// Takes away all that is personal of a user, for good, and frees the name. The id stays, so that old orders have an
    /// owner. The caller; anyone for an ADMIN or the API key.
    async fn erase_user(&self, context: &Context<'_>, id: ID) -> Nullable<UserObject> {
        change(context, |session| {
            session.valid_user_id("id", &id)?;
            personal::erase(&session.services, session.caller(), &id).map(UserObject)
        })
    }
}
