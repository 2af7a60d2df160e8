//! A page that tells the OpenAPI document to a person, and tries it. All of it comes from here.

use http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use http::{HeaderValue, Response};

use crate::http::Reply;

/// Where the page is.
pub const PAGE: &str = "/docs";

/// The folder of its parts.
const ASSETS: &str = "/docs/assets/";

const HTML: &[u8] = include_bytes!("../../assets/docs.html");
const SCRIPT: &[u8] = include_bytes!("../../assets/docs.js");
const STYLE: &[u8] = include_bytes!("../../assets/docs.css");

const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";

/// The page.
pub fn page() -> Reply {
    let mut reply = serve(HTML, "text/html; charset=utf-8");
    let headers = reply.headers_mut();
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    reply
}

/// Whether a path is in the folder of the page's parts.
pub fn is_asset(path: &str) -> bool {
    path.starts_with(ASSETS)
}

/// A part of the page, by its path.
pub fn asset(path: &str) -> Option<Reply> {
    match path.strip_prefix(ASSETS)? {
        "docs.js" => Some(serve(SCRIPT, "text/javascript; charset=utf-8")),
        "docs.css" => Some(serve(STYLE, "text/css; charset=utf-8")),
        _ => None,
    }
}

fn serve(bytes: &[u8], media_type: &'static str) -> Reply {
    let mut reply = Response::new(bytes.to_vec());
    let headers = reply.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("public, max-age=3600"));
    reply
}
