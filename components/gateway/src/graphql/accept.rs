//! Content negotiation (RFC 9110, section 12.5.1).

use std::str::FromStr;

use headers_accept::Accept;
use http::header::ACCEPT;
use http::{HeaderMap, HeaderValue, Method};
use mediatype::MediaType;

/// The media types of replies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Accepted {
    /// `application/graphql-response+json`: the status code shows whether the request was executed.
    GraphqlResponse,
    /// `application/json`: 200 for every well-formed request, as older clients expect.
    Json,
    /// `text/html`: the explorer, for browsers.
    Html,
    /// `text/event-stream`: results as events (GraphQL over Server-Sent Events, distinct connections mode).
    Events,
}

/// The media type of events.
pub const EVENTS: &str = "text/event-stream";

/// The media types, in the order of preference.
const AVAILABLE: [(&str, Accepted); 6] = [
    ("application/json", Accepted::Json),
    ("application/json; charset=utf-8", Accepted::Json),
    ("application/graphql-response+json", Accepted::GraphqlResponse),
    (
        "application/graphql-response+json; charset=utf-8",
        Accepted::GraphqlResponse,
    ),
    ("text/html", Accepted::Html),
    (EVENTS, Accepted::Events),
];

/// Returns whether the client accepts events, even if it prefers another media type.
pub fn accepts_events(headers: &HeaderMap) -> bool {
    let Some(header) = headers.get(ACCEPT).filter(|header| names_events(header)) else {
        return false;
    };
    let accept = header.to_str().ok().and_then(|text| Accept::from_str(text).ok());
    let events = MediaType::parse(EVENTS).ok();
    accept
        .zip(events)
        .is_some_and(|(accept, events)| accept.negotiate([&events]).is_some())
}

/// Returns whether the header names events. A client that sends `*/*` does not expect a stream.
fn names_events(header: &HeaderValue) -> bool {
    header
        .as_bytes()
        .to_ascii_lowercase()
        .windows(EVENTS.len())
        .any(|part| part == EVENTS.as_bytes())
}

/// Returns the media type that the client prefers. `None` if it accepts none of them. Without the header, it
/// is JSON.
///
/// HTML is available for GET only, and events only if the header names them.
pub fn negotiate(method: &Method, headers: &HeaderMap) -> Option<Accepted> {
    let Some(header) = headers.get(ACCEPT) else {
        return Some(Accepted::Json);
    };
    // Nearly every request has one of these, so parsing is skipped for them.
    match header.as_bytes() {
        b"*/*" | b"application/json" => return Some(Accepted::Json),
        b"application/graphql-response+json" => return Some(Accepted::GraphqlResponse),
        b"text/event-stream" => return Some(Accepted::Events),
        _ => {}
    }
    let accept = Accept::from_str(header.to_str().ok()?).ok()?;
    let available: Vec<_> = AVAILABLE
        .iter()
        .filter(|(_, kind)| match kind {
            Accepted::Html => method == Method::GET,
            Accepted::Events => names_events(header),
            Accepted::GraphqlResponse | Accepted::Json => true,
        })
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
    fn chooses_the_media_type_that_the_client_prefers() {
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
        for accept in ["text/event-stream", "application/json;q=0.1, text/event-stream"] {
            assert_eq!(negotiated(accept), Some(Accepted::Events), "{accept}");
        }
    }

    #[test]
    fn accepts_events_only_if_the_header_names_them() {
        let takes = |accept: &'static str| {
            accepts_events(&HeaderMap::from_iter([(
                ACCEPT,
                HeaderValue::from_static(accept),
            )]))
        };
        assert!(takes("application/json, Text/Event-Stream;q=0.1"));
        for accept in ["*/*", "text/*", "application/json", "text/event-stream;q=0"] {
            assert!(!takes(accept), "{accept}");
        }
        assert!(!accepts_events(&HeaderMap::new()));
    }

    #[test]
    fn returns_none_if_no_media_type_is_acceptable() {
        for accept in [
            "text/plain",
            "image/*",
            "text/plain, text/event-stream;q=0",
            "application/json;q=0",
            "no media type",
        ] {
            assert_eq!(negotiated(accept), None, "{accept}");
        }
        let html = HeaderMap::from_iter([(ACCEPT, "text/html".parse().unwrap())]);
        assert_eq!(negotiate(&Method::POST, &html), None);
        let text = HeaderMap::from_iter([(ACCEPT, "text/*".parse().unwrap())]);
        assert_eq!(negotiate(&Method::POST, &text), None);
    }
}
