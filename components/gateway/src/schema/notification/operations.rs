//! What can be read and changed of notifications.

use async_graphql::connection::{Connection, EmptyFields};
use async_graphql::{Context, ID, Object};
use mercato_common::notifications::Preference;
use mercato_common::types::Error;

use crate::schema::connection::{page, page_size, to_connection};
use crate::schema::notification::{
    NotificationFilter, NotificationObject, NotificationPreference, NotificationPreferenceInput,
    SendEmailInput, SendSmsInput,
};
use crate::schema::nullable::{Nullable, nullable};
use crate::session::Session;

/// The most preferences that one request changes.
const CHOICES: usize = 50;

/// What can be read of notifications.
#[derive(Default)]
pub struct NotificationQuery;

#[Object]
impl NotificationQuery {
    /// What was sent and what was not, and why, newest first: the caller's own, or everyone's for an ADMIN or the API key.
    #[graphql(complexity = "page_size(first) * child_complexity")]
    async fn notifications(
        &self,
        context: &Context<'_>,
        #[graphql(default = 20, desc = "1 to 100")] first: Option<i32>,
        after: Option<String>,
        filter: Option<NotificationFilter>,
    ) -> Nullable<Connection<String, NotificationObject, EmptyFields, EmptyFields>> {
        nullable(async {
            let session = Session::of(context)?;
            let page = page(session, first, after)?;
            let filter = filter.unwrap_or_default().into();
            let list = session
                .services
                .notifications
                .list(session.caller(), &filter, &page)
                .map_err(|error| session.error(error))?;
            let edges = list
                .edges
                .into_iter()
                .map(|edge| (edge.cursor, NotificationObject(edge.notification)));
            Ok(Some(to_connection(page.after.is_some(), list.has_next, edges)))
        })
        .await
    }

    /// What a user wants to hear of, and how: the caller, or anyone for an ADMIN or the API key.
    #[graphql(complexity = "10 * child_complexity")]
    async fn notification_preferences(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Whose; the caller's own where there is none")] user: Option<ID>,
    ) -> Nullable<Vec<NotificationPreference>> {
        nullable(async {
            let session = Session::of(context)?;
            let user = checked(session, user.as_ref())?;
            let preferences = session.services.notifications.preferences(session.caller(), user);
            told(session, preferences)
        })
        .await
    }
}

/// What can be changed of notifications.
#[derive(Default)]
pub struct NotificationMutation;

#[Object]
impl NotificationMutation {
    /// Chooses what a user hears of, and how; what is not named stays as it is. Codes always come. For the caller, or anyone by an
    /// ADMIN or the API key.
    #[graphql(complexity = "10 * child_complexity")]
    async fn update_notification_preferences(
        &self,
        context: &Context<'_>,
        preferences: Vec<NotificationPreferenceInput>,
        #[graphql(desc = "Whose; the caller's own where there is none")] user: Option<ID>,
    ) -> Nullable<Vec<NotificationPreference>> {
        nullable(async {
            let session = Session::to_change(context)?;
            let user = checked(session, user.as_ref())?;
            if preferences.len() > CHOICES {
                let message = format!("At most {CHOICES} can be chosen at once.");
                return Err(session.error(Error::invalid("preferences", message)));
            }
            let choices: Vec<_> = preferences.into_iter().map(Into::into).collect();
            let chosen = session
                .services
                .notifications
                .set_preferences(session.caller(), user, &choices);
            told(session, chosen)
        })
        .await
    }

    /// Sends an e-mail at once; `status` tells what came of it. For an ADMIN or the API key.
    async fn send_email(&self, context: &Context<'_>, input: SendEmailInput) -> Nullable<NotificationObject> {
        nullable(async {
            let session = Session::to_change(context)?;
            let sent = session
                .services
                .notifications
                .send_email(session.caller(), &input.into());
            sent.map(|sent| Some(NotificationObject(sent)))
                .map_err(|error| session.error(error))
        })
        .await
    }

    /// Sends an SMS at once; `status` tells what came of it. UNAVAILABLE where the shop sends none. For an ADMIN or the API key.
    async fn send_sms(&self, context: &Context<'_>, input: SendSmsInput) -> Nullable<NotificationObject> {
        nullable(async {
            let session = Session::to_change(context)?;
            let sent = session
                .services
                .notifications
                .send_sms(session.caller(), &input.into());
            sent.map(|sent| Some(NotificationObject(sent)))
                .map_err(|error| session.error(error))
        })
        .await
    }

    /// Tries again what was not sent, to the address that its user has now; `status` tells what came of it. Not a code, nor a message of
    /// somebody's: their texts are not kept. For an ADMIN or the API key.
    async fn retry_notification(&self, context: &Context<'_>, id: ID) -> Nullable<NotificationObject> {
        nullable(async {
            let session = Session::to_change(context)?;
            let retried = session.services.notifications.retry(session.caller(), &id);
            retried
                .map(|retried| Some(NotificationObject(retried)))
                .map_err(|error| session.error(error))
        })
        .await
    }
}

fn checked<'a>(session: &Session, user: Option<&'a ID>) -> async_graphql::Result<Option<&'a str>> {
    let user = user.map(|id| id.as_str());
    if let Some(id) = user {
        session.check_user_id("user", id)?;
    }
    Ok(user)
}

fn told(
    session: &Session,
    preferences: Result<Vec<Preference>, Error>,
) -> async_graphql::Result<Option<Vec<NotificationPreference>>> {
    match preferences {
        Ok(preferences) => Ok(Some(preferences.into_iter().map(Into::into).collect())),
        Err(error) => Err(session.error(error)),
    }
}
