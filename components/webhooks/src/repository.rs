//! The documents of the webhooks service: their bodies, how they are read, and the API types that they
//! become.

use mercato_shop::collection::{Collection, Stored};
use mercato_shop::ports::Ports;
use mercato_shop::types::Error;
use mercato_shop::webhooks::{Delivery, DeliveryStatus, Webhook};
use serde::{Deserialize, Deserializer, Serialize};

use crate::signature::Secret;

pub const ENDPOINTS: Collection<EndpointBody> = Collection::new("webhooks.endpoints");

/// Deliveries, by [`delivery_id`].
pub const DELIVERIES: Collection<DeliveryBody> = Collection::new("webhooks.deliveries");

/// How many endpoints are read at once: more than a shop can have.
const READ_LIMIT: u32 = 1_000;

/// A URL that events are sent to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EndpointBody {
    pub url: String,
    /// The subscriptions.
    pub events: Vec<String>,
    pub enabled: bool,
    pub secret: Secret,
    /// The previous secrets that still sign, newest first.
    #[serde(
        default,
        skip_serializing_if = "Vec::is_empty",
        deserialize_with = "one_or_more"
    )]
    pub previous: Vec<PreviousSecret>,
    /// Why the shop disabled the endpoint.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disabled_reason: Option<String>,
    /// The time of the first failure since the last success.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failing_since: Option<u64>,
    pub created_at: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PreviousSecret {
    pub secret: Secret,
    pub until: u64,
}

/// One event for one endpoint.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DeliveryBody {
    pub endpoint_id: String,
    pub event_id: String,
    pub kind: String,
    /// The body of the request, which is the same in each attempt.
    pub payload: String,
    #[serde(rename = "stage", with = "StoredStatus")]
    pub status: DeliveryStatus,
    /// The number of all attempts.
    pub attempts: u32,
    /// The number of attempts since the delivery was created or replayed.
    pub tries: u32,
    pub replays: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_at: Option<u64>,
    /// The status code of the last response.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub response: Option<u16>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delivered_at: Option<u64>,
    pub created_at: u64,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "DeliveryStatus", rename_all = "kebab-case")]
enum StoredStatus {
    Pending,
    Delivered,
    Failed,
}

impl DeliveryBody {
    /// Returns the number of the next attempt, which starts at 1.
    pub const fn next_attempt(&self) -> u32 {
        self.attempts.saturating_add(1)
    }
}

/// Reads all endpoints, oldest first.
pub fn read_endpoints(ports: &impl Ports) -> Result<Vec<Stored<EndpointBody>>, Error> {
    ENDPOINTS.find(ports, &ENDPOINTS.query(READ_LIMIT))
}

/// Returns the id of the delivery of an event to an endpoint.
pub fn delivery_id(event_id: &str, endpoint_id: &str) -> String {
    format!("{event_id}.{endpoint_id}")
}

/// Returns the name of a status in documents.
pub const fn status_name(status: DeliveryStatus) -> &'static str {
    match status {
        DeliveryStatus::Pending => "pending",
        DeliveryStatus::Delivered => "delivered",
        DeliveryStatus::Failed => "failed",
    }
}

/// Returns the error of a change that other requests overtook too often.
pub fn too_many_changes() -> Error {
    Error::Unavailable("Too many requests change this webhook. Try again in a moment.".into())
}

/// Returns the webhook of an endpoint, without its secrets.
pub fn to_webhook(stored: &Stored<EndpointBody>) -> Webhook {
    let body = &stored.body;
    Webhook {
        id: stored.id.clone(),
        url: body.url.clone(),
        events: body.events.clone(),
        enabled: body.enabled,
        disabled_reason: body.disabled_reason.clone(),
        failing_since: body.failing_since,
        created_at: body.created_at,
    }
}

pub fn to_delivery(stored: Stored<DeliveryBody>) -> Delivery {
    let body = stored.body;
    Delivery {
        id: stored.id,
        webhook_id: body.endpoint_id,
        event_id: body.event_id,
        kind: body.kind,
        payload: body.payload,
        status: body.status,
        attempts: body.attempts,
        next_attempt_at: body.next_at,
        response_status: body.response,
        failure: body.failure,
        delivered_at: body.delivered_at,
        created_at: body.created_at,
    }
}

/// Deserializes the previous secrets. Documents of earlier versions have one at most.
fn one_or_more<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<PreviousSecret>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum OneOrMore {
        One(PreviousSecret),
        More(Vec<PreviousSecret>),
    }
    Ok(match OneOrMore::deserialize(deserializer)? {
        OneOrMore::One(previous) => vec![previous],
        OneOrMore::More(previous) => previous,
    })
}
