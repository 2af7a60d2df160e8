//! `Webhook`, and the deliveries to it.

pub mod operations;

use async_graphql::{Enum, ID, InputObject, Object};
use mercato_shop::webhooks::{
    Delivery, DeliveryStatus as Status, NewWebhook, SecretWebhook, Webhook, WebhookPatch,
};

use crate::schema::datetime::DateTime;
use crate::schema::product::int;

/// How a delivery stands.
#[derive(Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(name = "WebhookDeliveryStatus", remote = "Status")]
pub enum DeliveryStatus {
    /// It is tried, now or at `nextAttemptAt`.
    Pending,
    /// It was answered by a status of 200 to 299.
    Delivered,
    /// It is not tried any more, unless `replayWebhookDelivery` asks.
    Failed,
}

/// An address that events are sent to.
pub struct WebhookObject(pub Webhook);

/// An address that the shop's events are sent to, each as `POST` of a JSON object with `id`, `type`, `created` and `data`.
#[Object(name = "Webhook")]
impl WebhookObject {
    #[graphql(name = "_id")]
    async fn id(&self) -> ID {
        ID(self.0.id.clone())
    }

    async fn url(&self) -> &str {
        &self.0.url
    }

    /// Types of events, such as `mercato.orders.order-paid`; `mercato.orders.*` is all of orders, and `*` is all.
    async fn events(&self) -> &[String] {
        &self.0.events
    }

    async fn enabled(&self) -> bool {
        self.0.enabled
    }

    /// Why the shop itself disabled it: nothing has arrived for three days, or it answered 410.
    async fn disabled_reason(&self) -> Option<&str> {
        self.0.disabled_reason.as_deref()
    }

    /// Since when nothing has arrived there; null where the last delivery did.
    async fn failing_since(&self) -> Option<DateTime> {
        self.0.failing_since.map(DateTime)
    }

    async fn created_at(&self) -> DateTime {
        DateTime(self.0.created_at)
    }
}

/// A webhook, with what its deliveries are signed with.
pub struct SecretWebhookObject(pub SecretWebhook);

/// A webhook, with what its deliveries are signed with.
#[Object(name = "WebhookWithSecret")]
impl SecretWebhookObject {
    async fn webhook(&self) -> WebhookObject {
        WebhookObject(self.0.webhook.clone())
    }

    /// It is told here, and never again: keep it where secrets are kept.
    async fn signing_secret(&self) -> &str {
        &self.0.secret
    }
}

/// One event for one webhook.
pub struct DeliveryObject(pub Delivery);

/// One event for one webhook.
#[Object(name = "WebhookDelivery")]
impl DeliveryObject {
    #[graphql(name = "_id")]
    async fn id(&self) -> ID {
        ID(self.0.id.clone())
    }

    async fn webhook_id(&self) -> ID {
        ID(self.0.webhook_id.clone())
    }

    /// The same with each attempt, in the header `Mercato-Event-Id`.
    async fn event_id(&self) -> ID {
        ID(self.0.event_id.clone())
    }

    /// The event's type.
    #[graphql(name = "type")]
    async fn kind(&self) -> &str {
        &self.0.kind
    }

    /// The body that is sent: a JSON object.
    async fn payload(&self) -> &str {
        &self.0.payload
    }

    async fn status(&self) -> DeliveryStatus {
        self.0.status.into()
    }

    /// How often it was tried.
    async fn attempts(&self) -> i32 {
        int(i64::from(self.0.attempts))
    }

    async fn next_attempt_at(&self) -> Option<DateTime> {
        self.0.next_attempt_at.map(DateTime)
    }

    /// The status of HTTP that the last attempt was answered with; null where no answer came.
    async fn response_status(&self) -> Option<i32> {
        self.0.response_status.map(i32::from)
    }

    /// Why the last attempt failed.
    async fn failure(&self) -> Option<&str> {
        self.0.failure.as_deref()
    }

    async fn delivered_at(&self) -> Option<DateTime> {
        self.0.delivered_at.map(DateTime)
    }

    async fn created_at(&self) -> DateTime {
        DateTime(self.0.created_at)
    }
}

/// A webhook to be made.
#[derive(InputObject)]
pub struct CreateWebhookInput {
    /// By `https`, to a host that the shop's operator allows (`HTTP_CLIENT_HOSTS`).
    url: String,
    /// Types of events, such as `mercato.orders.order-paid`; `mercato.orders.*` is all of orders, and `*` is all.
    events: Vec<String>,
}

impl From<CreateWebhookInput> for NewWebhook {
    fn from(input: CreateWebhookInput) -> Self {
        Self {
            url: input.url,
            events: input.events,
        }
    }
}

/// What to change of a webhook; what is left out stays as it is.
#[derive(InputObject)]
pub struct UpdateWebhookInput {
    url: Option<String>,
    events: Option<Vec<String>>,
    /// Deliveries that failed while it was disabled are not tried again by themselves: `replayWebhookDelivery`.
    enabled: Option<bool>,
}

impl From<UpdateWebhookInput> for WebhookPatch {
    fn from(input: UpdateWebhookInput) -> Self {
        Self {
            url: input.url,
            events: input.events,
            enabled: input.enabled,
        }
    }
}
