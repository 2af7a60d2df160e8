//! Sessions: where a user is signed in, how that goes on, and how it ends.

use async_graphql::{Context, ID, InputObject, Object};
use mercato_shop::accounts::Session as AccountSession;

use crate::errors;
use crate::schema::datetime::DateTime;
use crate::schema::nullable::{Nullable, change, nullable, read};
use crate::schema::user::RegisterUserResult;
use crate::session::{Session, valid_id};

/// One place where a user is signed in.
pub struct SessionObject {
    session: AccountSession,
    current: bool,
}

/// One place where a user is signed in.
#[Object(name = "Session")]
impl SessionObject {
    #[graphql(name = "_id")]
    async fn id(&self) -> ID {
        ID(self.session.id.clone())
    }

    async fn user_id(&self) -> ID {
        ID(self.session.user_id.clone())
    }

    async fn created_at(&self) -> DateTime {
        DateTime(self.session.created_at)
    }

    /// When its tokens were refreshed last.
    async fn last_used_at(&self) -> DateTime {
        DateTime(self.session.last_used_at)
    }

    /// When it ends by itself if its tokens are not refreshed before.
    async fn expires_at(&self) -> DateTime {
        DateTime(self.session.expires_at)
    }

    /// The address that it was last refreshed from, where the shop is told.
    async fn address(&self) -> Option<&str> {
        self.session.client.address.as_deref()
    }

    async fn user_agent(&self) -> Option<&str> {
        self.session.client.user_agent.as_deref()
    }

    /// Whether it is the session of the access token that asks.
    async fn current(&self) -> bool {
        self.current
    }
}

fn to_object(asks: &Session, session: AccountSession) -> SessionObject {
    SessionObject {
        current: asks.caller().session_id() == Some(&session.id),
        session,
    }
}

/// The token that a session goes on with.
#[derive(InputObject)]
pub struct RefreshTokenInput {
    #[graphql(name = "refresh_token")]
    refresh_token: String,
}

/// The session to be ended.
#[derive(Default, InputObject)]
pub struct LogoutInput {
    /// Its refresh token. Without it, it is the session of the access token.
    #[graphql(name = "refresh_token")]
    refresh_token: Option<String>,
}

#[derive(Default)]
pub struct SessionQuery;

#[Object]
impl SessionQuery {
    /// Where the caller is signed in, newest first, at most 100; where anyone is, for an ADMIN or the API key.
    #[graphql(complexity = "100 * child_complexity")]
    async fn sessions(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Whose; the caller's own where there is none")] user: Option<ID>,
    ) -> Nullable<Vec<SessionObject>> {
        read(context, |asks| {
            let user = user.as_ref().map(|id| id.as_str());
            if let Some(id) = user {
                asks.valid_user_id("user", id)?;
            }
            let sessions = asks.services.accounts.sessions(asks.caller(), user)?;
            Ok(sessions
                .into_iter()
                .map(|session| to_object(asks, session))
                .collect())
        })
    }
}

#[derive(Default)]
pub struct SessionMutation;

#[Object]
impl SessionMutation {
    /// A new pair of tokens. Each refresh token is good once: one that comes again later ends its session, since
    /// somebody has a copy of it.
    async fn refresh_token(
        &self,
        context: &Context<'_>,
        input: RefreshTokenInput,
    ) -> Nullable<RegisterUserResult> {
        nullable(async {
            let asks = Session::to_change(context)?;
            let signed_in = asks
                .services
                .accounts
                .refresh(&input.refresh_token, asks.client.clone())
                .map_err(errors::plain)?;
            Ok(Some(signed_in.into()))
        })
        .await
    }

    /// Ends the session of the refresh token, or else that of the access token; whether it had not ended before.
    async fn logout(&self, context: &Context<'_>, input: Option<LogoutInput>) -> Nullable<bool> {
        change(context, |asks| {
            let token = input.unwrap_or_default().refresh_token;
            asks.services.accounts.logout(asks.caller(), token.as_deref())
        })
    }

    /// Ends one of the caller's sessions; anyone's for an ADMIN or the API key.
    async fn revoke_session(&self, context: &Context<'_>, id: ID) -> Nullable<SessionObject> {
        change(context, |asks| {
            asks.caller().require_known()?;
            valid_id("id", &id)?;
            let session = asks.services.accounts.revoke_session(asks.caller(), &id);
            Ok(to_object(asks, session?))
        })
    }
}
