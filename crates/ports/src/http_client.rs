//! The port `http-client`: HTTP requests to other servers.

use async_trait::async_trait;

pub use crate::bindings::mercato::platform::http_client_types::{
    Header, HttpFailure, Method, Request, Response,
};

/// The port `mercato:platform/http-client`.
#[async_trait]
pub trait HttpClient: Send + Sync {
    /// Sends a request and returns the whole response.
    ///
    /// # Errors
    /// [`HttpFailure::Refused`] if the request can never be sent. [`HttpFailure::NotSent`] if it was
    /// certainly not sent. [`HttpFailure::Unknown`] if it may have reached the server.
    async fn send(&self, request: Request) -> Result<Response, HttpFailure>;
}
