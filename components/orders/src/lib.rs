//! The orders service: placement as a saga, a customer's orders.
//!
//! Plain Rust over the ports and the inventory; `component` binds it to `mercato:shop/orders`.

#[cfg(target_arch = "wasm32")]
mod component;
mod lines;
mod order;
mod saga;
mod service;

pub use saga::Failure;
pub use service::OrdersService;
