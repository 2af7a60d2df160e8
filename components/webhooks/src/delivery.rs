//! A delivery as it is stored.

use mercato_ports::events::Event;
use mercato_shop::collection::{Collection, Stored};
use mercato_shop::id;
use mercato_shop::types::Error;
use mercato_shop::webhooks::{Delivery, DeliveryStatus};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// All deliveries; see [`id_of`].
pub const DELIVERIES: Collection<DeliveryBody> = Collection::new("webhooks.deliveries");

/// How a delivery stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stage {
    Pending,
    Delivered,
    Failed,
}

/// One event for one endpoint.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DeliveryBody {
    pub endpoint_id: String,
    pub event_id: String,
    pub kind: String,
    /// The body that is sent, the same with each attempt.
    pub payload: String,
    pub stage: Stage,
    /// How often it was tried, ever.
    pub attempts: u32,
    /// How often it was tried since it was made or replayed.
    pub tries: u32,
    pub replays: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_at: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub response: Option<u16>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delivered_at: Option<u64>,
    pub created_at: u64,
}

/// What is sent of an event.
#[derive(Serialize)]
struct Payload<'a> {
    id: &'a str,
    r#type: &'a str,
    /// In seconds since the Unix epoch, UTC.
    created: u64,
    data: Value,
}

/// The id of the delivery of an event to an endpoint.
pub fn id_of(event_id: &str, endpoint_id: &str) -> String {
    format!("{event_id}.{endpoint_id}")
}

/// Whether a text has the shape of such an id.
pub fn is_id(text: &str) -> bool {
    text.split_once('.')
        .is_some_and(|(event, endpoint)| id::is_valid(event) && id::is_valid(endpoint))
}

/// The body that tells of an event.
///
/// # Errors
/// Where its data are no JSON.
pub fn payload(event: &Event) -> serde_json::Result<String> {
    serde_json::to_string(&Payload {
        id: &event.id,
        r#type: &event.kind,
        created: event.time / 1_000,
        data: serde_json::from_str(&event.data)?,
    })
}

impl DeliveryBody {
    /// The delivery of an event that was not tried yet.
    pub fn new(event: &Event, endpoint_id: &str, payload: String, now: u64) -> Self {
        Self {
            endpoint_id: endpoint_id.into(),
            event_id: event.id.clone(),
            kind: event.kind.clone(),
            payload,
            stage: Stage::Pending,
            attempts: 0,
            tries: 0,
            replays: 0,
            next_at: Some(now),
            response: None,
            failure: None,
            delivered_at: None,
            created_at: now,
        }
    }

    /// The number of the attempt that is next, from 1 on.
    pub const fn next_attempt(&self) -> u32 {
        self.attempts.saturating_add(1)
    }

    /// Whether this attempt is still to be made: a timer may ring twice, or too late.
    pub fn waits_for(&self, attempt: u32) -> bool {
        self.stage == Stage::Pending && self.next_attempt() == attempt
    }
}

/// What is told of a delivery.
pub fn to_delivery(stored: Stored<DeliveryBody>) -> Delivery {
    let body = stored.body;
    Delivery {
        id: stored.id,
        webhook_id: body.endpoint_id,
        event_id: body.event_id,
        kind: body.kind,
        payload: body.payload,
        status: match body.stage {
            Stage::Pending => DeliveryStatus::Pending,
            Stage::Delivered => DeliveryStatus::Delivered,
            Stage::Failed => DeliveryStatus::Failed,
        },
        attempts: body.attempts,
        next_attempt_at: body.next_at,
        response_status: body.response,
        failure: body.failure,
        delivered_at: body.delivered_at,
        created_at: body.created_at,
    }
}

/// The name of a stage in documents.
pub const fn name(status: DeliveryStatus) -> &'static str {
    match status {
        DeliveryStatus::Pending => "pending",
        DeliveryStatus::Delivered => "delivered",
        DeliveryStatus::Failed => "failed",
    }
}

/// There is no such delivery.
pub fn missing(id: &str) -> Error {
    Error::NotFound(format!("There is no delivery {id}."))
}
