//! Webhooks and their deliveries.

use async_graphql::{Enum, InputObject, SimpleObject};
use mercato_shop::webhooks;

use crate::model::convert::convert;
use crate::model::entity_id::EntityId;
use crate::model::scalar::{DateTime, Id, Int};

/// The status of a webhook delivery.
#[derive(Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(name = "WebhookDeliveryStatus", remote = "webhooks::DeliveryStatus")]
pub enum DeliveryStatus {
    /// The next attempt follows at `nextAttemptAt`.
    Pending,
    /// The receiver answered with a status of 200 to 299.
    Delivered,
    /// No more attempts follow, unless `replayWebhookDelivery` is called.
    Failed,
}

/// A URL that receives the shop's events. Each event is sent by `POST`, as a JSON object with `id`, `type`,
/// `created` and `data`.
#[derive(SimpleObject)]
pub struct Webhook {
    #[graphql(flatten)]
    pub id: EntityId,
    /// The URL that receives events.
    url: String,
    /// Event types, such as `mercato.orders.order-paid`. `mercato.orders.*` means all events of orders, and
    /// `*` all events.
    events: Vec<String>,
    /// Whether events are delivered.
    enabled: bool,
    /// Why the shop disabled the webhook: no delivery succeeded for three days, or the receiver answered 410.
    disabled_reason: Option<String>,
    /// Since when all deliveries have failed. Null if the last delivery succeeded.
    failing_since: Option<DateTime>,
    /// When the webhook was created.
    created_at: DateTime,
}

/// A webhook, with the secret that signs its deliveries.
#[derive(SimpleObject)]
#[graphql(name = "WebhookWithSecret")]
pub struct SecretWebhook {
    /// The webhook.
    webhook: Webhook,
    /// Only this answer contains the secret. Store it safely.
    signing_secret: String,
}

/// One event that is delivered to one webhook.
#[derive(SimpleObject)]
#[graphql(name = "WebhookDelivery")]
pub struct Delivery {
    #[graphql(flatten)]
    pub id: EntityId,
    /// The webhook that receives the event.
    webhook_id: Id,
    /// The same in each attempt. Sent in the header `Mercato-Event-Id`.
    event_id: Id,
    /// The type of the event.
    #[graphql(name = "type")]
    kind: String,
    /// The request body, a JSON object.
    payload: String,
    /// Whether the event was delivered.
    status: DeliveryStatus,
    /// The number of attempts so far.
    attempts: Int<u32>,
    /// When the next attempt follows. Null if none does.
    next_attempt_at: Option<DateTime>,
    /// The HTTP status of the last answer. Null if the receiver did not answer.
    response_status: Option<u16>,
    /// Why the last attempt failed.
    failure: Option<String>,
    /// When the receiver accepted the event. Null until then.
    delivered_at: Option<DateTime>,
    /// When the event happened.
    created_at: DateTime,
}

/// A webhook to create.
#[derive(InputObject)]
#[graphql(name = "CreateWebhookInput")]
pub struct NewWebhook {
    /// An `https` URL, on a host that the operator allows (`HTTP_CLIENT_HOSTS`). Another host is refused.
    url: String,
    /// Event types, such as `mercato.orders.order-paid`. `mercato.orders.*` means all events of orders, and
    /// `*` all events.
    events: Vec<String>,
}

/// Changes to a webhook. Unset fields are left unchanged.
#[derive(InputObject)]
#[graphql(name = "UpdateWebhookInput")]
pub struct WebhookChanges {
    /// An `https` URL, on a host that the operator allows (`HTTP_CLIENT_HOSTS`). Another host is refused.
    url: Option<String>,
    /// Event types, such as `mercato.orders.order-paid`. `mercato.orders.*` means all events of orders, and
    /// `*` all events.
    events: Option<Vec<String>>,
    /// Whether events are delivered. Deliveries that failed before are not sent again. Call
    /// `replayWebhookDelivery` to send one of them.
    enabled: Option<bool>,
}

convert!(
    u16 => u16,
    webhooks::DeliveryStatus => DeliveryStatus,
    DeliveryStatus => webhooks::DeliveryStatus,
);
convert!(webhooks::Webhook => Webhook {
    id, url, events, enabled, disabled_reason, failing_since, created_at,
});
convert!(webhooks::SecretWebhook => SecretWebhook { webhook, signing_secret: secret });
convert!(webhooks::Delivery => Delivery {
    id, webhook_id, event_id, kind, payload, status, attempts, next_attempt_at, response_status, failure,
    delivered_at, created_at,
});
convert!(NewWebhook => webhooks::NewWebhook { url, events });
convert!(WebhookChanges => webhooks::WebhookPatch { url, events, enabled });
