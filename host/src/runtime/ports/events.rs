//! `mercato:platform/events`, which has types only, and the failure of `mercato:platform/handler`, which the shop exports.

use mercato_ports::events::{Event, HandlerFailure as PortFailure};
use wasmtime::component::{ComponentType, Lift};

use crate::runtime::bindings::mercato::platform::events as wit;
use crate::runtime::state::State;

impl wit::Host for State {}

impl From<wit::Event> for Event {
    fn from(event: wit::Event) -> Self {
        let wit::Event {
            id,
            kind,
            subject,
            time,
            due,
            data,
        } = event;
        Self {
            id,
            kind,
            subject,
            time,
            due,
            data,
        }
    }
}

impl From<Event> for wit::Event {
    fn from(event: Event) -> Self {
        let Event {
            id,
            kind,
            subject,
            time,
            due,
            data,
        } = event;
        Self {
            id,
            kind,
            subject,
            time,
            due,
            data,
        }
    }
}

/// `mercato:platform/handler.failure`.
#[derive(ComponentType, Lift)]
#[component(variant)]
pub enum HandlerFailure {
    /// Deliver it again, later.
    #[component(name = "retry")]
    Retry(String),
    /// Never deliver it again.
    #[component(name = "reject")]
    Reject(String),
}

impl From<HandlerFailure> for PortFailure {
    fn from(failure: HandlerFailure) -> Self {
        match failure {
            HandlerFailure::Retry(why) => Self::Retry(why),
            HandlerFailure::Reject(why) => Self::Reject(why),
        }
    }
}
