//! HTTP that the gateway and the native host share. The host answers some requests in place of the gateway,
//! and its responses have the same form.

pub mod browser_policy;
pub mod client_address;
pub mod health;
pub mod problem;
pub mod request_id;

use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderValue, Response, StatusCode};

pub use browser_policy::BrowserPolicy;
pub use health::Health;
pub use problem::Problem;

/// The paths of the GraphQL endpoint.
pub const GRAPHQL_PATHS: [&str; 2] = ["/graphql", "/graphql/"];

/// The media type of GraphQL responses, for clients that accept it (GraphQL over HTTP).
pub const GRAPHQL_RESPONSE: &str = "application/graphql-response+json";

/// Returns a response that no cache may store.
#[must_use]
pub fn uncached<B>(status: StatusCode, media_type: HeaderValue, body: B) -> Response<B> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, media_type);
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
