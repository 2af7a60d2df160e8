//! The SQL of the port `documents` and of its outbox, for SQLite. Each collection is a table with its indexes
//! and a full-text table. The outbox is a table of deliveries.
//!
//! This crate builds statements and reads their rows. A [`Connection`] runs the statements. The crate
//! therefore serves SQLite in this process and a runtime that offers SQLite to its guests, and it compiles
//! for both.
//!
//! ```
//! use mercato_ports::documents::Query;
//! use mercato_ports::manifest;
//! use mercato_sql::{Collection, Plan};
//!
//! let declared = manifest::Collection { fields: vec!["price".into()], search: vec![] };
//! let products = Collection::new("catalog.products", &declared);
//! let query = Query::all("catalog.products", 20);
//! let plan = Plan::new(&products, &query)?;
//! assert_eq!(
//!     plan.select(None, &[]).sql,
//!     r#"SELECT id, version, body FROM "catalog.products" WHERE true ORDER BY id ASC LIMIT ?"#
//! );
//! # Ok::<(), mercato_ports::documents::Failure>(())
//! ```

pub mod change;
mod collection;
pub mod connection;
mod fragments;
mod full_text;
pub mod outbox;
mod plan;
pub mod read;
pub mod schema;
#[cfg(test)]
mod testing;
mod tokens;
mod walk;
pub mod zones;

pub use collection::Collection;
pub use connection::Connection;
pub use full_text::FullText;
pub use plan::{Driver, Plan, Select};
