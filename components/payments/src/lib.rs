//! The payments service: takes payments for orders through Stripe or a test gateway, and refunds them.
//!
//! Plain Rust over the ports, the orders and their settlement. `component` binds it to
//! `mercato:shop/payments`.
//!
//! An order has one payment, whose document has the order's id. A payment has attempts, each with its own
//! idempotency key. An attempt begins only after the previous one has certainly failed. The answer to the
//! request, Stripe's webhook and the timer may each be the first to bring the outcome of an attempt. The
//! version of the document decides: later ones change nothing. Consequences of a payment follow from the
//! event of the commit that recorded it.

#[cfg(target_arch = "wasm32")]
mod component;
mod context;
mod events;
mod gateway;
mod payment;
mod refund;
mod repository;
mod service;
mod settings;
mod webhook;

#[cfg(feature = "json-schema")]
pub use events::schemas as event_schemas;
pub use service::PaymentsService;
