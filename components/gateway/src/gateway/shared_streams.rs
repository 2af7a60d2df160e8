//! The requests of streams that carry the results of many operations.

use http::{Method, Request, StatusCode};
use serde_json::json;

use super::Gateway;
use super::graphql::count_work;
use crate::graphql::accept::{self, Accepted};
use crate::graphql::budget::Budget;
use crate::graphql::envelope::{self, Envelope};
use crate::graphql::event_stream::{RETRY_SHARED, Stream};
use crate::graphql::outcome::RequestError;
use crate::graphql::shared_stream::{self, Active, Operation, Position, SharedStream};
use crate::graphql::subscribe::SubscriptionError;
use crate::http::problem::Problem;
use crate::http::reply::{self, Reply};
use crate::middleware::rate_limit::Counter;

/// The largest result that a stream keeps in the cache, in bytes: 1 MiB.
const MAX_RESULT: usize = 1 << 20;

impl Gateway {
    /// Answers a request of a shared stream. `None` for any other request.
    pub(super) fn shared_stream(
        &self,
        request: &Request<Vec<u8>>,
        counter: Option<&Counter<'_>>,
    ) -> Option<Result<Reply, Problem>> {
        let cache = &*self.services.cache;
        if request.method() == Method::PUT {
            return Some(shared_stream::reserve(cache).map(reply::created));
        }
        let token = shared_stream::token(request)?;
        let stream = match SharedStream::new(cache, token) {
            Ok(stream) => stream,
            Err(problem) => return Some(Err(problem)),
        };
        match *request.method() {
            Method::GET => Some(self.read_shared(request, &stream)),
            Method::POST => Some(self.add_to_shared(request, counter, &stream)),
            Method::DELETE => Some(shared_stream::id_of(request).map(|id| {
                stream.stop(&id);
                Reply::default()
            })),
            _ => None,
        }
    }

    /// Adds an operation to a shared stream. Queries and mutations are executed at once.
    fn add_to_shared(
        &self,
        request: &Request<Vec<u8>>,
        counter: Option<&Counter<'_>>,
        stream: &SharedStream<'_>,
    ) -> Result<Reply, Problem> {
        let Envelope::Single(parameters) = envelope::of_post(request)? else {
            let detail = "A shared stream takes one operation for each request. Do not send a batch.";
            return Err(Problem::bad_request(detail));
        };
        let parameters = self.resolve(request, parameters)?;
        let id = shared_stream::check_id(parameters.operation_id.as_deref())?.to_owned();
        let prepared = self.engine.prepare(parameters.clone(), true);
        let prepared = self.charge(&mut Budget::default(), request, prepared);
        count_work(counter, [&prepared])?;
        let is_refused = prepared.request.is_err();
        let operation = if prepared.is_subscription() && !is_refused {
            Operation::subscription(parameters)
        } else {
            let session = self.session(self.context(request));
            let (outcome, _) = self.engine.execute(prepared, session);
            if is_refused {
                // graphql-sse takes any status other than 202 for a failure, and shows the body of a 400.
                return Ok(outcome.reply(Accepted::GraphqlResponse));
            }
            Operation::Executed(outcome.to_value(MAX_RESULT)?)
        };
        stream.add(&id, &operation)?;
        let mut reply = Reply::default();
        *reply.status_mut() = StatusCode::ACCEPTED;
        Ok(reply)
    }

    /// Answers with the events of all operations of a shared stream since the client's last one.
    fn read_shared(&self, request: &Request<Vec<u8>>, stream: &SharedStream<'_>) -> Result<Reply, Problem> {
        if !accept::accepts_events(request.headers()) {
            let detail = "A stream is answered with events. Send the header Accept: text/event-stream.";
            return Err(Problem::new(StatusCode::NOT_ACCEPTABLE, "NOT_ACCEPTABLE", detail));
        }
        let mut position = match self.reader(request, None).last_event_id {
            Some(last) => Position::decode(&last)?,
            None => {
                stream.connect()?;
                Position::default()
            }
        };
        let mut events = Stream::default();
        let mut budget = Budget::default();
        for (mut active, id, operation) in stream.load(&mut position) {
            let has_ended = match operation {
                Operation::Executed(payload) => {
                    events.next_of(&id, &payload);
                    true
                }
                Operation::Subscription { .. } => {
                    self.write_subscription(request, operation, &id, &mut active, &mut budget, &mut events)
                }
                Operation::Stopped => true,
            };
            if has_ended {
                events.complete_of(&id);
                stream.forget(&active);
            } else {
                position.active.push(active);
            }
        }
        Ok(events.pause(&position.encode(), RETRY_SHARED))
    }

    /// Writes the results of a subscription since its cursor. Returns whether it has ended.
    fn write_subscription(
        &self,
        request: &Request<Vec<u8>>,
        operation: Operation,
        id: &str,
        active: &mut Active,
        budget: &mut Budget,
        events: &mut Stream,
    ) -> bool {
        let prepared = match operation.into_parameters() {
            Some(parameters) => self.charge(budget, request, self.engine.prepare(parameters, true)),
            None => return true,
        };
        let session = self.session(self.context(request));
        let executed = match prepared.request {
            Ok(execution) => self.engine.events(execution, session, active.cursor.as_deref()),
            Err(refused) => Err(SubscriptionError::Refused(refused.errors)),
        };
        let errors = match executed {
            Ok(new) => {
                for (_, result) in &new.results {
                    events.next_of(id, result);
                }
                active.cursor = Some(new.cursor);
                return false;
            }
            Err(SubscriptionError::Temporary(_)) => return false,
            Err(SubscriptionError::Refused(errors)) => errors,
            Err(SubscriptionError::Invalid(error)) => RequestError::from(Problem::from(error)).errors,
        };
        events.next_of(id, &json!({ "errors": errors }));
        true
    }
}
