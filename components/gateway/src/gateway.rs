//! The gateway: routes each request to GraphQL, REST or a page, through the middleware.

mod graphql;
mod shared_streams;

use std::sync::Arc;

use http::header::{ORIGIN, USER_AGENT};
use http::{Method, Request};
use matchit::Params;
use mercato_shop::accounts::Client;
use mercato_shop::http::health::{LIVE_PATH, READY_PATH};
use mercato_shop::http::{GRAPHQL_PATHS, client_address, request_id};
use mercato_shop::id;

use crate::auth::identity::{Identity, Verifier};
use crate::graphql::accept::{self, Accepted};
use crate::graphql::engine::Engine;
use crate::graphql::envelope;
use crate::graphql::outcome;
use crate::graphql::{explorer, schema};
use crate::http::encoding::{self, AcceptedCodings};
use crate::http::problem::Problem;
use crate::http::reply::{self, Reply};
use crate::http::{body, cors, idempotency_key};
use crate::middleware::idempotency::{ClaimError, Idempotency};
use crate::middleware::rate_limit::{self, Counter, Exceeded};
use crate::middleware::response_cache;
use crate::model::long_text::AnswerSize;
use crate::model::shop::Shop;
use crate::pages::{docs, start};
use crate::request_session::{RequestContext, RequestSession};
use crate::rest::answer::{self, Answer};
use crate::rest::call::Call;
use crate::rest::operation::Operation;
use crate::rest::routes::{Found, ROUTES};
use crate::rest::{openapi, stripe};
use crate::services::Services;
use crate::settings::Settings;

/// The paths without a rate limit. Orchestrators call the health checks, and Stripe sends bursts of signed
/// webhooks.
const UNLIMITED: [&str; 3] = [LIVE_PATH, READY_PATH, stripe::PATH];

/// The path of the OpenAPI document.
const OPENAPI: &str = "/openapi.json";

/// The path of the public keys of access tokens.
const JWKS: &str = "/.well-known/jwks.json";

/// The gateway. It is created once, and answers any number of requests.
#[allow(missing_debug_implementations, reason = "it holds a secret")]
pub struct Gateway {
    engine: Engine,
    services: Arc<Services>,
    verifier: Arc<Verifier>,
    idempotency: Idempotency,
    /// The clients that are over their rate limit.
    exceeded: Exceeded,
    settings: Settings,
}

impl Gateway {
    /// Returns a gateway in front of these services.
    #[must_use]
    pub fn new(settings: &Settings, services: Services) -> Self {
        Self {
            engine: Engine::new(
                settings.introspection,
                Shop {
                    currency: settings.currency.clone(),
                },
            ),
            services: Arc::new(services),
            verifier: Arc::new(Verifier::new(
                &settings.secret,
                settings.token_keys.as_deref(),
                settings.oidc.clone(),
            )),
            idempotency: Idempotency::new(&settings.secret),
            exceeded: Exceeded::default(),
            settings: settings.clone(),
        }
    }

    /// The number of bytes of a body that [`handle`](Self::handle) needs: one more than the limit, to detect
    /// a longer one.
    pub const BODY_LIMIT: usize = body::MAX_BYTES + 1;

    /// Returns the schema in GraphQL's schema definition language.
    #[must_use]
    pub fn sdl() -> String {
        schema::sdl()
    }

    /// Returns the OpenAPI 3.1 document of REST.
    #[must_use]
    pub fn openapi() -> serde_json::Value {
        openapi::document(ROUTES.operations())
    }

    /// Answers one request.
    #[must_use]
    pub fn handle(&self, request: &Request<Vec<u8>>) -> Reply {
        let browsers = &self.settings.browsers;
        let mut reply = match cors::preflight(browsers, request) {
            Some(Ok(reply)) => reply,
            Some(Err(problem)) => refuse(request, &problem),
            None => match (
                body::check_coding(request),
                AcceptedCodings::of(request.headers()),
            ) {
                (Err(problem), _) => refuse(request, &problem),
                (Ok(()), Some(codings)) => encoding::apply(&codings, self.answer_within_rate_limit(request)),
                (Ok(()), None) => refuse(request, &Problem::no_acceptable_coding()),
            },
        };
        let headers = reply.headers_mut();
        browsers.apply(request.headers().get(ORIGIN), headers);
        headers.insert(request_id::HEADER, request_id::of(request.headers()));
        reply
    }

    /// Answers a request within the rate limit. A stream that the server holds open counts once.
    fn answer_within_rate_limit(&self, request: &Request<Vec<u8>>) -> Reply {
        let path = request.uri().path();
        if UNLIMITED.contains(&path) || self.continues_stream(request) {
            return self.route(request, None);
        }
        let counter = rate_limit::counter(
            &*self.services.cache,
            &self.exceeded,
            self.settings.rate_limit,
            self.client(request).address.as_deref(),
            || self.identify(request).verified(&self.services).caller,
            id::now(),
        );
        let Some(counter) = counter else {
            return self.route(request, None);
        };
        let is_graphql = GRAPHQL_PATHS.contains(&path);
        let amount = if is_graphql { envelope::count(request) } else { 1 };
        let mut reply = match counter.count(amount) {
            Ok(()) => self.route(request, Some(&counter)),
            Err(problem) => refuse(request, &problem),
        };
        counter.write(reply.headers_mut());
        reply
    }

    /// Routes a request, which the counter has counted once for each GraphQL request in it.
    fn route(&self, request: &Request<Vec<u8>>, counter: Option<&Counter<'_>>) -> Reply {
        let path = request.uri().path();
        let not_found = || Problem::no_such_path(path).reply(path);
        let without_slash = match path.trim_end_matches('/') {
            "" => "/",
            path => path,
        };
        match (request.method(), without_slash) {
            (_, path) if GRAPHQL_PATHS.contains(&path) => self.graphql(request, counter),
            (&Method::GET | &Method::HEAD, start::PATH) => start::answer(
                request.headers(),
                &self.services,
                self.settings.runtime.as_deref(),
            ),
            (&Method::GET | &Method::HEAD, _) if path.starts_with(start::ASSETS) => {
                start::asset(path).unwrap_or_else(not_found)
            }
            (&Method::GET | &Method::HEAD, _) if path.starts_with(explorer::ASSETS) => {
                explorer::asset(path).unwrap_or_else(not_found)
            }
            (&Method::GET | &Method::HEAD, docs::PATH) => docs::page(),
            (&Method::GET | &Method::HEAD, _) if path.starts_with(docs::ASSETS) => {
                docs::asset(path, request.headers()).unwrap_or_else(not_found)
            }
            (&Method::GET | &Method::HEAD, OPENAPI) => reply::json(&Self::openapi()),
            (&Method::GET | &Method::HEAD, JWKS) => reply::json(&self.settings.public_keys()),
            (_, start::PATH | docs::PATH | OPENAPI | JWKS) => {
                Problem::method_not_allowed("GET, HEAD").reply(path)
            }
            _ => self.rest(request).unwrap_or_else(not_found),
        }
    }

    fn identify(&self, request: &Request<Vec<u8>>) -> Identity {
        self.verifier.identify(request.headers())
    }

    fn client(&self, request: &Request<Vec<u8>>) -> Client {
        let headers = request.headers();
        let address_header = self.settings.address_header.as_ref();
        let user_agent = headers.get(USER_AGENT).and_then(|agent| agent.to_str().ok());
        Client {
            address: address_header.and_then(|header| client_address::text(headers, header)),
            user_agent: user_agent.map(str::to_owned),
        }
    }

    fn context(&self, request: &Request<Vec<u8>>) -> RequestContext {
        RequestContext {
            verifier: Arc::clone(&self.verifier),
            identity: self.identify(request),
            client: self.client(request),
            ids: None,
            answer_size: AnswerSize::default(),
        }
    }

    fn session(&self, context: RequestContext) -> RequestSession {
        RequestSession::new(&self.services, context)
    }

    /// Executes a request once for its `Idempotency-Key`, or replays the first reply.
    fn run_idempotent(
        &self,
        request: &Request<Vec<u8>>,
        run: impl FnOnce(RequestContext) -> Reply,
        is_final: fn(&Reply) -> bool,
        refuse: impl Fn(&Problem) -> Reply,
    ) -> Reply {
        let identity = self.identify(request).checked(&self.services);
        let client = self.client(request);
        let documents = &*self.services.documents;
        let claimed = self
            .idempotency
            .claim(documents, request, &identity, client.address.as_deref());
        match claimed {
            Err(ClaimError::Problem(problem)) => refuse(&problem),
            Err(ClaimError::Replayed(reply)) => *reply,
            Ok(claim) => {
                let ids = Some(claim.ids());
                let reply = run(RequestContext {
                    verifier: Arc::clone(&self.verifier),
                    identity,
                    client,
                    ids,
                    answer_size: AnswerSize::default(),
                });
                claim.finish(&reply, is_final(&reply));
                reply
            }
        }
    }
}

/// Returns the reply to a request that is refused before it is routed.
fn refuse(request: &Request<Vec<u8>>, problem: &Problem) -> Reply {
    let path = request.uri().path();
    if GRAPHQL_PATHS.contains(&path) {
        let accepted = accept::negotiate(request.method(), request.headers());
        return outcome::problem(accepted.unwrap_or(Accepted::Json), problem);
    }
    problem.reply(path)
}

/// REST.
impl Gateway {
    /// Answers a request to an operation, or to any path below `/api`. `None` for other paths.
    fn rest(&self, request: &Request<Vec<u8>>) -> Option<Reply> {
        let path = request.uri().path();
        Some(match ROUTES.find(request.method(), path)? {
            Found::Operation(operation, parameters) => {
                let has_key = request.headers().contains_key(idempotency_key::HEADER);
                if operation.replayable && has_key {
                    let run = |context| self.run(request, operation, parameters, context);
                    self.run_idempotent(request, run, answer::is_final, |problem| problem.reply(path))
                } else {
                    self.run_cached(request, operation, parameters)
                }
            }
            Found::Options(allow) => answer::options(&allow),
            Found::OtherMethods(allow) => Problem::method_not_allowed(&allow).reply(path),
            Found::Nothing => Problem::no_such_path(path).reply(path),
        })
    }

    fn run_cached(
        &self,
        request: &Request<Vec<u8>>,
        operation: &Operation,
        parameters: Params<'_, '_>,
    ) -> Reply {
        if !operation.cached {
            return self.run(request, operation, parameters, self.context(request));
        }
        let target = request
            .uri()
            .path_and_query()
            .map_or("", |target| target.as_str());
        let codings = AcceptedCodings::of(request.headers()).unwrap_or(AcceptedCodings::IDENTITY);
        let parts = ["rest", target, "", "", codings.name()];
        let slot = match response_cache::look_up(&self.services, parts) {
            Ok(cached) => match Answer::from_cache(&cached) {
                Some(answer) => return answer.reply(request),
                None => None,
            },
            Err(slot) => Some(slot),
        };
        let call = Call::new(request, self.session(self.context(request)), parameters);
        match operation.run(&call) {
            Ok(answer) => {
                let answer = answer.encoded(&codings);
                if let (Some(slot), Some(body)) = (slot, answer.to_cache()) {
                    slot.store(&body, &call.session.shown_units.get());
                }
                answer.reply(request)
            }
            Err(problem) => problem.reply(request.uri().path()),
        }
    }

    fn run(
        &self,
        request: &Request<Vec<u8>>,
        operation: &Operation,
        parameters: Params<'_, '_>,
        context: RequestContext,
    ) -> Reply {
        let call = Call::new(request, self.session(context), parameters);
        match operation.run(&call) {
            Ok(answer) => answer.reply(request),
            Err(problem) => problem.reply(request.uri().path()),
        }
    }
}
