//! The capability providers of a wasmCloud lattice: the ports over wRPC.
//!
//! The executables in `src/bin` join these bindings to the libraries that speak to the servers. They keep no state: what they need
//! comes by their named configuration (where their server is) and by links:
//!
//! | link | configuration |
//! |---|---|
//! | service → `mongodb`, `mercato:platform/documents` | target: `manifest.<service>`, the text of that service's `service.toml`, for each service in the component |
//! | `kafka` → service, `mercato:platform/handler`, with a name of its own | source: `subscriber`, `kinds` (with commas), and `export` where a composed component has several handlers |
//! | service → `redis`, `mercato:platform/cache` | none |
//! | service → `smtp`, `mercato:platform/mailer` | none |
//! | service → `http`, `mercato:platform/http-client` | none |
//!
//! wadm links no provider to another, so `mongodb` finds `kafka`, to which it relays events by `mercato:platform/publisher`, by the id in its
//! configuration.

mod access;
mod bindings;
mod convert;
mod remote;
mod run;
mod serve;
mod settings;
mod trace;

pub use access::{Access, services};
pub use remote::{RemoteHandlers, RemotePublisher, Subscription};
pub use run::{main, run};
pub use serve::{CacheServer, DocumentsServer, HttpClientServer, MailerServer, PublisherServer};
pub use settings::Settings;

/// Functions that subscribe to the calls of a port.
pub mod ports {
    use anyhow::Result;
    use wasmcloud_provider_sdk::ProviderConnection;
    use wasmcloud_provider_sdk::provider::InvocationStreams;

    use crate::bindings::wire;

    /// Defines one of them.
    macro_rules! port {
        ($(#[$doc:meta])* $name:ident by $server:ty) => {
            $(#[$doc])*
            ///
            /// # Errors
            /// NATS can't be reached.
            pub async fn $name(connection: &ProviderConnection, server: $server) -> Result<InvocationStreams> {
                let client = connection.get_wrpc_client(connection.provider_key()).await?;
                Ok(wire::$name::serve_interface(&client, server).await?.into())
            }
        };
    }

    port!(
        /// The port `cache`.
        cache by super::CacheServer
    );
    port!(
        /// The port `documents`.
        documents by super::DocumentsServer
    );
    port!(
        /// The port `http-client`.
        http_client by super::HttpClientServer
    );
    port!(
        /// The port `mailer`.
        mailer by super::MailerServer
    );
    port!(
        /// The port `publisher`.
        publisher by super::PublisherServer
    );
}
