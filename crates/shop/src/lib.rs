//! The code that all services share.
//!
//! - The bindings of `wit/shop`: a module for the types of each interface, and the traits in [`services`].
//! - The ports as components call them: [`ports`] and [`cache`].
//! - Documents: [`collection`], [`query`], [`cursor`], [`retry`] and [`pruning`].
//! - The settings of the operator: [`settings`].
//! - Native ports for tests: `testing`.

pub mod address;
pub mod audit;
mod bindings;
pub mod breaker;
pub mod cache;
mod caller;
pub mod changes;
pub mod collection;
pub mod currency;
pub mod cursor;
pub mod error;
mod exports;
pub mod external;
pub mod handler;
pub mod http;
pub mod id;
pub mod lines;
pub mod locale;
pub mod ports;
pub mod pruning;
pub mod query;
pub mod region;
pub mod retry;
pub mod services;
pub mod settings;
pub mod standing;
#[cfg(all(feature = "testing", not(target_arch = "wasm32")))]
pub mod testing;
pub mod text;
pub mod token_keys;

/// The types of each interface of `wit/shop`.
pub use bindings::mercato::shop::{
    account_types as accounts, cart_types as carts, discount_types as discounts,
    notification_types as notifications, order_types as orders, payment_types as payments,
    product_types as catalog, types, webhook_types as webhooks,
};

/// The allocator of every component. The allocator of the standard library takes a large part of the time of
/// a request in WebAssembly.
#[cfg(target_arch = "wasm32")]
#[global_allocator]
static ALLOCATOR: talc::wasm::WasmDynamicTalc = talc::wasm::new_wasm_dynamic_allocator();
