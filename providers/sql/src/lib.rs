//! The SQL of the port `documents` and of its outbox: a table for each collection, with its indexes and its full-text
//! table, the plans of queries, writes, and the queue of deliveries.
//!
//! It makes statements and reads what they return; a [`Connection`] runs them. So it is the same for SQLite in this
//! process and for a runtime that offers SQLite to its guests, and compiles for both.
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
//!     plan.select(None).sql,
//!     r#"SELECT id, version, body FROM "catalog.products" WHERE true ORDER BY id LIMIT ?"#
//! );
//! # Ok::<(), mercato_ports::documents::Failure>(())
//! ```

pub mod change;
mod collection;
pub mod connection;
pub mod outbox;
mod plan;
pub mod read;
pub mod schema;
#[cfg(test)]
mod testing;
mod text;

pub use collection::Collection;
pub use connection::Connection;
pub use plan::{Driver, Plan, Select};
