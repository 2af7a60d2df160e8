//! The webhooks service: what happens in the shop is sent to those who subscribe to it, signed, and again until it arrives.
//!
//! Plain Rust over the ports; `component` binds it to `mercato:shop/webhooks`.
//!
//! An event becomes one delivery for each endpoint that wants it, all in one commit, each with an event of its own that has it
//! tried: none waits for the answer to another. The document of a delivery has the ids of both, so an event that comes twice becomes
//! one delivery. What becomes of an attempt is settled by the delivery's version, in one commit with the timer of the next.

mod attempt;
mod backoff;
#[cfg(target_arch = "wasm32")]
mod component;
mod delivery;
mod endpoint;
mod endpoints;
mod events;
mod fan_out;
mod handling;
mod history;
mod rest;
mod service;
mod signature;
mod subscription;
mod url;

pub use handling::Failure;
pub use service::WebhooksService;
