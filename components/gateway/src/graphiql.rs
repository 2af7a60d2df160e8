//! GraphiQL, the GraphQL Foundation's explorer, for a person with a browser. All of it comes from here: the page
//! asks no other host for anything, and its content security policy says so.

use http::header::{CACHE_CONTROL, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use http::{HeaderValue, Response};

use crate::http::Reply;

/// The folder of the page's parts.
pub const ASSETS: &str = "/graphql/assets/";

const PAGE: &[u8] = include_bytes!("../assets/graphiql.html");
const START: &[u8] = include_bytes!("../assets/start.js");
const SCRIPT: &[u8] = include_bytes!("../assets/graphiql.js.gz");
const STYLE: &[u8] = include_bytes!("../assets/graphiql.css.gz");

/// GraphiQL compiles what it highlights at run time, and styles elements in place.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; connect-src 'self'; img-src 'self' data:; font-src 'self' data:; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";

/// The page.
pub fn page() -> Reply {
    let mut reply = serve(PAGE, "text/html; charset=utf-8", false);
    reply
        .headers_mut()
        .insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    reply
}

/// A part of the page, by its path.
pub fn asset(path: &str) -> Option<Reply> {
    let (bytes, media_type, zipped) = match path.strip_prefix(ASSETS)? {
        "start.js" => (START, "text/javascript; charset=utf-8", false),
        "graphiql.js" => (SCRIPT, "text/javascript; charset=utf-8", true),
        "graphiql.css" => (STYLE, "text/css; charset=utf-8", true),
        _ => return None,
    };
    Some(serve(bytes, media_type, zipped))
}

fn serve(bytes: &[u8], media_type: &'static str, zipped: bool) -> Reply {
    let mut reply = Response::new(bytes.to_vec());
    let headers = reply.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("public, max-age=3600"));
    if zipped {
        headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    reply
}
