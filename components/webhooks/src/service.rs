//! The service: one function for each function of its interface.

use mercato_ports::events::{Event, HandlerFailure};
use mercato_shop::cache::Cache;
use mercato_shop::handler;
use mercato_shop::ports::{HttpClient, Ports};
use mercato_shop::services::Webhooks;
use mercato_shop::types::{Caller, Error, Page};
use mercato_shop::webhooks::{
    Delivery, DeliveryFilter, DeliveryPage, NewWebhook, SecretWebhook, Webhook, WebhookPatch,
};

use crate::delivery::{attempt, fan_out, history};
use crate::endpoint;
use crate::endpoint::subscription::PUBLIC_EVENTS;
use crate::events::{DUE, DueEvent};

/// The webhooks service over its ports.
#[derive(Clone, Copy, Debug)]
pub struct WebhooksService<P> {
    ports: P,
}

impl<P> WebhooksService<P> {
    /// Creates the service over these ports.
    pub const fn new(ports: P) -> Self {
        Self { ports }
    }
}

impl<P: Ports + Cache + HttpClient> WebhooksService<P> {
    /// Handles events of one kind: creates their deliveries, or makes attempts that are due. Events can arrive
    /// late, and more than once. Returns a result for each event that it has begun.
    ///
    /// # Errors
    /// [`HandlerFailure::Retry`] if the event can be handled later, [`HandlerFailure::Reject`] if it never
    /// can.
    pub fn handle(&self, events: &[Event]) -> Vec<Result<(), HandlerFailure>> {
        match events.first().map(|event| event.kind.as_str()) {
            Some(kind) if PUBLIC_EVENTS.contains(&kind) => fan_out::fan_out(&self.ports, events),
            Some(DUE) => handler::each(events, |event| {
                let DueEvent { delivery_id, attempt } = handler::data(event)?;
                Ok(attempt::attempt(&self.ports, &delivery_id, attempt)?)
            }),
            _ => handler::each(events, |event| Err(handler::unknown_kind(event))),
        }
    }
}

impl<P: Ports + Cache + HttpClient> Webhooks for WebhooksService<P> {
    fn create(&self, caller: &Caller, input: &NewWebhook) -> Result<SecretWebhook, Error> {
        endpoint::create(&self.ports, caller, input)
    }

    fn update(&self, caller: &Caller, id: &str, patch: &WebhookPatch) -> Result<Webhook, Error> {
        endpoint::update(&self.ports, caller, id, patch)
    }

    fn delete(&self, caller: &Caller, id: &str) -> Result<Webhook, Error> {
        endpoint::delete(&self.ports, caller, id)
    }

    fn rotate_secret(&self, caller: &Caller, id: &str) -> Result<SecretWebhook, Error> {
        endpoint::rotate_secret(&self.ports, caller, id)
    }

    fn list(&self, caller: &Caller) -> Result<Vec<Webhook>, Error> {
        endpoint::list(&self.ports, caller)
    }

    fn get_deliveries(&self, caller: &Caller, ids: &[String]) -> Result<Vec<Result<Delivery, Error>>, Error> {
        history::get_many(&self.ports, caller, ids)
    }

    fn deliveries(
        &self,
        caller: &Caller,
        filter: &DeliveryFilter,
        page: &Page,
    ) -> Result<DeliveryPage, Error> {
        history::deliveries(&self.ports, caller, filter, page)
    }

    fn replay(&self, caller: &Caller, id: &str) -> Result<Delivery, Error> {
        history::replay(&self.ports, caller, id)
    }
}
