//! The notifications service: what the shop writes to people by e-mail and SMS.
//!
//! Plain Rust over the ports, the users' contacts and the orders; `component` binds it to `mercato:shop/notifications`.
//!
//! Each message is a document whose id is that of what happened and the medium. It is claimed before it is sent, and its status
//! follows after: a second delivery of an event finds it, and sends nothing. Between a mail server's yes and the document's change there
//! is a moment in which a crash leaves open whether it was sent; such a message is sent again when its claim is a minute old. So
//! everything is sent at least once, and twice only there. What can't be sent now is answered to the platform as a retry, which goes on until
//! the event is a dead letter. Texts are not kept, but made anew of what they tell of; only what a person wrote is, as long as it waits.

#[cfg(target_arch = "wasm32")]
mod component;
mod delivery;
mod direct;
mod erasure;
mod events;
mod handling;
mod letters;
mod listing;
mod message;
mod names;
mod preferences;
mod recipients;
mod senders;
mod service;
mod twilio;
mod waiting;

pub use events::Failure;
pub use service::{NotificationsService, Platform};
