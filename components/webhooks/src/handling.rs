//! What webhooks do when an event says so. Each may come twice, and late.

use mercato_ports::events::Event;
use mercato_shop::cache::Cache;
use mercato_shop::ports::{HttpClient, Ports};
use mercato_shop::types::Error;

use crate::events::{DUE, DueEvent};
use crate::service::WebhooksService;
use crate::subscription::PUBLIC;

/// Why an event was not handled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// Deliver it again, later.
    Retry(String),
    /// It can never be handled.
    Reject(String),
}

impl<P: Ports + Cache + HttpClient> WebhooksService<P> {
    /// Goes on where an event says so.
    ///
    /// # Errors
    /// Whether the event is to come again or can never be handled.
    pub fn handle(&self, event: &Event) -> Result<(), Failure> {
        if event.kind == DUE {
            let data: DueEvent =
                serde_json::from_str(&event.data).map_err(|error| unreadable(event, &error))?;
            return Ok(self.attempt(&data.delivery_id, data.attempt)?);
        }
        if PUBLIC.contains(&event.kind.as_str()) {
            let payload = crate::delivery::payload(event).map_err(|error| unreadable(event, &error))?;
            return Ok(self.fan_out(event, &payload)?);
        }
        Err(Failure::Reject(format!(
            "{} is no event of this service's",
            event.kind
        )))
    }
}

fn unreadable(event: &Event, error: &serde_json::Error) -> Failure {
    Failure::Reject(format!("the data of {} can't be read: {error}", event.kind))
}

impl From<Error> for Failure {
    /// What can pass is tried again; the rest is for a person to see.
    fn from(error: Error) -> Self {
        match error {
            Error::Unavailable(reason) | Error::Conflict(reason) | Error::Internal(reason) => {
                Self::Retry(reason)
            }
            other => Self::Reject(format!("{other:?}")),
        }
    }
}
