//! Exports the service as the world `mercato:shop/webhooks-service`.

use mercato_ports::events::{Event, HandlerFailure};
use mercato_shop::ports::Imports;
use mercato_shop::services::Webhooks;
use mercato_shop::types::{Caller, Error, Page};
use mercato_shop::webhooks::{
    Delivery, DeliveryFilter, DeliveryPage, NewWebhook, SecretWebhook, Webhook, WebhookPatch,
};

use crate::WebhooksService;

const SERVICE: WebhooksService<Imports> = WebhooksService::new(Imports);

mercato_shop::export! {
    world: "mercato:shop/webhooks-service",
    with: {
        "mercato:platform/events@0.1.0": mercato_ports::wit::events,
        "mercato:shop/types@0.1.0": mercato_shop::types,
        "mercato:shop/webhook-types@0.1.0": mercato_shop::webhooks,
    },
}

struct Component;

impl bindings::exports::mercato::shop::webhooks::Guest for Component {
    fn create(caller: Caller, input: NewWebhook) -> Result<SecretWebhook, Error> {
        SERVICE.create(&caller, &input)
    }

    fn update(caller: Caller, id: String, patch: WebhookPatch) -> Result<Webhook, Error> {
        SERVICE.update(&caller, &id, &patch)
    }

    fn delete(caller: Caller, id: String) -> Result<Webhook, Error> {
        SERVICE.delete(&caller, &id)
    }

    fn rotate_secret(caller: Caller, id: String) -> Result<SecretWebhook, Error> {
        SERVICE.rotate_secret(&caller, &id)
    }

    fn list(caller: Caller) -> Result<Vec<Webhook>, Error> {
        SERVICE.list(&caller)
    }

    fn get_deliveries(caller: Caller, ids: Vec<String>) -> Result<Vec<Result<Delivery, Error>>, Error> {
        SERVICE.get_deliveries(&caller, &ids)
    }

    fn deliveries(caller: Caller, filter: DeliveryFilter, page: Page) -> Result<DeliveryPage, Error> {
        SERVICE.deliveries(&caller, &filter, &page)
    }

    fn replay(caller: Caller, id: String) -> Result<Delivery, Error> {
        SERVICE.replay(&caller, &id)
    }
}

impl bindings::exports::mercato::platform::handler::Guest for Component {
    fn handle(events: Vec<Event>) -> Vec<Result<(), HandlerFailure>> {
        SERVICE.handle(&events)
    }
}
