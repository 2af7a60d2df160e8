//! The capability providers of a wasmCloud lattice: the ports over wRPC.
//!
//! The executables in `src/bin` connect these bindings to the libraries for the ports. They keep no state.
//! If a port needs a server, a named configuration has its address. The links have the rest:
//!
//! | link | configuration |
//! |---|---|
//! | service → `mongodb`, `mercato:platform/documents` | target: `manifest.<service>`, the text of `service.toml`, for each service of the component |
//! | `kafka` → service, `mercato:platform/handler`, with a unique name | source: `subscriber`, `kinds` and `batches` (separated by commas), and `export` if the component has several handlers |
//! | service → `redis`, `mercato:lattice/cache` of the adapter for wasmCloud, or `mercato:platform/cache` | none |
//! | service → `smtp`, `mercato:platform/mailer` | none |
//! | service → `http`, `mercato:platform/http-client` | none |
//! | service → `passwords`, `mercato:platform/passwords` | none |
//!
//! `mongodb` relays events to `kafka` by `mercato:platform/publisher`. It finds `kafka` by the id in its
//! configuration, because wadm can't link two providers.

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
pub use serve::{
    CacheServer, DocumentsServer, HttpClientServer, MailerServer, PasswordsServer, PublisherServer,
};
pub use settings::Settings;

/// Functions that serve a port on the lattice.
pub mod ports {
    use anyhow::Result;
    use wasmcloud_provider_sdk::ProviderConnection;
    use wasmcloud_provider_sdk::provider::InvocationStreams;

    use crate::bindings::exports::mercato::{lattice, platform};

    macro_rules! port {
        ($(#[$doc:meta])* $name:ident by $server:ty) => {
            $(#[$doc])*
            ///
            /// # Errors
            /// Fails if NATS can't be reached.
            pub async fn $name(connection: &ProviderConnection, server: $server) -> Result<InvocationStreams> {
                let client = connection.get_wrpc_client(connection.provider_key()).await?;
                Ok(platform::$name::serve_interface(&client, server).await?.into())
            }
        };
    }

    /// The port `cache`, and the same port with texts in place of bytes.
    ///
    /// # Errors
    /// Fails if NATS can't be reached.
    pub async fn cache(
        connection: &ProviderConnection,
        server: super::CacheServer,
    ) -> Result<InvocationStreams> {
        let client = connection.get_wrpc_client(connection.provider_key()).await?;
        let mut invocations: InvocationStreams = platform::cache::serve_interface(&client, server.clone())
            .await?
            .into();
        invocations.extend(lattice::cache::serve_interface(&client, server).await?);
        Ok(invocations)
    }

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
        /// The port `passwords`.
        passwords by super::PasswordsServer
    );
    port!(
        /// The port `publisher`.
        publisher by super::PublisherServer
    );
}
