//! The payments service: orders are paid once, through Stripe or a gateway that plays, and paid back where they are undone.
//!
//! Plain Rust over the ports, the orders and their settlement; `component` binds it to `mercato:shop/payments`.
//!
//! An order has one payment, whose document has the order's id. Its attempts follow one another, each with an idempotency key
//! of its own; the next begins only where the one before is certain to have failed. What is known of an attempt is settled
//! by the document's version: the answer to the request, Stripe's webhook and the timer may each be first, and the later ones
//! find nothing left to do. What follows from a payment is told by the event of the commit that made it so.

#[cfg(target_arch = "wasm32")]
mod component;
mod due;
mod events;
mod gateway;
mod guarded;
mod handling;
mod pay;
mod payment;
mod refunds;
mod service;
mod settings;
mod settlement;
mod signature;
mod webhook;

pub use handling::Failure;
pub use service::PaymentsService;
