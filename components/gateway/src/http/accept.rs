//! What the client takes as an answer (RFC 9110, section 12.5.1).

use std::str::FromStr;

use headers_accept::Accept;
use http::header::ACCEPT;
use http::{HeaderMap, Method};
use mediatype::MediaType;

/// The kinds of answers there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Accepted {
    /// `application/graphql-response+json`: the status code tells how it went.
    GraphqlResponse,
    /// `application/json`: 200 for every well-formed request, as clients from before the specification expect.
    Json,
    /// A person with a browser.
    Html,
}

/// In the order of preference for a client that takes anything.
const AVAILABLE: [(&str, Accepted); 5] = [
    ("application/json", Accepted::Json),
    ("application/json; charset=utf-8", Accepted::Json),
    ("application/graphql-response+json", Accepted::GraphqlResponse),
    (
        "application/graphql-response+json; charset=utf-8",
        Accepted::GraphqlResponse,
    ),
    ("text/html", Accepted::Html),
];

/// The best kind of answer; none where the client takes none that there is. A client that does not say takes JSON.
///
/// The page for a person is there for GET alone.
pub fn negotiate(method: &Method, headers: &HeaderMap) -> Option<Accepted> {
    let Some(header) = headers.get(ACCEPT) else {
        return Some(Accepted::Json);
    };
    // The plain cases come with nearly every request.
    match header.as_bytes() {
        b"*/*" | b"application/json" => return Some(Accepted::Json),
        b"application/graphql-response+json" => return Some(Accepted::GraphqlResponse),
        _ => {}
    }
    let accept = Accept::from_str(header.to_str().ok()?).ok()?;
    let available: Vec<_> = AVAILABLE
        .iter()
        .filter(|(_, kind)| *kind != Accepted::Html || method == Method::GET)
        .filter_map(|(name, kind)| Some((MediaType::parse(name).ok()?, *kind)))
        .collect();
    let best = accept.negotiate(available.iter().map(|(media_type, _)| media_type))?;
    available
        .iter()
        .find(|(media_type, _)| media_type == best)
        .map(|(_, kind)| *kind)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn negotiated(accept: &str) -> Option<Accepted> {
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT, accept.parse().unwrap());
        negotiate(&Method::GET, &headers)
    }

    #[test]
    fn the_client_gets_what_it_prefers() {
        assert_eq!(negotiate(&Method::POST, &HeaderMap::new()), Some(Accepted::Json));
        for accept in [
            "*/*",
            "application/*",
            "application/json",
            "application/json; charset=utf-8",
            "text/plain, application/json;q=0.1",
        ] {
            assert_eq!(negotiated(accept), Some(Accepted::Json), "{accept}");
        }
        for accept in [
            "application/graphql-response+json",
            "application/graphql-response+json; charset=utf-8, application/json; charset=utf-8",
            "application/json;q=0.5, application/graphql-response+json",
        ] {
            assert_eq!(negotiated(accept), Some(Accepted::GraphqlResponse), "{accept}");
        }
        assert_eq!(
            negotiated("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"),
            Some(Accepted::Html)
        );
    }

    #[test]
    fn a_client_that_takes_nothing_there_is_gets_nothing() {
        for accept in ["text/plain", "image/*", "application/json;q=0", "no media type"] {
            assert_eq!(negotiated(accept), None, "{accept}");
        }
        let html = HeaderMap::from_iter([(ACCEPT, "text/html".parse().unwrap())]);
        assert_eq!(negotiate(&Method::POST, &html), None);
    }
}
