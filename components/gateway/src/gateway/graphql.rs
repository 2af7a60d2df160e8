//! The requests to GraphQL.

use http::{HeaderName, Method, Request, StatusCode};

use super::Gateway;
use crate::graphql::accept::{self, Accepted};
use crate::graphql::budget::Budget;
use crate::graphql::engine::Prepared;
use crate::graphql::envelope::{self, Envelope, Item, Parameters};
use crate::graphql::outcome::{self, Outcome, RequestError};
use crate::graphql::subscribe::Reader;
use crate::graphql::{event_stream, explorer, persisted};
use crate::http::encoding::AcceptedCodings;
use crate::http::idempotency_key;
use crate::http::problem::Problem;
use crate::http::reply::Reply;
use crate::middleware::rate_limit::Counter;
use crate::middleware::response_cache;
use crate::request_session::RequestContext;

/// The position of a client in an event stream (the HTML standard, server-sent events).
const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

/// Marks a request by which the server in front of the gateway continues an event stream that it holds open.
const CONTINUES: HeaderName = HeaderName::from_static("mercato-continues");

/// The cost that counts as a further request.
const COST_OF_REQUEST: usize = 2_000;

impl Gateway {
    /// Answers a request to GraphQL.
    pub(super) fn graphql(&self, request: &Request<Vec<u8>>, counter: Option<&Counter<'_>>) -> Reply {
        let Some(accepted) = accept::negotiate(request.method(), request.headers()) else {
            let detail = "The header Accept must allow application/graphql-response+json, application/json or \
                          text/event-stream.";
            let problem = Problem::new(StatusCode::NOT_ACCEPTABLE, "NOT_ACCEPTABLE", detail);
            return outcome::problem(Accepted::Json, &problem);
        };
        if let Some(reply) = self.shared_stream(request, counter) {
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
            Ok(Envelope::Single(parameters)) => self.single(request, counter, accepted, parameters),
            Ok(Envelope::Batch(_)) if accepted == Accepted::Events => {
                let detail = "A batch cannot be answered with events. Send its requests separately, or accept application/json.";
                outcome::problem(accepted, &Problem::bad_request(detail))
            }
            Ok(Envelope::Batch(batch)) => self.batch(request, counter, accepted, batch),
            Err(problem) => outcome::problem(accepted, &problem),
        };
        match accepted {
            Accepted::Events => event_stream::wrap(reply),
            Accepted::GraphqlResponse | Accepted::Json | Accepted::Html => reply,
        }
    }

    fn single(
        &self,
        request: &Request<Vec<u8>>,
        counter: Option<&Counter<'_>>,
        accepted: Accepted,
        parameters: Parameters,
    ) -> Reply {
        let parameters = match self.resolve(request, parameters) {
            Ok(parameters) => parameters,
            Err(problem) => return Outcome::from(RequestError::from(problem)).reply(accepted),
        };
        let accepts_events = accept::accepts_events(request.headers());
        let prepare = |parameters| {
            let prepared = self.engine.prepare(parameters, accepts_events);
            self.charge(&mut Budget::default(), request, prepared)
        };
        let has_key = request.headers().contains_key(idempotency_key::HEADER);
        let prepared = has_key.then(|| prepare(parameters.clone()));
        let prepared = match prepared {
            Some(prepared) if prepared.is_mutation() => {
                if let Err(problem) = count_work(counter, [&prepared]) {
                    return outcome::problem(accepted, &problem);
                }
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
        if let Err(problem) = count_work(counter, [&prepared]) {
            return outcome::problem(accepted, &problem);
        }
        let session = self.session(self.context(request));
        if prepared.is_subscription() {
            return match prepared.request {
                Ok(execution) => {
                    self.engine
                        .subscribe(execution, session, self.reader(request, counter), accepted)
                }
                Err(error) => Outcome::from(error).reply(accepted),
            };
        }
        let (outcome, shown) = self.engine.execute(prepared, session);
        let reply = outcome.reply(accepted);
        let Some(shown) = shown else { return reply };
        let reply = outcome::encoded(reply, &codings);
        if let Some(slot) = slot {
            slot.store(&outcome::to_cache(&reply), &shown);
        }
        outcome::shareable(reply, request)
    }

    fn batch(
        &self,
        request: &Request<Vec<u8>>,
        counter: Option<&Counter<'_>>,
        accepted: Accepted,
        batch: Vec<Item>,
    ) -> Reply {
        let mut budget = Budget::default();
        let prepare = |item: Item| match item.and_then(|parameters| self.resolve(request, parameters)) {
            Ok(parameters) => self.charge(&mut budget, request, self.engine.prepare(parameters, false)),
            Err(problem) => RequestError::from(problem).into(),
        };
        let prepared: Vec<_> = batch.into_iter().map(prepare).collect();
        if let Err(problem) = count_work(counter, &prepared) {
            return outcome::problem(accepted, &problem);
        }
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

    /// Charges the budget of a request for one of its operations. An operation that exceeds it is refused.
    pub(super) fn charge(
        &self,
        budget: &mut Budget,
        request: &Request<Vec<u8>>,
        prepared: Prepared,
    ) -> Prepared {
        if prepared.request.is_err() {
            return prepared;
        }
        let caller = || self.identify(request).checked(&self.services).caller;
        match budget.charge(prepared.cost, prepared.mutations, caller) {
            Ok(()) => prepared,
            Err(error) => prepared.refused(error),
        }
    }

    /// Returns the parameters with the document that they name.
    pub(super) fn resolve(&self, request: &Request<Vec<u8>>, parameters: Parameters) -> Item {
        let cache = &*self.services.cache;
        let client = || self.client(request).address;
        persisted::resolve(&self.settings.persisted, cache, client, parameters)
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
    pub(super) fn reader(&self, request: &Request<Vec<u8>>, counter: Option<&Counter<'_>>) -> Reader {
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
            may_reconnect_soon: is_held || counter.is_none(),
        }
    }

    /// Returns whether the server in front of the gateway continues a stream that it holds.
    pub(super) fn continues_stream(&self, request: &Request<Vec<u8>>) -> bool {
        let header = request.headers().get(CONTINUES);
        self.settings.streams_held && header.is_some_and(|value| value == "1")
    }
}

/// Counts operations that do more than one request usually does: each further mutation of an operation as a
/// request, and each [`COST_OF_REQUEST`] of cost.
pub(super) fn count_work<'a>(
    counter: Option<&Counter<'_>>,
    prepared: impl IntoIterator<Item = &'a Prepared>,
) -> Result<(), Problem> {
    let executed = prepared.into_iter().filter(|prepared| prepared.request.is_ok());
    let further: usize = executed
        .map(|prepared| prepared.mutations.saturating_sub(1) + prepared.cost / COST_OF_REQUEST)
        .sum();
    match counter {
        Some(counter) if further > 0 => counter.count(u32::try_from(further).unwrap_or(u32::MAX)),
        _ => Ok(()),
    }
}
