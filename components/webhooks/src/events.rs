//! The event by which deliveries are tried.

use mercato_ports::events::Event;
use mercato_shop::collection::{Stored, event};
use mercato_shop::types::Error;
use serde::{Deserialize, Serialize};

use crate::delivery::DeliveryBody;

/// A delivery is to be tried.
pub const DUE: &str = "mercato.webhooks.delivery-due";

/// What it says.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DueEvent {
    pub delivery_id: String,
    /// The number of the attempt.
    pub attempt: u32,
}

/// Has the next attempt of a delivery made, at this time or at once.
pub fn timer(delivery: &Stored<DeliveryBody>, due: Option<u64>) -> Result<Event, Error> {
    let (id, body) = (&delivery.id, &delivery.body);
    let attempt = body.next_attempt();
    let data = DueEvent {
        delivery_id: id.clone(),
        attempt,
    };
    // A replay does not wait for the timers from before it.
    let subject = format!("webhook-due/{id}/{}/{attempt}", body.replays);
    let mut timer = event(DUE, subject, &data)?;
    timer.due = due;
    Ok(timer)
}
