//! The ports of Mercato as Rust traits: what its services need from their platform. The traits use the plain
//! types of the WIT package `mercato:platform`.
//!
//! The `conformance` suite of this crate (feature `conformance`) tests every implementation against the
//! traits.
//!
//! ```
//! use mercato_ports::documents::{Comparison, Condition, Query, Scalar};
//!
//! let orders_of_a_user = Query {
//!     conditions: vec![Condition {
//!         field: "userId".into(),
//!         comparison: Comparison::Equal,
//!         value: Scalar::Text("42".into()),
//!     }],
//!     ..Query::all("orders.orders", 20)
//! };
//! assert_eq!(orders_of_a_user.limit, 20);
//! ```

mod bindings;
pub mod cache;
#[cfg(not(target_family = "wasm"))]
pub mod clock;
#[cfg(feature = "cloud-event")]
pub mod cloud_event;
#[cfg(feature = "conformance")]
pub mod conformance;
pub mod documents;
pub mod events;
pub mod hosts;
pub mod http_client;
pub mod http_handler;
#[cfg(feature = "mail")]
pub mod mail;
pub mod mailer;
pub mod manifest;
pub mod passwords;
#[cfg(feature = "store-work")]
pub mod store_work;
pub mod texts;

/// The functions that a component imports. Native code can't call them.
#[cfg(target_arch = "wasm32")]
pub use bindings::mercato::platform as imports;
/// The generated modules under their WIT names, for the option `with` of other crates'
/// `wit_bindgen::generate!`.
pub use bindings::mercato::platform as wit;

/// The world of all ports, which a wasmtime host links to its components.
#[cfg(feature = "wasmtime")]
pub use bindings::Platform as World;
