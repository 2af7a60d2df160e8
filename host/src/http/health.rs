//! The responses to `/livez` and `/readyz`. The host answers these requests without an instance.

use bytes::Bytes;
use http::{HeaderValue, Response};
use http_body_util::Full;
use mercato_ports::documents::Documents;
use mercato_shop::http::{Health, uncached};
use tracing::warn;

/// Returns the response of a running process.
pub fn live() -> Response<Full<Bytes>> {
    response(Health::LIVE)
}

/// Returns the response of a process that stops.
pub fn stopping() -> Response<Full<Bytes>> {
    response(Health::unavailable("the process stops"))
}

/// Returns whether the shop can serve requests.
pub async fn ready(documents: &dyn Documents) -> Response<Full<Bytes>> {
    match documents.ready().await {
        Ok(()) => response(Health::READY),
        Err(reason) => {
            warn!(reason, "the shop is not ready");
            response(Health::unavailable(&reason))
        }
    }
}

fn response(health: Health) -> Response<Full<Bytes>> {
    let body = serde_json::to_vec(&health).unwrap_or_default();
    uncached(
        health.code(),
        HeaderValue::from_static("application/json"),
        Full::new(body.into()),
    )
}
