//! The notifications service: one function for each function of `mercato:shop/notifications`, and the event
//! handler.

use mercato_ports::events::{Event, HandlerFailure};
use mercato_shop::handler;
use mercato_shop::notifications::{
    Email, Notification, NotificationFilter, NotificationPage, Preference, Sms,
};
use mercato_shop::services::{Contacts, Notifications, Orders};
use mercato_shop::types::{Caller, Error, Page};

use crate::contacts::PrefetchedContacts;
use crate::events::{self, Request};
use crate::platform::Platform;
use crate::{erasure, message, notification, preferences};

/// The notifications service over its ports, the users' contacts and the orders.
#[derive(Clone, Copy, Debug)]
pub struct NotificationsService<P, C, O> {
    ports: P,
    contacts: C,
    orders: O,
}

impl<P, C, O> NotificationsService<P, C, O> {
    /// Returns a service over these ports and services.
    pub const fn new(ports: P, contacts: C, orders: O) -> Self {
        Self {
            ports,
            contacts,
            orders,
        }
    }
}

impl<P: Platform, C: Contacts, O: Orders> NotificationsService<P, C, O> {
    /// Handles events, which may be delivered more than once. Returns a result for each event that it has
    /// begun.
    ///
    /// # Errors
    /// [`HandlerFailure::Retry`] if the event must be delivered again. [`HandlerFailure::Reject`] if it can
    /// never be handled.
    pub fn handle(&self, events: &[Event]) -> Vec<Result<(), HandlerFailure>> {
        let contacts = PrefetchedContacts::of(&self.contacts, events);
        handler::each(events, |event| match events::parse(event)? {
            Request::Notify { key, occasion } => {
                notification::notify(&self.ports, &contacts, &self.orders, &key, &occasion)
            }
            Request::SendPending { notification_id } => message::retry_pending(&self.ports, &notification_id),
            Request::Erase { user_id } => Ok(erasure::erase(&self.ports, &user_id)?),
        })
    }
}

impl<P: Platform, C: Contacts, O: Orders> Notifications for NotificationsService<P, C, O> {
    fn get_many(&self, caller: &Caller, ids: &[String]) -> Result<Vec<Result<Notification, Error>>, Error> {
        notification::get_many(&self.ports, caller, ids)
    }

    fn list(
        &self,
        caller: &Caller,
        filter: &NotificationFilter,
        page: &Page,
    ) -> Result<NotificationPage, Error> {
        notification::list(&self.ports, caller, filter, page)
    }

    fn preferences(&self, caller: &Caller, user_id: Option<&str>) -> Result<Vec<Preference>, Error> {
        preferences::preferences(&self.ports, &self.contacts, caller, user_id)
    }

    fn set_preferences(
        &self,
        caller: &Caller,
        user_id: Option<&str>,
        choices: &[Preference],
    ) -> Result<Vec<Preference>, Error> {
        preferences::set_preferences(&self.ports, &self.contacts, caller, user_id, choices)
    }

    fn send_email(&self, caller: &Caller, input: &Email) -> Result<Notification, Error> {
        caller.require_admin()?;
        message::send_email(&self.ports, caller, input)
    }

    fn send_sms(&self, caller: &Caller, input: &Sms) -> Result<Notification, Error> {
        caller.require_admin()?;
        message::send_sms(&self.ports, caller, input)
    }

    fn retry(&self, caller: &Caller, id: &str) -> Result<Notification, Error> {
        caller.require_admin()?;
        notification::retry(&self.ports, &self.contacts, &self.orders, caller, id)
    }
}
