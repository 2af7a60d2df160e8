//! REST: the same functions of the services as GraphQL's, by paths and methods.
//!
//! An area is a folder: its routes and handlers, and its shapes of JSON; [`operations`] names the areas. What is routed is what the
//! OpenAPI document tells: both come from there.

mod accounts;
mod answer;
mod body;
mod call;
mod carts;
mod docs;
mod health;
mod notifications;
mod openapi;
mod operation;
mod orders;
mod page;
mod payments;
mod precondition;
mod products;
mod routes;
mod strict;

/// The shapes that exports have, too.
pub mod shapes {
    pub use super::carts::shapes::Cart;
    pub use super::notifications::shapes::{Notification, NotificationKind, NotificationMedium};
    pub use super::orders::shapes::Order;
    pub use super::payments::shapes::Payment;
}

pub use answer::{not_modified, tag_of, without_body};
pub use docs::{PAGE, asset, is_asset, page};
pub use health::{LIVE, READY, misconfigured};
pub use operation::Operation;
pub use payments::STRIPE;
pub use routes::{Found, Routes};

use http::{Request, StatusCode};

use crate::http::{Gateway, Problem, Reply, idempotency};
use crate::responses;
use crate::rest::answer::Answer;
use crate::rest::call::Call;

/// Every operation there is.
pub fn operations() -> Vec<Operation> {
    [
        accounts::operations(),
        products::operations(),
        carts::operations(),
        orders::operations(),
        payments::operations(),
        notifications::operations(),
        health::operations(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

impl Gateway {
    /// Answers a request for a path under `/api`, or for one of the others that are in the table; none where the path is neither.
    pub(crate) fn rest(&self, request: &Request<Vec<u8>>) -> Option<Reply> {
        let path = request.uri().path();
        let reply = match self.routes().find(request.method(), path)? {
            Found::Operation(operation, parameters) => {
                let run = |request: &Request<Vec<u8>>| {
                    let target = request
                        .uri()
                        .path_and_query()
                        .map_or(path, |target| target.as_str());
                    let shared = operation
                        .shared
                        .then(|| responses::look_up(&self.services, ["rest", target, "", ""]));
                    if let Some(Ok(kept)) = &shared
                        && let Some(answer) = Answer::kept(kept)
                    {
                        return answer.reply(request);
                    }
                    let call = Call::new(request, self.session(request), parameters);
                    match operation.run(&call) {
                        Ok(answer) => {
                            if let Some(Err(place)) = shared
                                && answer.is_for_everybody()
                            {
                                place.keep(&answer.to_keep());
                            }
                            answer.reply(request)
                        }
                        Err(problem) => problem.reply(path),
                    }
                };
                if operation.replayable && request.headers().contains_key(idempotency::HEADER) {
                    let keeps = |reply: &Reply| {
                        !reply.status().is_server_error() && reply.status() != StatusCode::TOO_MANY_REQUESTS
                    };
                    let identity = self.identify(request).settled(&self.services);
                    self.once(request, identity, run, keeps, |problem| problem.reply(path))
                } else {
                    run(request)
                }
            }
            Found::Options(allow) => answer::options(&allow),
            Found::OtherMethods(allow) => Problem::method_not_allowed(&allow).reply(path),
            Found::Nothing => Problem::no_such_path(path).reply(path),
        };
        Some(reply)
    }

    /// What REST offers, as OpenAPI 3.1.
    #[must_use]
    pub fn openapi(&self) -> serde_json::Value {
        openapi::document(self.routes().operations())
    }
}
