//! Notifications and notification preferences.

use async_graphql::{Context, Object};
use mercato_shop::notifications::Preference;
use mercato_shop::types::Error;

use crate::graphql::resolve::{Nullable, PageArguments, PageOf, change, connection, read};
use crate::model::convert::Convert;
use crate::model::notification::{
    NewEmail, NewSms, Notification, NotificationFilter, NotificationPreference,
};
use crate::model::scalar::Id;
use crate::request_session::RequestSession;

/// The largest number of preferences in one request.
const MAX_PREFERENCES: usize = 50;

/// Queries of notifications.
#[derive(Default)]
pub struct NotificationsQuery;

#[Object]
impl NotificationsQuery {
    /// The caller's notifications, newest first, including those that were not sent. With the role ADMIN or
    /// the API key: all notifications.
    async fn notifications(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "1 to 100 items from the start, by default 20.")] first: Option<i32>,
        #[graphql(desc = "The page begins after the item of this cursor.")] after: Option<String>,
        #[graphql(desc = "1 to 100 items from the end, in place of `first`.")] last: Option<i32>,
        #[graphql(desc = "The page ends before the item of this cursor.")] before: Option<String>,
        #[graphql(desc = "Which notifications to list. All by default.")] filter: Option<NotificationFilter>,
    ) -> Nullable<PageOf<Notification>> {
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
                .notifications
                .list(session.caller(), &filter, page)
        })
    }

    /// The notification preferences of the caller. With the role ADMIN or the API key: of any user.
    async fn notification_preferences(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The default is the caller.")] user: Option<Id>,
    ) -> Nullable<Vec<NotificationPreference>> {
        read(context, |session| {
            let user = checked(session, user.as_ref())?;
            session.services.notifications.preferences(session.caller(), user)
        })
    }
}

/// Mutations of notifications.
#[derive(Default)]
pub struct NotificationsMutation;

#[Object]
impl NotificationsMutation {
    /// Sets notification preferences of the caller. With the role ADMIN or the API key: of any user.
    /// Preferences that are not sent are left unchanged. Verification codes are always sent.
    async fn update_notification_preferences(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The preferences to set, at most 50.")] preferences: Vec<NotificationPreference>,
        #[graphql(desc = "The default is the caller.")] user: Option<Id>,
    ) -> Nullable<Vec<NotificationPreference>> {
        change(context, |session| {
            let user = checked(session, user.as_ref())?;
            if preferences.len() > MAX_PREFERENCES {
                let message = format!("`preferences` must have at most {MAX_PREFERENCES} items.");
                return Err(Error::invalid("preferences", message));
            }
            let choices: Vec<Preference> = preferences.convert();
            let notifications = &session.services.notifications;
            notifications.set_preferences(session.caller(), user, &choices)
        })
    }

    /// Sends an e-mail at once. `status` shows the outcome. WAITING means that the shop will try again.
    /// Requires the role ADMIN or the API key.
    async fn send_email(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The e-mail.")] input: NewEmail,
    ) -> Nullable<Notification> {
        change(context, |session| {
            let notifications = &session.services.notifications;
            notifications.send_email(session.caller(), &input.convert())
        })
    }

    /// Sends an SMS at once. `status` shows the outcome. WAITING means that the shop will try again.
    /// UNAVAILABLE if the shop sends no SMS. Requires the role ADMIN or the API key.
    async fn send_sms(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The SMS.")] input: NewSms,
    ) -> Nullable<Notification> {
        change(context, |session| {
            let notifications = &session.services.notifications;
            notifications.send_sms(session.caller(), &input.convert())
        })
    }

    /// Sends a notification again, to the recipient's current e-mail address or phone number. `status` shows
    /// the outcome. A verification code cannot be sent again, since its text is not kept. A message of staff
    /// can be sent again only while it is WAITING. Requires the role ADMIN or the API key.
    async fn retry_notification(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The notification's id.")] id: Id,
    ) -> Nullable<Notification> {
        change(context, |session| {
            session.services.notifications.retry(session.caller(), &id)
        })
    }
}

/// Returns the user, after checking the id.
fn checked<'a>(session: &RequestSession, user: Option<&'a Id>) -> Result<Option<&'a str>, Error> {
    let user = user.map(|id| &**id);
    if let Some(id) = user {
        session.check_user_id("user", id)?;
    }
    Ok(user)
}
