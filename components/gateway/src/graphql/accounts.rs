//! Users, sessions and the audit log.

use async_graphql::{Context, Json, Object};
use mercato_shop::accounts;
use mercato_shop::types::Error;
use serde_json::Value;

use crate::graphql::resolve::{
    LIST, Nullable, PageOf, change, change_with_credentials, connection, load, page_size, read, version,
    whole_list,
};
use crate::model::audit::{AuditEntry, AuditFilter};
use crate::model::convert::{Convert, convert};
use crate::model::scalar::Id;
use crate::model::session::UserSession;
use crate::model::user::{
    CodeSent, Credentials, Logout, NewUser, PasswordChange, Refresh, Role, SignedIn, User, UserChanges,
    VerificationChannel,
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
    #[graphql(complexity = "LIST * child_complexity")]
    async fn users(&self, context: &Context<'_>) -> Nullable<Vec<Option<User>>> {
        whole_list(context, |session, page| {
            session.services.accounts.list(session.caller(), page)
        })
    }

    /// One user: the caller, or any user with the role ADMIN or the API key.
    async fn user(&self, context: &Context<'_>, id: Id) -> Nullable<User> {
        load(context, |session| async move {
            session.check_user_id("id", &id)?;
            session.users.load(&id).await.map(Some)
        })
        .await
    }

    /// The users that `users` lists, page by page, in the order of their registration.
    #[graphql(complexity = "page_size(first) * child_complexity")]
    async fn user_connection(
        &self,
        context: &Context<'_>,
        #[graphql(default = 20, desc = "1 to 100.")] first: Option<i32>,
        after: Option<String>,
    ) -> Nullable<PageOf<User>> {
        connection(context, first, after, |session, page| {
            session.services.accounts.list(session.caller(), page)
        })
    }

    /// The caller's sessions, newest first, at most 100. With the role ADMIN or the API key: those of any
    /// user.
    #[graphql(complexity = "100 * child_complexity")]
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
    async fn export_user(&self, context: &Context<'_>, id: Id) -> Nullable<Json<Value>> {
        read(context, |session| {
            session.check_user_id("id", &id)?;
            personal_data::export(&session.services, session.caller(), &id)
        })
    }

    /// The audit log, newest first: each sign-in, and each action with the rights of an ADMIN or the API key.
    /// New entries can appear with a short delay. Requires the role ADMIN or the API key.
    #[graphql(complexity = "page_size(first) * child_complexity")]
    async fn audit_log(
        &self,
        context: &Context<'_>,
        #[graphql(default = 20, desc = "1 to 100.")] first: Option<i32>,
        after: Option<String>,
        filter: Option<AuditFilter>,
    ) -> Nullable<PageOf<AuditEntry>> {
        let filter = filter.unwrap_or_default().convert();
        connection(context, first, after, |session, page| {
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
    /// Registers a user and signs the user in.
    async fn register_user(&self, context: &Context<'_>, input: Option<NewUser>) -> Nullable<SignedIn> {
        change_with_credentials(context, |session| {
            let input = input.ok_or_else(|| Error::invalid("input", "`input` must not be null."))?;
            session
                .services
                .accounts
                .register(&input.convert(), &session.client)
        })
    }

    /// Signs a user in. RATE_LIMITED after too many failures. FORBIDDEN with the access token of another
    /// session.
    async fn login(&self, context: &Context<'_>, input: Credentials) -> Nullable<SignedIn> {
        change_with_credentials(context, |session| {
            let accounts = &session.services.accounts;
            accounts.login(session.caller(), &input.convert(), &session.client)
        })
    }

    /// Returns a new pair of tokens. A refresh token is valid once. If it is sent again later, its session
    /// ends, because the refresh token may have been copied.
    async fn refresh_token(&self, context: &Context<'_>, input: Refresh) -> Nullable<SignedIn> {
        change_with_credentials(context, |session| {
            session
                .services
                .accounts
                .refresh(&input.refresh_token, &session.client)
        })
    }

    /// Ends the session of the refresh token, or else of the access token. Returns false if it had already
    /// ended.
    async fn logout(&self, context: &Context<'_>, input: Option<Logout>) -> Nullable<bool> {
        change(context, |session| {
            let token = input.unwrap_or_default().refresh_token;
            session
                .services
                .accounts
                .logout(session.caller(), token.as_deref())
        })
    }

    /// Ends one of the caller's sessions. With the role ADMIN or the API key: any session.
    async fn revoke_session(&self, context: &Context<'_>, id: Id) -> Nullable<UserSession> {
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
        channel: VerificationChannel,
    ) -> Nullable<CodeSent> {
        change(context, |session| {
            let accounts = &session.services.accounts;
            let expires_at = accounts.request_verification(session.caller(), channel.into())?;
            Ok(CodeSent {
                channel,
                expires_at: expires_at.convert(),
            })
        })
    }

    /// Verifies the caller's address with the code that was sent last. The code is valid for ten minutes and
    /// five attempts.
    async fn verify(
        &self,
        context: &Context<'_>,
        channel: VerificationChannel,
        code: String,
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
        id: Id,
        #[graphql(desc = "The version that the edit is based on.")] version: i32,
        input: UserChanges,
    ) -> Nullable<User> {
        change(context, |session| {
            session.check_user_id("id", &id)?;
            let version = self::version(version)?;
            let accounts = &session.services.accounts;
            accounts.update(session.caller(), &id, version, &input.convert())
        })
    }

    /// Changes the caller's password, and ends all other sessions of the caller.
    async fn change_password(&self, context: &Context<'_>, input: PasswordChange) -> Nullable<User> {
        change(context, |session| {
            let accounts = &session.services.accounts;
            accounts.change_password(session.caller(), &input.current, &input.new)
        })
    }

    /// Sets the role of a user. The user's access tokens have it after the next refresh. Requires the role
    /// ADMIN or the API key.
    async fn set_role(&self, context: &Context<'_>, id: Id, role: Role) -> Nullable<User> {
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
    async fn erase_user(&self, context: &Context<'_>, id: Id) -> Nullable<User> {
        change(context, |session| {
            session.check_user_id("id", &id)?;
            personal_data::erase(&session.services, session.caller(), &id)
        })
    }
}

fn user_session(session: &RequestSession, found: accounts::Session) -> UserSession {
    UserSession::new(found, session.caller().session_id())
}
