//! What the webhooks service does for those who keep the shop.

use mercato_ports::events::Event;
use mercato_shop::accounts::AuditAction;
use mercato_shop::audit::Act;
use mercato_shop::cache::Cache;
use mercato_shop::ports::{HttpClient, Ports};
use mercato_shop::services::Webhooks;
use mercato_shop::types::{Caller, Error, Page};
use mercato_shop::webhooks::{
    Delivery, DeliveryFilter, DeliveryPage, NewWebhook, SecretWebhook, Webhook, WebhookPatch,
};

use crate::endpoint::to_webhook;

/// How often a change is made anew when somebody else was faster.
pub const TRIES: usize = 10;

/// How many endpoints are read at once: more than there can be.
pub const MOST_READ: u32 = 1_000;

/// The webhooks service over its ports.
#[derive(Clone, Copy, Debug)]
pub struct WebhooksService<P> {
    pub(crate) ports: P,
}

impl<P> WebhooksService<P> {
    /// The service over these ports.
    pub const fn new(ports: P) -> Self {
        Self { ports }
    }
}

impl<P: Ports + Cache + HttpClient> Webhooks for WebhooksService<P> {
    fn create(&self, caller: &Caller, input: &NewWebhook) -> Result<SecretWebhook, Error> {
        caller.require_admin()?;
        self.add(caller, input)
    }

    fn update(&self, caller: &Caller, id: &str, patch: &WebhookPatch) -> Result<Webhook, Error> {
        caller.require_admin()?;
        self.edit(caller, id, patch).map(|stored| to_webhook(&stored))
    }

    fn delete(&self, caller: &Caller, id: &str) -> Result<Webhook, Error> {
        caller.require_admin()?;
        self.remove(caller, id).map(|stored| to_webhook(&stored))
    }

    fn rotate_secret(&self, caller: &Caller, id: &str) -> Result<SecretWebhook, Error> {
        caller.require_admin()?;
        self.rotate(caller, id)
    }

    fn list(&self, caller: &Caller) -> Result<Vec<Webhook>, Error> {
        caller.require_admin()?;
        Ok(self.endpoints()?.iter().map(to_webhook).collect())
    }

    fn deliveries(
        &self,
        caller: &Caller,
        filter: &DeliveryFilter,
        page: &Page,
    ) -> Result<DeliveryPage, Error> {
        caller.require_admin()?;
        self.page_of_deliveries(filter, page)
    }

    fn replay(&self, caller: &Caller, id: &str) -> Result<Delivery, Error> {
        caller.require_admin()?;
        self.try_again(caller, id)
    }
}

/// Tells the audit log what somebody who keeps the shop does to what has this id.
pub fn act(caller: &Caller, action: AuditAction, id: &str) -> Result<Event, Error> {
    Act::by(caller.actor(), action).on(id).event("webhooks")
}

/// Too many change one thing at once.
pub fn busy() -> Error {
    Error::Unavailable("This webhook is changed by too many at once. Try again in a moment.".into())
}
