//! The page at `/docs`, which shows the OpenAPI document and sends requests.

use crate::http::reply::{self, Reply};

/// The path of the page.
pub const PATH: &str = "/docs";

/// The folder of its script and its style.
pub const ASSETS: &str = "/docs/assets/";

/// Returns the page.
pub fn page() -> Reply {
    reply::page(include_bytes!("../../assets/docs.html"))
}

/// Returns the script or the style.
pub fn asset(path: &str) -> Option<Reply> {
    match path.strip_prefix(ASSETS)? {
        "docs.js" => Some(reply::public(
            include_bytes!("../../assets/docs.js"),
            "text/javascript; charset=utf-8",
        )),
        "docs.css" => Some(reply::public(
            include_bytes!("../../assets/docs.css"),
            "text/css; charset=utf-8",
        )),
        _ => None,
    }
}
