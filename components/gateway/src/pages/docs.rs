//! The page at `/docs`: Swagger UI with the OpenAPI document. It loads its parts only from the gateway.

use std::io::Read;

use flate2::read::GzDecoder;
use http::HeaderMap;

use crate::http::encoding::{self, AcceptedCodings, Coding};
use crate::http::reply::{self, Reply};

/// The path of the page.
pub const PATH: &str = "/docs";

/// The folder of its scripts and styles.
pub const ASSETS: &str = "/docs/assets/";

const SCRIPT: &str = "text/javascript; charset=utf-8";
const STYLE: &str = "text/css; charset=utf-8";

/// Swagger UI, compressed by the build script.
const BUNDLE: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/swagger-ui-bundle.js.gz"));
const BUNDLE_STYLE: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/swagger-ui.css.gz"));

/// Returns the page.
pub fn page() -> Reply {
    reply::page(include_bytes!("../../assets/docs/docs.html"))
}

/// Returns a script or a style.
pub fn asset(path: &str, headers: &HeaderMap) -> Option<Reply> {
    match path.strip_prefix(ASSETS)? {
        "docs.js" => Some(reply::public(include_bytes!("../../assets/docs/docs.js"), SCRIPT)),
        "docs.css" => Some(reply::public(include_bytes!("../../assets/docs/docs.css"), STYLE)),
        "swagger-ui-bundle.js" => Some(compressed(BUNDLE, SCRIPT, headers)),
        "swagger-ui.css" => Some(compressed(BUNDLE_STYLE, STYLE, headers)),
        _ => None,
    }
}

/// Returns a file as it is stored, or without its compression for clients that do not accept gzip.
fn compressed(gzip: &[u8], media_type: &'static str, headers: &HeaderMap) -> Reply {
    let codings = AcceptedCodings::of(headers).unwrap_or(AcceptedCodings::IDENTITY);
    if codings.allow(Coding::Gzip) {
        let mut reply = reply::public(gzip, media_type);
        encoding::write(Coding::Gzip, reply.headers_mut());
        return reply;
    }
    let mut text = Vec::new();
    if let Err(error) = GzDecoder::new(gzip).read_to_end(&mut text) {
        eprintln!("internal error: a file of the page /docs is damaged: {error}");
    }
    reply::public(&text, media_type)
}
