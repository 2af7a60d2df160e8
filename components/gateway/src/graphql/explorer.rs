//! The explorer: a page that sends GraphQL requests. It loads its parts only from the gateway.

use http::HeaderValue;
use http::header::VARY;

use crate::http::reply::{self, Reply};

/// The folder of its script and its style.
pub const ASSETS: &str = "/graphql/assets/";

/// Returns the page.
pub fn page() -> Reply {
    let mut reply = reply::page(include_bytes!("../../assets/explorer/explorer.html"));
    // The same address answers results.
    reply
        .headers_mut()
        .append(VARY, HeaderValue::from_static("Accept"));
    reply
}

/// Returns the script or the style.
pub fn asset(path: &str) -> Option<Reply> {
    match path.strip_prefix(ASSETS)? {
        "explorer.js" => Some(reply::public(
            include_bytes!("../../assets/explorer/explorer.js"),
            "text/javascript; charset=utf-8",
        )),
        "explorer.css" => Some(reply::public(
            include_bytes!("../../assets/explorer/explorer.css"),
            "text/css; charset=utf-8",
        )),
        _ => None,
    }
}
