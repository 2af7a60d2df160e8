//! Users, sessions and the audit log.

use async_graphql::{Context, Json, Object};
use mercato_shop::accounts;
use mercato_shop::types::Error;
use serde_json::Value;

use crate::graphql::resolve::{
    Nullable, PageArguments, PageOf, change, change_with_credentials, connection, load, read, version,
    whole_list,
};
use crate::model::audit::{AuditEntry, AuditFilter};
use crate::model::convert::{Convert, convert};
use crate::model::scalar::Id;
use crate::model::session::UserSession;
use crate::model::user::{
    CodeSent, Credentials, Logout, NewUser, PasswordChange, PasswordResetRequest, Refresh, Role, SignedIn,
    User, UserChanges, VerificationChannel, login_name,
};
use crate::request_session::personal_data;
use crate::request_session::{RequestSession, check_id};

convert!(Value => Json<Value>, UserSession => UserSession, CodeSent => CodeSent);

/// Queries of users, sessions and the audit log.
#[derive(Default)]
pub struct AccountsQuery;

#[Object]
impl AccountsQuery {
    /// The signed-in user.
    async fn me(&self, context: &Context<'_>) -> Nullable<User> {
        load(context, |session| async move {
            let Some(id) = session.caller().user_id() else {
                let message = "Sign in, and send the header Authorization: Bearer <access_token>.";
                return Err(Error::Unauthenticated(message.into()));
            };
            session.users.load(id).await.map(Some)
        })
        .await
    }

    /// The caller's own account. With the role ADMIN or the API key: the first 1,000 users. For longer lists,
    /// use `userConnection`.
    async fn users(&self, context: &Context<'_>) -> Nullable<Vec<Option<User>>> {
        whole_list(context, |session, page| {
            session.services.accounts.list(session.caller(), page)
        })
    }

    /// One user: the caller, or any user with the role ADMIN or the API key.
    async fn user(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The id of the user.")] id: Id,
    ) -> Nullable<User> {
        load(context, |session| async move {
            session.check_user_id("id", &id)?;
            session.users.load(&id).await.map(Some)
        })
        .await
    }

    /// The user with this user name or this verified e-mail address. Null if there is none. Requires the role
    /// ADMIN or the API key.
    async fn find_user(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The user name, in any case. It excludes `email`.")] username: Option<String>,
        #[graphql(desc = "The e-mail address, in any case. It excludes `username`.")] email: Option<String>,
    ) -> Nullable<User> {
        load(context, |session| async move {
            session.caller().require_admin()?;
            let name = login_name(username, email)?;
            session.services.accounts.find(session.caller(), &name)
        })
        .await
    }

    /// The users that `users` lists, page by page, in the order of their registration.
    async fn user_connection(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "1 to 100 items from the start, by default 20.")] first: Option<i32>,
        #[graphql(desc = "The page begins after the item of this cursor.")] after: Option<String>,
        #[graphql(desc = "1 to 100 items from the end, in place of `first`.")] last: Option<i32>,
        #[graphql(desc = "The page ends before the item of this cursor.")] before: Option<String>,
    ) -> Nullable<PageOf<User>> {
        let arguments = PageArguments {
            first,
            after,
            last,
            before,
        };
        connection(context, arguments, |session, page| {
            session.services.accounts.list(session.caller(), page)
        })
    }

    /// The caller's sessions, newest first, at most 100. With the role ADMIN or the API key: those of any
    /// user.
    async fn sessions(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The default is the caller.")] user: Option<Id>,
    ) -> Nullable<Vec<UserSession>> {
        read(context, |session| {
            let user = user.as_deref();
            if let Some(id) = user {
                session.check_user_id("user", id)?;
            }
            let sessions = session.services.accounts.sessions(session.caller(), user)?;
            let found = sessions.into_iter();
            Ok(found
                .map(|found| user_session(session, found))
                .collect::<Vec<_>>())
        })
    }

    /// All data of a user as a JSON object: account, sessions, cart, orders, payments, notifications and
    /// preferences. For the user, or with the role ADMIN or the API key.
    async fn export_user(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The id of the user.")] id: Id,
    ) -> Nullable<Json<Value>> {
        read(context, |session| {
            session.check_user_id("id", &id)?;
            personal_data::export(&session.services, session.caller(), &id)
        })
    }

    /// The audit log, newest first: each sign-in, and each action with the rights of an ADMIN or the API key.
    /// New entries can appear with a short delay. Requires the role ADMIN or the API key.
    async fn audit_log(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "1 to 100 items from the start, by default 20.")] first: Option<i32>,
        #[graphql(desc = "The page begins after the item of this cursor.")] after: Option<String>,
        #[graphql(desc = "1 to 100 items from the end, in place of `first`.")] last: Option<i32>,
        #[graphql(desc = "The page ends before the item of this cursor.")] before: Option<String>,
        #[graphql(desc = "Selects entries. The default selects all.")] filter: Option<AuditFilter>,
    ) -> Nullable<PageOf<AuditEntry>> {
        let filter = filter.unwrap_or_default().convert();
        let arguments = PageArguments {
            first,
            after,
            last,
            before,
        };
        connection(context, arguments, |session, page| {
            session
                .services
                .accounts
                .audit_log(session.caller(), &filter, page)
        })
    }
}

/// Mutations of users and sessions.
#[derive(Default)]
pub struct AccountsMutation;

#[Object]
impl AccountsMutation {
    /// Registers a user and signs the user in. CONFLICT if the user name is taken, or if another user has
    /// verified the e-mail address.
    async fn register_user(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The new user. Required.")] input: Option<NewUser>,
    ) -> Nullable<SignedIn> {
        change_with_credentials(context, |session| {
            let input = input.ok_or_else(|| Error::invalid("input", "`input` must not be null."))?;
            session
                .services
                .accounts
                .register(&input.convert(), &session.client_to_register())
        })
    }

    /// Signs a user in by user name or e-mail address. UNAUTHENTICATED if the password is wrong or the user is
    /// unknown. RATE_LIMITED after too many failures.
    async fn login(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Who signs in, and the password.")] input: Credentials,
    ) -> Nullable<SignedIn> {
        change_with_credentials(context, |session| {
            let accounts = &session.services.accounts;
            accounts.login(session.caller(), &input.convert()?, &session.client)
        })
    }

    /// Returns a new pair of tokens. A refresh token is valid once. If it is sent again later, its session
    /// ends, because the refresh token may have been copied.
    async fn refresh_token(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The last refresh token.")] input: Refresh,
    ) -> Nullable<SignedIn> {
        change_with_credentials(context, |session| {
            session
                .services
                .accounts
                .refresh(&input.refresh_token, &session.client)
        })
    }

    /// Ends the session of the refresh token, or else of the access token. Returns false if it had already
    /// ended.
    async fn logout(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The session to end. The default is the session of the access token.")]
        input: Option<Logout>,
    ) -> Nullable<bool> {
        change(context, |session| {
            let token = input.unwrap_or_default().refresh_token;
            session
                .services
                .accounts
                .logout(session.caller(), token.as_deref())
        })
    }

    /// Ends one of the caller's sessions. With the role ADMIN or the API key: any session.
    async fn revoke_session(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The id of the session.")] id: Id,
    ) -> Nullable<UserSession> {
        change(context, |session| {
            session.caller().require_authenticated()?;
            check_id("id", &id)?;
            let revoked = session.services.accounts.revoke_session(session.caller(), &id)?;
            Ok(user_session(session, revoked))
        })
    }

    /// Sends a code to the caller's e-mail address or phone number. At most once a minute and ten times a
    /// day.
    async fn request_verification(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Where the code is sent.")] channel: VerificationChannel,
    ) -> Nullable<CodeSent> {
        change(context, |session| {
            let accounts = &session.services.accounts;
            let expires_at =
                accounts.request_verification(session.caller(), channel.into(), &session.client)?;
            Ok(CodeSent {
                channel,
                expires_at: expires_at.convert(),
            })
        })
    }

    /// Verifies the caller's address with the code that was sent last. The code is valid for ten minutes and
    /// five attempts. CONFLICT if another user has verified the e-mail address.
    async fn verify(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Where the code was sent.")] channel: VerificationChannel,
        #[graphql(desc = "Six digits.")] code: String,
    ) -> Nullable<User> {
        change(context, |session| {
            session
                .services
                .accounts
                .verify(session.caller(), channel.into(), &code)
        })
    }

    /// Edits a user. CONFLICT if the user has another version by now. For the user, or with the role ADMIN or
    /// the API key.
    async fn update_user(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The id of the user.")] id: Id,
        #[graphql(desc = "The version that the edit is based on.")] version: i32,
        #[graphql(desc = "The changes. Unset fields are left unchanged.")] input: UserChanges,
    ) -> Nullable<User> {
        change(context, |session| {
            session.check_user_id("id", &id)?;
            let version = self::version(version)?;
            let accounts = &session.services.accounts;
            accounts.update(session.caller(), &id, version, &input.convert())
        })
    }

    /// Changes the caller's password, and ends all other sessions of the caller.
    async fn change_password(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The current password and the new one.")] input: PasswordChange,
    ) -> Nullable<User> {
        change(context, |session| {
            let accounts = &session.services.accounts;
            accounts.change_password(session.caller(), &input.current, &input.new)
        })
    }

    /// Mails a link to set a new password, if a user has verified this address and signs in with a password.
    /// The answer is the same if not. A link works once, and replaces the links before.
    async fn request_password_reset(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "A verified e-mail address.")] email: String,
    ) -> Nullable<PasswordResetRequest> {
        change_with_credentials(context, |session| {
            let accounts = &session.services.accounts;
            accounts.request_password_reset(&email, &session.client)
        })
    }

    /// Sets a new password by the token of a mail, and ends all sessions of the user. BAD_USER_INPUT about
    /// `token` if the token is wrong, used, replaced or expired.
    async fn reset_password(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The token of the last mail.")] token: String,
        #[graphql(
            desc = "The new password, 8 to 128 characters. Neither a common password nor made of the user's names."
        )]
        password: String,
    ) -> Nullable<User> {
        change_with_credentials(context, |session| {
            let accounts = &session.services.accounts;
            accounts.reset_password(&token, &password, &session.client)
        })
    }

    /// Sets the role of a user, and ends all sessions of the user, who signs in again. Requires the role ADMIN
    /// or the API key.
    async fn set_role(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The id of the user.")] id: Id,
        #[graphql(desc = "The new role.")] role: Role,
    ) -> Nullable<User> {
        change(context, |session| {
            session.caller().require_admin()?;
            session.check_user_id("id", &id)?;
            session
                .services
                .accounts
                .set_role(session.caller(), &id, role.into())
        })
    }

    /// Erases all personal data of a user permanently, and frees the username. The id remains, so that old
    /// orders keep their owner. For the user, or with the role ADMIN or the API key.
    async fn erase_user(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The id of the user.")] id: Id,
    ) -> Nullable<User> {
        change(context, |session| {
            session.check_user_id("id", &id)?;
            personal_data::erase(&session.services, session.caller(), &id)
        })
    }
}

fn user_session(session: &RequestSession, found: accounts::Session) -> UserSession {
    UserSession::new(found, session.caller().session_id())
}
