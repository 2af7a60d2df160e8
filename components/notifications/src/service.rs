//! The service: what each function of its interface is made of.

use mercato_shop::cache::Cache;
use mercato_shop::notifications::{
    Email, Notification, NotificationFilter, NotificationPage, Preference, Sms,
};
use mercato_shop::ports::{HttpClient, Mail, Ports};
use mercato_shop::services::{Contacts, Notifications, Orders};
use mercato_shop::types::{Caller, Error, Page};

use crate::listing;

/// What the service needs of its platform.
pub trait Platform: Ports + Cache + HttpClient + Mail {}

impl<T: Ports + Cache + HttpClient + Mail> Platform for T {}

/// The notifications service over its ports, the users' contacts and the orders.
#[derive(Clone, Copy, Debug)]
pub struct NotificationsService<P, C, O> {
    pub(crate) ports: P,
    pub(crate) contacts: C,
    pub(crate) orders: O,
}

impl<P, C, O> NotificationsService<P, C, O> {
    /// The service over these ports, these contacts and these orders.
    pub const fn new(ports: P, contacts: C, orders: O) -> Self {
        Self {
            ports,
            contacts,
            orders,
        }
    }
}

impl<P: Platform, C: Contacts, O: Orders> Notifications for NotificationsService<P, C, O> {
    fn list(
        &self,
        caller: &Caller,
        filter: &NotificationFilter,
        page: &Page,
    ) -> Result<NotificationPage, Error> {
        listing::list(&self.ports, caller, filter, page)
    }

    fn preferences(&self, caller: &Caller, user_id: Option<&str>) -> Result<Vec<Preference>, Error> {
        self.read_preferences(caller, user_id)
    }

    fn set_preferences(
        &self,
        caller: &Caller,
        user_id: Option<&str>,
        choices: &[Preference],
    ) -> Result<Vec<Preference>, Error> {
        self.write_preferences(caller, user_id, choices)
    }

    fn send_email(&self, caller: &Caller, input: &Email) -> Result<Notification, Error> {
        self.write_email(caller, input)
    }

    fn send_sms(&self, caller: &Caller, input: &Sms) -> Result<Notification, Error> {
        self.write_sms(caller, input)
    }

    fn retry(&self, caller: &Caller, id: &str) -> Result<Notification, Error> {
        self.send_again(caller, id)
    }
}
