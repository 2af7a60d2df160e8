//! What the host keeps of a request's head, for what it answers in the shop's place.

use http::header::{ACCEPT, ORIGIN};
use http::{HeaderValue, Method, Request, Uri};

use super::request_id;

/// Where GraphQL is.
const GRAPHQL: [&str; 2] = ["/graphql", "/graphql/"];

/// The media type of GraphQL's answers (the GraphQL-over-HTTP specification), to those who accept it.
const GRAPHQL_RESPONSE: &str = "application/graphql-response+json";

/// What was asked, by whom.
#[derive(Clone, Debug)]
pub struct Asked {
    /// How it was asked.
    pub method: Method,
    /// The request's id.
    pub id: HeaderValue,
    /// The origin of the page that asked.
    pub origin: Option<HeaderValue>,
    uri: Uri,
    accept: Option<HeaderValue>,
}

impl Asked {
    /// What is kept of a request, which has an id now.
    pub fn of<B>(request: &mut Request<B>) -> Self {
        let id = request_id::establish(request.headers_mut());
        Self {
            method: request.method().clone(),
            id,
            origin: request.headers().get(ORIGIN).cloned(),
            uri: request.uri().clone(),
            accept: request.headers().get(ACCEPT).cloned(),
        }
    }

    /// The path.
    pub fn path(&self) -> &str {
        self.uri.path()
    }

    /// The request's id as text.
    pub fn id(&self) -> &str {
        request_id::text(&self.id)
    }

    /// The media type that answers of GraphQL have; none where something else was asked.
    pub fn graphql(&self) -> Option<&'static str> {
        let accepted = self.accept.as_ref().and_then(|value| value.to_str().ok());
        let knows = accepted.is_some_and(|accepted| accepted.to_ascii_lowercase().contains(GRAPHQL_RESPONSE));
        GRAPHQL.contains(&self.path()).then_some(if knows {
            GRAPHQL_RESPONSE
        } else {
            "application/json"
        })
    }
}
