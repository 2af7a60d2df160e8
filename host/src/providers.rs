//! The implementations of the ports that this process uses.

use std::path::Path;
use std::sync::Arc;

use mercato_embedded::{
    DispatchOptions, Dispatcher, Durability, EmlMailer, MemoryCache, OpenError, Options, Store,
};
use mercato_ports::cache::Cache;
use mercato_ports::documents::Documents;
use mercato_ports::events::{DeadLetters, Handlers};
use mercato_ports::mailer::Mailer;
use mercato_ports::manifest::ShopManifest;
use tokio::sync::watch;

use crate::exit::{Code, Failure};

/// The size of the cache, in bytes.
const CACHE_SIZE: usize = 64 << 20;

/// The store, and what delivers its events.
pub struct Providers {
    store: Arc<Store>,
}

impl Providers {
    /// Opens the store in a data folder.
    ///
    /// # Errors
    /// Where it can't be opened; the text says what to do.
    pub fn open(data: &Path, manifest: &ShopManifest, durability: Durability) -> Result<Self, Failure> {
        let store = Store::open(data, manifest, Options { durability }).map_err(|error| {
            let code = match error {
                OpenError::Folder { .. } => Code::CantCreate,
                OpenError::InUse { .. } => Code::Busy,
                _ => Code::Data,
            };
            Failure::new(code, error.to_string())
        })?;
        Ok(Self {
            store: Arc::new(store),
        })
    }

    /// Where documents are kept.
    pub fn documents(&self) -> Arc<dyn Documents> {
        self.store.clone()
    }

    /// Where undeliverable events are kept.
    pub fn dead_letters(&self) -> Arc<dyn DeadLetters> {
        self.store.clone()
    }

    /// Delivers events until told to stop, and finishes what has begun then.
    pub fn dispatch(
        &self,
        handlers: Arc<dyn Handlers>,
        mut stopped: watch::Receiver<bool>,
    ) -> impl Future<Output = ()> + Send + use<> {
        let dispatcher = Dispatcher::new(self.store.clone(), DispatchOptions::default());
        async move {
            let told = async move {
                // An error means that the sender is gone, which is to stop too.
                let _ = stopped.wait_for(|stop| *stop).await;
            };
            dispatcher.run(handlers, told).await;
        }
    }
}

/// A cache in the memory of this process.
pub fn cache() -> Arc<dyn Cache> {
    Arc::new(MemoryCache::new(CACHE_SIZE))
}

/// Mail into a folder of the data folder, one `.eml` file a message.
///
/// # Errors
/// Where the sender's address can't be read.
pub fn mailer(data: &Path, from: &str) -> Result<Arc<dyn Mailer>, Failure> {
    let mailer = EmlMailer::new(&data.join("mail"), from).map_err(|error| {
        let advice = "use the form `shop@example.com` or `My shop <shop@example.com>`";
        Failure::new(
            Code::Config,
            format!("the sender `{from}` is no e-mail address ({error}): {advice}"),
        )
    })?;
    Ok(Arc::new(mailer))
}
