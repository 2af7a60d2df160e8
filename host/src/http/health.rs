//! `/livez` and `/readyz`, as orchestrators ask for them. The host answers them by itself, without an instance.

use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderValue, Response, StatusCode};
use http_body_util::Full;
use mercato_ports::documents::Documents;
use serde_json::json;
use tracing::warn;

/// The process runs.
pub fn live() -> Response<Full<Bytes>> {
    response(StatusCode::OK, "live", None)
}

/// The shop can serve, or why it can't.
pub async fn ready(documents: &dyn Documents) -> Response<Full<Bytes>> {
    match documents.ready().await {
        Ok(()) => response(StatusCode::OK, "ready", None),
        Err(reason) => {
            warn!(reason, "not ready");
            response(StatusCode::SERVICE_UNAVAILABLE, "unavailable", Some(&reason))
        }
    }
}

fn response(status: StatusCode, word: &str, reason: Option<&str>) -> Response<Full<Bytes>> {
    let body = match reason {
        Some(reason) => json!({ "status": word, "reason": reason }),
        None => json!({ "status": word }),
    };
    let mut response = Response::new(Full::new(body.to_string().into()));
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
        .headers_mut()
        .insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
