//! The ports of Mercato: what its services need from the outside, as Rust traits that an implementation
//! fills, with the plain types of the WIT package `mercato:platform`.
//!
//! An implementation proves itself with the `conformance` suite of this crate (feature `conformance`), which is written once against
//! the traits.
//!
//! ```
//! use mercato_ports::documents::{Comparison, Condition, Query, Scalar};
//!
//! let mine = Query {
//!     conditions: vec![Condition {
//!         field: "userId".into(),
//!         comparison: Comparison::Equal,
//!         value: Scalar::Text("42".into()),
//!     }],
//!     ..Query::all("orders.orders", 20)
//! };
//! assert_eq!(mine.limit, 20);
//! ```

mod bindings;
pub mod cache;
#[cfg(feature = "cloud-event")]
pub mod cloud_event;
#[cfg(feature = "conformance")]
pub mod conformance;
pub mod documents;
pub mod events;
pub mod http_client;
#[cfg(feature = "mail")]
pub mod mail;
pub mod mailer;
pub mod manifest;

/// The functions that a guest imports from its runtime. Only there: natively they can't be called.
#[cfg(target_arch = "wasm32")]
pub mod imports {
    pub use crate::bindings::mercato::platform::{cache, config, documents, http_client, mailer};
}

/// The generated modules under their WIT names, for other crates' `wit_bindgen::generate!` to map onto (option `with`).
pub mod wit {
    pub use crate::bindings::mercato::platform::{cache, config, documents, events, http_client, mailer};
}
