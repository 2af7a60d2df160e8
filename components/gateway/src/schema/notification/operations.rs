//! What can be read and changed of notifications.

use async_graphql::connection::{Connection, EmptyFields};
use async_graphql::{Context, ID, Object};
use mercato_shop::notifications::Preference;
use mercato_shop::types::Error;

use crate::schema::connection::{page, page_size, to_connection};
use crate::schema::notification::{
    NotificationFilter, NotificationObject, NotificationPreference, NotificationPreferenceInput,
    SendEmailInput, SendSmsInput,
};
use crate::schema::nullable::{Nullable, change, read};
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
        read(context, |session| {
            let page = page(first, after)?;
            let filter = filter.unwrap_or_default().into();
            let list = session
                .services
                .notifications
                .list(session.caller(), &filter, &page)?;
            let edges = list
                .edges
                .into_iter()
                .map(|edge| (edge.cursor, NotificationObject(edge.notification)));
            Ok(to_connection(page.after.is_some(), list.has_next, edges))
        })
    }

    /// What a user wants to hear of, and how: the caller, or anyone for an ADMIN or the API key.
    #[graphql(complexity = "10 * child_complexity")]
    async fn notification_preferences(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Whose; the caller's own where there is none")] user: Option<ID>,
    ) -> Nullable<Vec<NotificationPreference>> {
        read(context, |session| {
            let user = checked(session, user.as_ref())?;
            let preferences = session.services.notifications.preferences(session.caller(), user);
            Ok(told(preferences?))
        })
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
        change(context, |session| {
            let user = checked(session, user.as_ref())?;
            if preferences.len() > CHOICES {
                let message = format!("At most {CHOICES} can be chosen at once.");
                return Err(Error::invalid("preferences", message));
            }
            let choices: Vec<_> = preferences.into_iter().map(Into::into).collect();
            let chosen = session
                .services
                .notifications
                .set_preferences(session.caller(), user, &choices);
            Ok(told(chosen?))
        })
    }

    /// Sends an e-mail at once; `status` tells what came of it: what is WAITING is tried again by itself. For an ADMIN or the API key.
    async fn send_email(&self, context: &Context<'_>, input: SendEmailInput) -> Nullable<NotificationObject> {
        change(context, |session| {
            let sent = session
                .services
                .notifications
                .send_email(session.caller(), &input.into());
            Ok(NotificationObject(sent?))
        })
    }

    /// Sends an SMS at once; `status` tells what came of it: what is WAITING is tried again by itself. UNAVAILABLE where the shop sends none. For an ADMIN or the API key.
    async fn send_sms(&self, context: &Context<'_>, input: SendSmsInput) -> Nullable<NotificationObject> {
        change(context, |session| {
            let sent = session
                .services
                .notifications
                .send_sms(session.caller(), &input.into());
            Ok(NotificationObject(sent?))
        })
    }

    /// Tries again what was not sent, to the address that its user has now; `status` tells what came of it. Not a code, whose text is not
    /// kept; a message of somebody's only while it is WAITING: its text is kept until then. For an ADMIN or the API key.
    async fn retry_notification(&self, context: &Context<'_>, id: ID) -> Nullable<NotificationObject> {
        change(context, |session| {
            let retried = session.services.notifications.retry(session.caller(), &id);
            Ok(NotificationObject(retried?))
        })
    }
}

fn checked<'a>(session: &Session, user: Option<&'a ID>) -> Result<Option<&'a str>, Error> {
    let user = user.map(|id| id.as_str());
    if let Some(id) = user {
        session.valid_user_id("user", id)?;
    }
    Ok(user)
}

fn told(preferences: Vec<Preference>) -> Vec<NotificationPreference> {
    preferences.into_iter().map(Into::into).collect()
}
