//! Exports the service as the world `mercato:shop/notifications-service`.

use mercato_ports::events::{Event, HandlerFailure};
use mercato_shop::notifications::{
    Email, Notification, NotificationFilter, NotificationPage, Preference, Sms,
};
use mercato_shop::ports::Imports;
use mercato_shop::services::Notifications;
use mercato_shop::types::{Caller, Error, Page};

use crate::NotificationsService;

const SERVICE: NotificationsService<Imports, Imports, Imports> =
    NotificationsService::new(Imports, Imports, Imports);

mercato_shop::export! {
    world: "mercato:shop/notifications-service",
    with: {
        "mercato:platform/events@0.1.0": mercato_ports::wit::events,
        "mercato:shop/notification-types@0.1.0": mercato_shop::notifications,
        "mercato:shop/types@0.1.0": mercato_shop::types,
    },
}

struct Component;

impl bindings::exports::mercato::shop::notifications::Guest for Component {
    fn get_many(caller: Caller, ids: Vec<String>) -> Result<Vec<Result<Notification, Error>>, Error> {
        Notifications::get_many(&SERVICE, &caller, &ids)
    }

    fn list(caller: Caller, filter: NotificationFilter, page: Page) -> Result<NotificationPage, Error> {
        Notifications::list(&SERVICE, &caller, &filter, &page)
    }

    fn preferences(caller: Caller, user_id: Option<String>) -> Result<Vec<Preference>, Error> {
        SERVICE.preferences(&caller, user_id.as_deref())
    }

    fn set_preferences(
        caller: Caller,
        user_id: Option<String>,
        choices: Vec<Preference>,
    ) -> Result<Vec<Preference>, Error> {
        SERVICE.set_preferences(&caller, user_id.as_deref(), &choices)
    }

    fn send_email(caller: Caller, input: Email) -> Result<Notification, Error> {
        SERVICE.send_email(&caller, &input)
    }

    fn send_sms(caller: Caller, input: Sms) -> Result<Notification, Error> {
        SERVICE.send_sms(&caller, &input)
    }

    fn retry(caller: Caller, id: String) -> Result<Notification, Error> {
        SERVICE.retry(&caller, &id)
    }
}

impl bindings::exports::mercato::platform::handler::Guest for Component {
    fn handle(events: Vec<Event>) -> Vec<Result<(), HandlerFailure>> {
        SERVICE.handle(&events)
    }
}
