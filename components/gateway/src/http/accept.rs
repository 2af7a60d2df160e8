//! What the client takes as an answer (RFC 9110, section 12.5.1).

use std::str::FromStr;

use headers_accept::Accept;
use http::header::ACCEPT;
use http::{HeaderMap, HeaderValue, Method};
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
    /// `text/event-stream`: the results as events (GraphQL over Server-Sent Events, distinct connections mode).
    Events,
}

/// The media type of events.
pub const EVENTS: &str = "text/event-stream";

/// In the order of preference for a client that takes anything.
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

/// Whether the client says that it takes events, even if there is something that it would rather have.
pub fn takes_events(headers: &HeaderMap) -> bool {
    let Some(header) = headers.get(ACCEPT).filter(|header| names_events(header)) else {
        return false;
    };
    let accept = header.to_str().ok().and_then(|text| Accept::from_str(text).ok());
    let events = MediaType::parse(EVENTS).ok();
    accept
        .zip(events)
        .is_some_and(|(accept, events)| accept.negotiate([&events]).is_some())
}

/// Whether events are named, and not only meant by `*/*`: who takes just anything does not expect a stream.
fn names_events(header: &HeaderValue) -> bool {
    header
        .as_bytes()
        .to_ascii_lowercase()
        .windows(EVENTS.len())
        .any(|part| part == EVENTS.as_bytes())
}

/// The best kind of answer; none where the client takes none that there is. A client that does not say takes JSON.
///
/// The page for a person is there for GET alone, and events for who names them.
pub fn negotiate(method: &Method, headers: &HeaderMap) -> Option<Accepted> {
    let Some(header) = headers.get(ACCEPT) else {
        return Some(Accepted::Json);
    };
    // The plain cases come with nearly every request.
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
        for accept in ["text/event-stream", "application/json;q=0.1, text/event-stream"] {
            assert_eq!(negotiated(accept), Some(Accepted::Events), "{accept}");
        }
    }

    #[test]
    fn events_are_taken_where_the_client_says_so() {
        let takes = |accept: &'static str| {
            takes_events(&HeaderMap::from_iter([(
                ACCEPT,
                HeaderValue::from_static(accept),
            )]))
        };
        assert!(takes("application/json, Text/Event-Stream;q=0.1"));
        for accept in ["*/*", "text/*", "application/json", "text/event-stream;q=0"] {
            assert!(!takes(accept), "{accept}");
        }
        assert!(!takes_events(&HeaderMap::new()));
    }

    #[test]
    fn a_client_that_takes_nothing_there_is_gets_nothing() {
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
