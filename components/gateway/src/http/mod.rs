//! HTTP: which path is what, and GraphQL over HTTP (the GraphQL Foundation's specification, draft of 2025).

mod accept;
mod envelope;
mod execute;
mod reply;
mod request_id;
mod webhook;

use std::sync::Arc;

use http::{HeaderName, Method, Request, Response, StatusCode};

use mercato_common::id;

use crate::graphiql;
use crate::http::accept::Accepted;
use crate::http::envelope::Envelope;
pub use crate::http::envelope::Parameters;
use crate::identity::Verifier;
use crate::limits;
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
    services: Arc<Services>,
    verifier: Verifier,
    introspection: bool,
    address_header: Option<HeaderName>,
}

impl Gateway {
    /// A gateway in front of these services.
    #[must_use]
    pub fn new(settings: &Settings, services: Services) -> Self {
        Self {
            schema: schema::build(),
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
        match (request.method(), path) {
            (&Method::GET | &Method::HEAD, "/livez") => reply::health(Ok("live")),
            (&Method::GET | &Method::HEAD, "/readyz") => reply::health(self.ready()),
            (_, webhook::STRIPE) => self.stripe_webhook(request),
            (_, "/graphql" | "/graphql/") => self.graphql(request),
            (&Method::GET | &Method::HEAD, "/") => reply::redirect("/graphql"),
            (&Method::GET | &Method::HEAD, _) if path.starts_with(graphiql::ASSETS) => {
                graphiql::asset(path).unwrap_or_else(|| reply::not_found(path))
            }
            _ => reply::not_found(path),
        }
    }

    /// Whether the shop can serve: whether the catalog, and so its store, answers, and payments are not misconfigured.
    fn ready(&self) -> Result<&'static str, &'static str> {
        match self.services.catalog.get_many(&[id::new()]) {
            Ok(_) if self.services.payments.ready().is_err() => Err("payments are misconfigured"),
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
