//! The ports of Mercato in one process.
//!
//! [`Store`] keeps documents and the outbox in SQLite, and
//! [`Dispatcher`] delivers the events of the outbox. [`MemoryCache`] is the cache. [`EmlMailer`] writes mail
//! into a folder. [`backup`], [`restore`] and [`report`] are for the operator of a data folder.
//!
//! ```
//! # use std::error::Error;
//! use mercato_embedded::{Options, Store};
//! use mercato_ports::documents::{Clause, Documents, Insertion, Query, Search, Term, Write};
//! use mercato_ports::manifest::ShopManifest;
//!
//! # fn main() -> Result<(), Box<dyn Error>> {
//! # let folder = tempfile::tempdir()?;
//! # let folder = folder.path();
//! let shop: ShopManifest = serde_json::from_str(
//!     r#"{"services": {"catalog": {"collections": {
//!         "catalog.products": {"fields": ["name"], "search": ["name"]}
//!     }}}}"#,
//! )?;
//! let store = Store::open(folder, &shop, Options::default())?;
//! # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
//! let sock = Write::Insert(Insertion {
//!     collection: "catalog.products".into(),
//!     id: "1".into(),
//!     body: r#"{"name": "Wool sock"}"#.into(),
//! });
//! store.commit(vec![sock], vec![]).await.expect("the id is new");
//! let term = Term { text: "woo".into(), prefix: true };
//! let clause = Clause { field: None, terms: vec![term] };
//! let search = Search { all: vec![clause], not_all: vec![] };
//! let found = Query { search: Some(search), ..Query::all("catalog.products", 10) };
//! assert_eq!(store.find(found).await.expect("the collection is searched").len(), 1);
//! # });
//! # Ok(())
//! # }
//! ```

mod backup;
mod cache;
mod database;
mod dispatcher;
mod error;
mod folder;
mod inspection;
mod mailer;
mod report;
mod restore;
mod store;

pub use backup::backup;
pub use cache::MemoryCache;
pub use dispatcher::{DispatchOptions, Dispatcher};
pub use error::{BackupError, OpenError};
pub use folder::identity::Identity;
pub use mailer::EmlMailer;
pub use mercato_sql::outbox::RetryPolicy;
pub use report::{Report, report};
pub use restore::{Restored, restore};
pub use store::{Durability, Options, Store};
