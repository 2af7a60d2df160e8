//! The port `documents` on MongoDB, with the outbox and its relay.
//!
//! A [`Store`] keeps the collections of each service in a separate database. A commit writes its events to
//! the outbox of that database, in the same transaction. A [`Relay`] publishes them to a broker at least
//! once, in the order of the commits of each subject.
//!
//! ```no_run
//! # use std::error::Error;
//! # use std::sync::Arc;
//! use mercato_mongodb::{Options, Relay, RelayOptions, Store};
//! # use mercato_ports::{events::Publisher, manifest::ShopManifest};
//!
//! # async fn start(shop: ShopManifest, publisher: Arc<dyn Publisher>) -> Result<(), Box<dyn Error>> {
//! let url = "mongodb://127.0.0.1:27017/?replicaSet=rs0";
//! let store = Arc::new(Store::connect(url, Options::default()).await?);
//! for (service, manifest) in &shop.services {
//!     store.add(service, manifest).await?;
//! }
//! let relay = Relay::new(Arc::clone(&store), RelayOptions::default());
//! relay.run(publisher, async { drop(tokio::signal::ctrl_c().await) }).await;
//! # Ok(())
//! # }
//! ```

mod error;
mod relay;
mod store;

pub use error::OpenError;
pub use relay::{Relay, RelayOptions};
pub use store::{Options, Store};
