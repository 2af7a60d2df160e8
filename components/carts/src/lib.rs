//! The carts service: what guests and users mean to buy, at the prices and with the stock of now, and how it becomes an order.
//!
//! Plain Rust over the ports, the catalog and the placement of orders; `component` binds it to `mercato:shop/carts`.

mod cart;
mod checkout;
#[cfg(target_arch = "wasm32")]
mod component;
mod edit;
mod erasure;
mod holder;
mod merge;
mod products;
mod service;
mod settings;
mod store;
mod view;

pub use products::ProductSource;
pub use service::CartsService;
