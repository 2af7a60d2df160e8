//! The carts service: what guests and users want to buy, at current prices and stock, and its checkout.
//!
//! Plain Rust over the ports, the catalog and the placement of orders. `component` binds it to
//! `mercato:shop/carts`.

mod cart;
mod checkout;
#[cfg(target_arch = "wasm32")]
mod component;
mod events;
mod key;
mod products;
mod repository;
mod service;
mod settings;
mod view;

pub use products::ProductSource;
pub use service::CartsService;
