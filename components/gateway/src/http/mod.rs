//! HTTP: which path is what, and GraphQL over HTTP (the GraphQL Foundation's specification, draft of 2025).

mod accept;
mod envelope;
mod execute;
mod problem;
mod reply;
mod request_id;

use std::sync::Arc;

use http::{HeaderName, Method, Request, Response, StatusCode};

use mercato_common::id;

use crate::graphiql;
use crate::http::accept::Accepted;
use crate::http::envelope::Envelope;
pub use crate::http::envelope::{Parameters, check_content_type, check_size};
pub use crate::http::problem::{Body as ProblemBody, MEDIA_TYPE as PROBLEM, Problem};
use crate::identity::Verifier;
use crate::limits;
use crate::rest::{self, Routes};
use crate::schema::{self, ShopSchema};
use crate::services::Services;

/// A response with its whole body.
pub type Reply = Response<Vec<u8>>;

/// What the gateway is configured with.
#[derive(Clone)]
#[allow(missing_debug_implementations, reason = "it holds a secret")]
pub struct Settings {
    /// `API_SECRET`: the API key, and the key of the tokens' signature.
    pub secret: String,
    /// `GRAPHQL_INTROSPECTION`: whether clients may ask for the schema.
    pub introspection: bool,
    /// `CLIENT_ADDRESS_HEADER`: where a proxy before the gateway tells the client's address.
    pub address_header: Option<HeaderName>,
}

/// The gateway: made once, used for any number of requests, and the same for all of them.
#[allow(missing_debug_implementations, reason = "it holds a secret")]
pub struct Gateway {
    schema: ShopSchema,
    pub(crate) routes: Routes,
    pub(crate) services: Arc<Services>,
    pub(crate) verifier: Verifier,
    introspection: bool,
    pub(crate) address_header: Option<HeaderName>,
}

impl Gateway {
    /// A gateway in front of these services.
    #[must_use]
    pub fn new(settings: &Settings, services: Services) -> Self {
        Self {
            schema: schema::build(),
            routes: Routes::new(rest::operations()),
            services: Arc::new(services),
            verifier: Verifier::new(&settings.secret),
            introspection: settings.introspection,
            address_header: settings.address_header.clone(),
        }
    }

    /// The most bytes of a body that [`handle`](Self::handle) needs to see: one more than it accepts, so that it can tell.
    pub const BODY_LIMIT: usize = limits::BODY + 1;

    /// The schema in GraphQL's schema definition language.
    #[must_use]
    pub fn sdl(&self) -> String {
        self.schema.sdl()
    }

    /// Answers one request.
    #[must_use]
    pub fn handle(&self, request: &Request<Vec<u8>>) -> Reply {
        let mut reply = self.route(request);
        reply
            .headers_mut()
            .insert(request_id::HEADER, request_id::of(request.headers()));
        reply
    }

    fn route(&self, request: &Request<Vec<u8>>) -> Reply {
        let path = request.uri().path();
        let not_found = || Problem::no_such_path(path).reply(path);
        match (request.method(), path) {
            (&Method::GET | &Method::HEAD, "/livez") => reply::health(Ok("live")),
            (&Method::GET | &Method::HEAD, "/readyz") => reply::health(self.ready()),
            (_, "/graphql" | "/graphql/") => self.graphql(request),
            (&Method::GET | &Method::HEAD, "/") => reply::redirect("/graphql"),
            (&Method::GET | &Method::HEAD, _) if path.starts_with(graphiql::ASSETS) => {
                graphiql::asset(path).unwrap_or_else(not_found)
            }
            (&Method::GET | &Method::HEAD, rest::PAGE) => rest::page(),
            (&Method::GET | &Method::HEAD, _) if rest::is_asset(path) => {
                rest::asset(path).unwrap_or_else(not_found)
            }
            (&Method::GET | &Method::HEAD, "/openapi.json") => reply::json(&self.openapi()),
            _ => self.rest(request).unwrap_or_else(not_found),
        }
    }

    /// Whether the shop can serve: whether the catalog, and so its store, answers.
    fn ready(&self) -> Result<&'static str, &'static str> {
        match self.services.catalog.get_many(&[id::new()]) {
            Ok(_) => Ok("ready"),
            Err(_) => Err("the catalog does not answer"),
        }
    }

    fn graphql(&self, request: &Request<Vec<u8>>) -> Reply {
        let Some(accepted) = accept::negotiate(request.method(), request.headers()) else {
            let message = "Accept application/graphql-response+json or application/json.";
            return reply::refusal(
                Accepted::Json,
                StatusCode::NOT_ACCEPTABLE,
                "NOT_ACCEPTABLE",
                message,
            );
        };
        let asks_for_page = accepted == Accepted::Html
            && !request
                .uri()
                .query()
                .is_some_and(|query| query.contains("query="));
        let envelope = match *request.method() {
            Method::GET if asks_for_page => return graphiql::page(),
            Method::GET => envelope::of_get(request),
            Method::POST => envelope::of_post(request),
            _ => return reply::method_not_allowed(accepted),
        };
        match envelope {
            Err(refused) => reply::refusal(accepted, refused.status, refused.code, refused.message),
            Ok(Envelope::Single(single)) => self.single(request, accepted, single),
            Ok(Envelope::Batch(batch)) => self.batch(request, accepted, batch),
        }
    }
}
