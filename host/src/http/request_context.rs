//! The head of a request. The host needs it for the log and for the responses that it writes itself.

use http::header::{ACCEPT, ORIGIN};
use http::{HeaderValue, Method, Request, Uri};
use mercato_shop::http::{GRAPHQL_PATHS, GRAPHQL_RESPONSE, request_id};

/// The parts of a request's head that are kept while the request runs.
#[derive(Clone, Debug)]
pub struct RequestContext {
    /// The method.
    pub method: Method,
    /// The id of the request.
    pub id: HeaderValue,
    /// The origin of the page that sent the request.
    pub origin: Option<HeaderValue>,
    uri: Uri,
    accept: Option<HeaderValue>,
}

impl RequestContext {
    /// Reads the head of a request, and adds an id if the request has no valid one.
    pub fn new<B>(request: &mut Request<B>) -> Self {
        let id = request_id::establish(request.headers_mut());
        Self {
            method: request.method().clone(),
            id,
            origin: request.headers().get(ORIGIN).cloned(),
            uri: request.uri().clone(),
            accept: request.headers().get(ACCEPT).cloned(),
        }
    }

    /// Returns the path.
    pub fn path(&self) -> &str {
        self.uri.path()
    }

    /// Returns the id of the request as text.
    pub fn id(&self) -> &str {
        self.id.to_str().unwrap_or_default()
    }

    /// Returns the media type of a GraphQL response, or `None` if the request is not for GraphQL.
    pub fn graphql_media_type(&self) -> Option<&'static str> {
        let accept = self.accept.as_ref().and_then(|value| value.to_str().ok());
        let accepts_response =
            accept.is_some_and(|accept| accept.to_ascii_lowercase().contains(GRAPHQL_RESPONSE));
        GRAPHQL_PATHS
            .contains(&self.path())
            .then_some(if accepts_response {
                GRAPHQL_RESPONSE
            } else {
                "application/json"
            })
    }
}
