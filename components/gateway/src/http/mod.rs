//! HTTP: which path is what, and GraphQL over HTTP (the GraphQL Foundation's specification, draft of 2025).

mod accept;
mod cors;
mod envelope;
mod events;
mod execute;
pub mod idempotency;
mod misconfigured;
mod nulls;
mod persisted;
mod problem;
mod rate_limit;
mod reply;
mod request_id;
mod settings;
mod watch;

use std::sync::{Arc, OnceLock};

use http::header::ORIGIN;
use http::{Method, Request, Response, StatusCode};

use mercato_shop::accounts::Client;
use mercato_shop::id;

use crate::client;
use crate::graphiql;
use crate::http::accept::Accepted;
use crate::http::envelope::Envelope;
pub use crate::http::envelope::{check_content_type, check_size};
use crate::http::idempotency::{Ids, Seal};
pub use crate::http::misconfigured::misconfigured;
pub use crate::http::problem::{Body as ProblemBody, MEDIA_TYPE as PROBLEM, Problem};
pub use crate::http::settings::Settings;
use crate::identity::{Identity, Verifier};
use crate::limits;
use crate::rest::{self, Routes};
use crate::schema::{self, ShopSchema};
use crate::services::Services;
use crate::session::Session;

/// What is never limited: where orchestrators ask, and where Stripe's webhooks come in, which come in bursts, and prove themselves by their
/// signatures.
const UNLIMITED: [&str; 3] = [rest::LIVE, rest::READY, rest::STRIPE];

/// Where GraphQL is.
const GRAPHQL: [&str; 2] = ["/graphql", "/graphql/"];

/// Where the OpenAPI document is.
const OPENAPI: &str = "/openapi.json";

/// Where the public halves of the keys of access tokens are.
const JWKS: &str = "/.well-known/jwks.json";

/// A response with its whole body.
pub type Reply = Response<Vec<u8>>;

/// The gateway: made once, used for any number of requests, and the same for all of them.
#[allow(missing_debug_implementations, reason = "it holds a secret")]
pub struct Gateway {
    schema: OnceLock<ShopSchema>,
    routes: OnceLock<Routes>,
    pub(crate) services: Arc<Services>,
    verifier: Verifier,
    seal: Seal,
    settings: Settings,
}

impl Gateway {
    /// A gateway in front of these services.
    #[must_use]
    pub fn new(settings: &Settings, services: Services) -> Self {
        Self {
            schema: OnceLock::new(),
            routes: OnceLock::new(),
            services: Arc::new(services),
            verifier: Verifier::new(
                &settings.secret,
                settings.token_keys.as_deref(),
                settings.oidc.clone(),
            ),
            seal: Seal::new(&settings.secret),
            settings: settings.clone(),
        }
    }

    /// The most bytes of a body that [`handle`](Self::handle) needs to see: one more than it accepts, so that it can tell.
    pub const BODY_LIMIT: usize = limits::BODY + 1;

    /// The schema in GraphQL's schema definition language.
    #[must_use]
    pub fn sdl(&self) -> String {
        self.schema().sdl()
    }

    /// GraphQL's schema; made when somebody asks for it, since an instance may answer one request only.
    fn schema(&self) -> &ShopSchema {
        self.schema.get_or_init(schema::build)
    }

    /// REST's routes; made as the schema is.
    pub(crate) fn routes(&self) -> &Routes {
        self.routes.get_or_init(|| Routes::new(rest::operations()))
    }

    /// Answers one request.
    #[must_use]
    pub fn handle(&self, request: &Request<Vec<u8>>) -> Reply {
        let browsers = &self.settings.browsers;
        let mut reply = cors::preflight(browsers, request).unwrap_or_else(|| self.limited(request));
        let headers = reply.headers_mut();
        browsers.mark(request.headers().get(ORIGIN), headers);
        headers.insert(request_id::HEADER, request_id::of(request.headers()));
        reply
    }

    /// Answers a request if its caller has not sent too many. Orchestrators may always ask how the shop is, and a stream that is held
    /// counts once.
    fn limited(&self, request: &Request<Vec<u8>>) -> Reply {
        let path = request.uri().path();
        let (Some(limit), false) = (self.settings.rate_limit, UNLIMITED.contains(&path)) else {
            return self.route(request);
        };
        if self.continues(request) {
            return self.route(request);
        }
        let caller = self.identify(request).proved(&self.services).caller;
        let address = self.client(request).address;
        let cache = &*self.services.cache;
        let is_graphql = GRAPHQL.contains(&path);
        let amount = if is_graphql { envelope::count(request) } else { 1 };
        let counted = rate_limit::count(cache, limit, amount, &caller, address.as_deref(), id::now());
        let Some(allowance) = counted else {
            return self.route(request);
        };
        let mut reply = match allowance.refusal() {
            None => self.route(request),
            Some(problem) if is_graphql => {
                let accepted = accept::negotiate(request.method(), request.headers());
                reply::problem(accepted.unwrap_or(Accepted::Json), &problem)
            }
            Some(problem) => problem.reply(path),
        };
        allowance.mark(reply.headers_mut());
        reply
    }

    /// Who sent a request, as far as it proves by itself.
    pub(crate) fn identify(&self, request: &Request<Vec<u8>>) -> Identity {
        self.verifier.identify(request.headers())
    }

    /// What the fields of a request share.
    pub(crate) fn session(&self, request: &Request<Vec<u8>>) -> Session {
        let ids = request.extensions().get::<Arc<Ids>>().cloned();
        let known = request.extensions().get::<Identity>().cloned();
        let identity = known.unwrap_or_else(|| self.identify(request));
        Session::new(&self.services, identity, self.client(request), ids)
    }

    /// Where a request comes from.
    pub(crate) fn client(&self, request: &Request<Vec<u8>>) -> Client {
        client::of(request.headers(), self.settings.address_header.as_ref())
    }

    fn route(&self, request: &Request<Vec<u8>>) -> Reply {
        let path = request.uri().path();
        let not_found = || Problem::no_such_path(path).reply(path);
        match (request.method(), path) {
            (_, path) if GRAPHQL.contains(&path) => self.graphql(request),
            (&Method::GET | &Method::HEAD, "/") => reply::redirect("/graphql"),
            (&Method::GET | &Method::HEAD, _) if path.starts_with(graphiql::ASSETS) => {
                graphiql::asset(path).unwrap_or_else(not_found)
            }
            (&Method::GET | &Method::HEAD, rest::PAGE) => rest::page(),
            (&Method::GET | &Method::HEAD, _) if rest::is_asset(path) => {
                rest::asset(path).unwrap_or_else(not_found)
            }
            (&Method::GET | &Method::HEAD, OPENAPI) => reply::json(&self.openapi()),
            (&Method::GET | &Method::HEAD, JWKS) => reply::json(&self.settings.public_keys()),
            (_, "/" | rest::PAGE | OPENAPI | JWKS) => Problem::method_not_allowed("GET, HEAD").reply(path),
            _ => self.rest(request).unwrap_or_else(not_found),
        }
    }

    fn graphql(&self, request: &Request<Vec<u8>>) -> Reply {
        let Some(accepted) = accept::negotiate(request.method(), request.headers()) else {
            let message = "Accept application/graphql-response+json, application/json or text/event-stream.";
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
        let reply = match envelope {
            Err(refused) => reply::refusal(accepted, refused.status, refused.code, refused.message),
            Ok(envelope) => match self.replays_for(request, &envelope) {
                None => self.execute_envelope(request, accepted, envelope),
                Some(identity) => {
                    let run = |request: &Request<Vec<u8>>| self.execute_envelope(request, accepted, envelope);
                    self.once(request, identity, run, reply::is_final, |problem| {
                        reply::problem(accepted, problem)
                    })
                }
            },
        };
        match accepted {
            Accepted::Events => events::whole(reply),
            Accepted::GraphqlResponse | Accepted::Json | Accepted::Html => reply,
        }
    }

    fn execute_envelope(&self, request: &Request<Vec<u8>>, accepted: Accepted, envelope: Envelope) -> Reply {
        match envelope {
            Envelope::Single(single) => self.single(request, accepted, single),
            Envelope::Batch(_) if accepted == Accepted::Events => reply::refusal(
                accepted,
                StatusCode::BAD_REQUEST,
                "BAD_REQUEST",
                "Events answer one request. Send the requests of a batch one by one, or accept application/json.",
            ),
            Envelope::Batch(batch) => self.batch(request, accepted, batch),
        }
    }
}
