//! The webhooks service: sends the shop's events to the endpoints that subscribe to them, signed, until they
//! arrive.
//!
//! Plain Rust over the ports. `component` binds it to `mercato:shop/webhooks`.
//!
//! One commit turns an event into a delivery for each subscribed endpoint. Each delivery has a timer of its
//! own, so no delivery waits for another one. The id of a delivery consists of the ids of event and endpoint,
//! so a repeated event creates no second delivery. The version of a delivery decides which attempt counts.
//! Its outcome and the timer of the next attempt are one commit.

mod audit;
#[cfg(target_arch = "wasm32")]
mod component;
mod delivery;
mod endpoint;
mod events;
mod repository;
mod service;
mod signature;

#[cfg(feature = "json-schema")]
pub use events::schemas as event_schemas;
pub use service::WebhooksService;
