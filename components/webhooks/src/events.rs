//! The timer of a delivery.

use mercato_ports::events::Event;
use mercato_shop::collection::{Stored, event};
use mercato_shop::types::Error;
use serde::{Deserialize, Serialize};

use crate::repository::DeliveryBody;

/// An attempt of a delivery is due.
pub const DUE: &str = "mercato.webhooks.delivery-due";

/// An attempt of a delivery is due.
#[derive(Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct DueEvent {
    pub delivery_id: String,
    pub attempt: u32,
}

/// Returns the timer of a delivery's next attempt, which is due at a time or at once.
pub fn timer(delivery: &Stored<DeliveryBody>, due: Option<u64>) -> Result<Event, Error> {
    let (id, body) = (&delivery.id, &delivery.body);
    let attempt = body.next_attempt();
    let data = DueEvent {
        delivery_id: id.clone(),
        attempt,
    };
    // The subject has the number of replays, so that a replay does not wait for an earlier timer.
    let subject = format!("webhook-due/{id}/{}/{attempt}", body.replays);
    let mut timer = event(DUE, subject, &data)?;
    timer.due = due;
    Ok(timer)
}

/// Returns the JSON Schema of the data of each event, by its kind.
#[cfg(feature = "json-schema")]
#[must_use]
pub fn schemas() -> Vec<(&'static str, schemars::Schema)> {
    vec![(DUE, schemars::schema_for!(DueEvent))]
}
