//! The gateway: routes each request to GraphQL, REST or a page, through the middleware.

mod shared_streams;

use std::sync::{Arc, OnceLock};

use http::header::{ORIGIN, USER_AGENT};
use http::{HeaderName, Method, Request, StatusCode};
use matchit::Params;
use mercato_shop::accounts::Client;
use mercato_shop::http::health::{LIVE_PATH, READY_PATH};
use mercato_shop::http::{GRAPHQL_PATHS, client_address, request_id};
use mercato_shop::id;

use crate::auth::identity::{Identity, Verifier};
use crate::graphql::accept::{self, Accepted};
use crate::graphql::engine::{Engine, Prepared};
use crate::graphql::envelope::{self, Envelope, Item, Parameters};
use crate::graphql::outcome::{self, Outcome, RequestError};
use crate::graphql::subscribe::Reader;
use crate::graphql::{event_stream, explorer, persisted, schema};
use crate::http::encoding::{self, AcceptedCodings};
use crate::http::problem::Problem;
use crate::http::reply::{self, Reply};
use crate::http::{body, cors, idempotency_key};
use crate::middleware::idempotency::{ClaimError, Idempotency};
use crate::middleware::{rate_limit, response_cache};
use crate::model::shop::Shop;
use crate::pages::{docs, start};
use crate::request_session::{RequestContext, RequestSession};
use crate::rest::answer::{self, Answer};
use crate::rest::call::Call;
use crate::rest::operation::Operation;
use crate::rest::routes::{Found, Routes};
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

/// The position of a client in an event stream (the HTML standard, server-sent events).
const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

/// Marks a request by which the server in front of the gateway continues an event stream that it holds open.
const CONTINUES: HeaderName = HeaderName::from_static("mercato-continues");

/// The gateway. It is created once, and answers any number of requests.
#[allow(missing_debug_implementations, reason = "it holds a secret")]
pub struct Gateway {
    engine: Engine,
    routes: OnceLock<Routes>,
    services: Arc<Services>,
    verifier: Arc<Verifier>,
    idempotency: Idempotency,
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
            routes: OnceLock::new(),
            services: Arc::new(services),
            verifier: Arc::new(Verifier::new(
                &settings.secret,
                settings.token_keys.as_deref(),
                settings.oidc.clone(),
            )),
            idempotency: Idempotency::new(&settings.secret),
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
        openapi::document(Routes::new().operations())
    }

    /// Returns the routes of REST. They are built at the first use, since an instance may answer only one
    /// request.
    fn routes(&self) -> &Routes {
        self.routes.get_or_init(Routes::new)
    }

    /// Answers one request.
    #[must_use]
    pub fn handle(&self, request: &Request<Vec<u8>>) -> Reply {
        let browsers = &self.settings.browsers;
        let mut reply = match cors::preflight(browsers, request) {
            Some(Ok(reply)) => reply,
            Some(Err(problem)) => refuse(request, &problem),
            None => match AcceptedCodings::of(request.headers()) {
                Some(codings) => encoding::apply(&codings, self.answer_within_rate_limit(request)),
                None => refuse(request, &Problem::no_acceptable_coding()),
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
        let (Some(limit), false) = (self.settings.rate_limit, UNLIMITED.contains(&path)) else {
            return self.route(request);
        };
        if self.continues_stream(request) {
            return self.route(request);
        }
        let caller = self.identify(request).verified(&self.services).caller;
        let address = self.client(request).address;
        let cache = &*self.services.cache;
        let is_graphql = GRAPHQL_PATHS.contains(&path);
        let amount = if is_graphql { envelope::count(request) } else { 1 };
        let counted = rate_limit::count(cache, limit, amount, &caller, address.as_deref(), id::now());
        let Some(allowance) = counted else {
            return self.route(request);
        };
        let mut reply = match allowance.problem() {
            None => self.route(request),
            Some(problem) => refuse(request, &problem),
        };
        allowance.write(reply.headers_mut());
        reply
    }

    fn route(&self, request: &Request<Vec<u8>>) -> Reply {
        let path = request.uri().path();
        let not_found = || Problem::no_such_path(path).reply(path);
        let without_slash = match path.trim_end_matches('/') {
            "" => "/",
            path => path,
        };
        match (request.method(), without_slash) {
            (_, path) if GRAPHQL_PATHS.contains(&path) => self.graphql(request),
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
        let identity = self.identify(request).with_session_checked(&self.services);
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

/// GraphQL.
impl Gateway {
    fn graphql(&self, request: &Request<Vec<u8>>) -> Reply {
        let Some(accepted) = accept::negotiate(request.method(), request.headers()) else {
            let detail = "The header Accept must allow application/graphql-response+json, application/json or \
                          text/event-stream.";
            let problem = Problem::new(StatusCode::NOT_ACCEPTABLE, "NOT_ACCEPTABLE", detail);
            return outcome::problem(Accepted::Json, &problem);
        };
        if let Some(reply) = self.shared_stream(request) {
            return reply.unwrap_or_else(|problem| outcome::problem(Accepted::GraphqlResponse, &problem));
        }
        let has_query = request
            .uri()
            .query()
            .is_some_and(|query| query.contains("query="));
        let envelope = match *request.method() {
            Method::GET if accepted == Accepted::Html && !has_query => return explorer::page(),
            Method::GET => envelope::of_get(request),
            Method::POST => envelope::of_post(request),
            _ => Err(Problem::method_not_allowed("GET, POST, PUT, DELETE")),
        };
        let reply = match envelope {
            Ok(Envelope::Single(parameters)) => self.single(request, accepted, parameters),
            Ok(Envelope::Batch(_)) if accepted == Accepted::Events => {
                let detail = "A batch cannot be answered with events. Send its requests separately, or accept application/json.";
                outcome::problem(accepted, &Problem::bad_request(detail))
            }
            Ok(Envelope::Batch(batch)) => self.batch(request, accepted, batch),
            Err(problem) => outcome::problem(accepted, &problem),
        };
        match accepted {
            Accepted::Events => event_stream::wrap(reply),
            Accepted::GraphqlResponse | Accepted::Json | Accepted::Html => reply,
        }
    }

    fn single(&self, request: &Request<Vec<u8>>, accepted: Accepted, parameters: Parameters) -> Reply {
        let parameters = match self.resolve(parameters) {
            Ok(parameters) => parameters,
            Err(problem) => return Outcome::from(RequestError::from(problem)).reply(accepted),
        };
        let accepts_events = accept::accepts_events(request.headers());
        let prepare = |parameters| self.engine.prepare(parameters, accepts_events);
        let has_key = request.headers().contains_key(idempotency_key::HEADER);
        let prepared = has_key.then(|| prepare(parameters.clone()));
        let prepared = match prepared {
            Some(prepared) if prepared.is_mutation() => {
                let run = |context| {
                    let (outcome, _) = self.engine.execute(prepared, self.session(context));
                    outcome.reply(accepted)
                };
                let refuse = |problem: &Problem| outcome::problem(accepted, problem);
                return self.run_idempotent(request, run, outcome::is_final, refuse);
            }
            prepared => prepared,
        };
        // Events are compressed by nobody, since they are sent one by one.
        let codings = match accepted {
            Accepted::Events => AcceptedCodings::IDENTITY,
            _ => AcceptedCodings::of(request.headers()).unwrap_or(AcceptedCodings::IDENTITY),
        };
        let slot = match self.look_up(&parameters, &codings) {
            Some(Ok(cached)) => match outcome::from_cache(accepted, &cached) {
                Some(reply) => return outcome::shareable(reply, request),
                None => None,
            },
            Some(Err(slot)) => Some(slot),
            None => None,
        };
        let prepared = prepared.unwrap_or_else(|| prepare(parameters));
        let session = self.session(self.context(request));
        if prepared.is_subscription() {
            return match prepared.request {
                Ok(execution) => self
                    .engine
                    .subscribe(execution, session, self.reader(request), accepted),
                Err(error) => Outcome::from(error).reply(accepted),
            };
        }
        let (outcome, is_shareable) = self.engine.execute(prepared, session);
        let reply = outcome.reply(accepted);
        if !is_shareable {
            return reply;
        }
        let reply = outcome::encoded(reply, &codings);
        if let Some(slot) = slot {
            slot.store(&outcome::to_cache(&reply));
        }
        outcome::shareable(reply, request)
    }

    fn batch(&self, request: &Request<Vec<u8>>, accepted: Accepted, batch: Vec<Item>) -> Reply {
        let prepare = |item: Item| match item.and_then(|parameters| self.resolve(parameters)) {
            Ok(parameters) => self.engine.prepare(parameters, false),
            Err(problem) => RequestError::from(problem).into(),
        };
        let prepared: Vec<_> = batch.into_iter().map(prepare).collect();
        let has_key = request.headers().contains_key(idempotency_key::HEADER);
        let replays = has_key && prepared.iter().any(Prepared::is_mutation);
        let run = |context: RequestContext| {
            let execute = |prepared| self.engine.execute(prepared, self.session(context.clone())).0;
            let outcomes: Vec<_> = prepared.into_iter().map(execute).collect();
            outcome::batch(accepted, &outcomes)
        };
        if replays {
            let refuse = |problem: &Problem| outcome::problem(accepted, problem);
            return self.run_idempotent(request, run, outcome::is_final, refuse);
        }
        run(self.context(request))
    }

    fn resolve(&self, parameters: Parameters) -> Item {
        persisted::resolve(&self.settings.persisted, &*self.services.cache, parameters)
    }

    /// Returns the cached reply of a query, or the slot to store it in. `None` for mutations and
    /// subscriptions.
    fn look_up(
        &self,
        parameters: &Parameters,
        codings: &AcceptedCodings,
    ) -> Option<Result<Vec<u8>, response_cache::Slot>> {
        let document = parameters.query.trim_start();
        if document.starts_with("mutation") || document.starts_with("subscription") {
            return None;
        }
        let name = parameters.operation_name.as_deref().unwrap_or_default();
        let variables = serde_json::to_string(&parameters.variables).unwrap_or_default();
        let parts = ["graphql", &parameters.query, name, &variables, codings.name()];
        Some(response_cache::look_up(&self.services, parts))
    }

    /// Returns how the client reads a stream.
    fn reader(&self, request: &Request<Vec<u8>>) -> Reader {
        let last = request.headers().get(LAST_EVENT_ID).map(|value| value.to_str());
        let is_held = self.continues_stream(request);
        Reader {
            last_event_id: match last {
                None | Some(Ok("")) => None,
                Some(Ok(last)) => Some(last.to_owned()),
                // Not text, so not a valid cursor.
                Some(Err(_)) => Some("?".into()),
            },
            is_held,
            may_reconnect_soon: is_held || self.settings.rate_limit.is_none(),
        }
    }

    /// Returns whether the server in front of the gateway continues a stream that it holds.
    fn continues_stream(&self, request: &Request<Vec<u8>>) -> bool {
        let header = request.headers().get(CONTINUES);
        self.settings.streams_held && header.is_some_and(|value| value == "1")
    }
}

/// REST.
impl Gateway {
    /// Answers a request to an operation, or to any path below `/api`. `None` for other paths.
    fn rest(&self, request: &Request<Vec<u8>>) -> Option<Reply> {
        let path = request.uri().path();
        Some(match self.routes().find(request.method(), path)? {
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
                    slot.store(&body);
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
