//! HTTP client: one request out.

use async_trait::async_trait;

pub use crate::bindings::mercato::platform::http_client::{
    Error as HttpFailure, Header, Method, Request, Response,
};

/// The port `mercato:platform/http-client`.
#[async_trait]
pub trait HttpClient: Send + Sync {
    /// Sends one request, and waits for the whole response.
    ///
    /// # Errors
    /// [`HttpFailure::Refused`] for what can never be sent, [`HttpFailure::NotSent`] for what certainly was not,
    /// [`HttpFailure::Unknown`] where it may have arrived.
    async fn send(&self, request: Request) -> Result<Response, HttpFailure>;
}
