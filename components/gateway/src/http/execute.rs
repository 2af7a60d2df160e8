//! The execution of GraphQL requests, within their limits.

use std::sync::Arc;

use async_graphql::parser::parse_query;
use async_graphql::parser::types::{DocumentOperations, ExecutableDocument, OperationType};
use async_graphql::{PathSegment, Response, ServerError};
use http::{Request, StatusCode};

use crate::http::accept::{self, Accepted};
use crate::http::envelope::{Envelope, Item, Parameters};
use crate::http::{Gateway, Reply, idempotency, nulls, persisted, reply};
use crate::identity::Identity;
use crate::limits::{self, DocumentExcess, Introspects, TextExcess};
use crate::responses::{self, Place};

/// What is to be executed, and what kind of operation it is; or why nothing is.
type Prepared = Result<(async_graphql::Request, OperationType), Outcome>;

/// Whether an outcome is the same whoever asks.
struct Shareable(bool);

/// What became of one request.
pub enum Outcome {
    /// It was executed; single fields may have failed.
    Executed(Response),
    /// It was not: the document, or what was asked of it, is wrong.
    Refused {
        status: StatusCode,
        errors: Vec<ServerError>,
    },
}

impl Gateway {
    pub(super) fn single(
        &self,
        request: &Request<Vec<u8>>,
        accepted: Accepted,
        parameters: Parameters,
    ) -> Reply {
        let parameters = match persisted::resolve(&self.settings.persisted, &*self.services.cache, parameters)
        {
            Ok(parameters) => parameters,
            Err(refused) => return reply::outcome(accepted, self::refused(refused.code, refused.message)),
        };
        let place = match self.kept(&parameters) {
            Ok(body) => return reply::shareable(reply::kept(accepted, body), request),
            Err(place) => place,
        };
        let takes_events = accept::takes_events(request.headers());
        let prepared = match self.prepare(parameters, takes_events) {
            Ok((execution, OperationType::Subscription)) => return self.watch(request, accepted, execution),
            prepared => prepared,
        };
        let (outcome, Shareable(shareable)) = self.execute(request, prepared);
        let reply = reply::outcome(accepted, outcome);
        if !shareable {
            return reply;
        }
        if let Some(place) = place {
            place.keep(reply.body());
        }
        reply::shareable(reply, request)
    }

    /// The answer that is kept for a request, or else the place for it. Mutations and subscriptions have none.
    fn kept(&self, parameters: &Parameters) -> Result<Vec<u8>, Option<Place>> {
        let document = parameters.query.trim_start();
        if document.starts_with("mutation") || document.starts_with("subscription") {
            return Err(None);
        }
        let name = parameters.operation_name.as_deref().unwrap_or_default();
        let variables = serde_json::to_string(&parameters.variables).unwrap_or_default();
        responses::look_up(&self.services, ["graphql", &parameters.query, name, &variables]).map_err(Some)
    }

    pub(super) fn batch(&self, request: &Request<Vec<u8>>, accepted: Accepted, batch: Vec<Item>) -> Reply {
        let cache = &*self.services.cache;
        let resolved = batch.into_iter().map(|item| {
            item.and_then(|parameters| persisted::resolve(&self.settings.persisted, cache, parameters))
        });
        let outcomes = resolved.map(|item| match item {
            Ok(parameters) => self.execute(request, self.prepare(parameters, false)).0,
            Err(refused) => self::refused(refused.code, refused.message),
        });
        reply::outcomes(accepted, outcomes.collect())
    }

    /// Whose `Idempotency-Key` is to be honoured, if a request has one that is: it changes something.
    pub(super) fn replays_for(&self, request: &Request<Vec<u8>>, envelope: &Envelope) -> Option<Identity> {
        if !request.headers().contains_key(idempotency::HEADER) {
            return None;
        }
        let documents: Vec<_> = match envelope {
            Envelope::Single(single) => vec![single],
            Envelope::Batch(batch) => batch.iter().flatten().collect(),
        };
        // What is named by its digest is looked at as it will be executed.
        let mut resolved = documents.into_iter().filter_map(|parameters| {
            persisted::resolve(
                &self.settings.persisted,
                &*self.services.cache,
                parameters.clone(),
            )
            .ok()
        });
        let any_changes = resolved.any(|parameters| changes(&parameters));
        any_changes.then(|| self.identify(request).settled(&self.services))
    }

    fn execute(&self, request: &Request<Vec<u8>>, prepared: Prepared) -> (Outcome, Shareable) {
        let (execution, operation) = match prepared {
            Ok(prepared) => prepared,
            Err(outcome) => return (outcome, Shareable(false)),
        };
        let session = Arc::new(self.session(request));
        let execution = execution.data(Arc::clone(&session));
        let mut response = futures::executor::block_on(self.schema().execute(execution));
        for error in &mut response.errors {
            ensure_code(error);
        }
        // Fields that fail have a path; what fails before any field is resolved has none.
        if !response.errors.is_empty() && response.errors.iter().all(|error| error.path.is_empty()) {
            let outcome = Outcome::Refused {
                status: StatusCode::BAD_REQUEST,
                errors: response.errors,
            };
            return (outcome, Shareable(false));
        }
        nulls::fill(&mut response);
        let shareable =
            operation == OperationType::Query && response.errors.is_empty() && session.is_for_everyone();
        (Outcome::Executed(response), Shareable(shareable))
    }

    /// What is to be executed, within its limits; a subscription only for who takes events.
    #[allow(
        clippy::result_large_err,
        reason = "the error is the outcome that the caller passes on"
    )]
    fn prepare(&self, parameters: Parameters, takes_events: bool) -> Prepared {
        if let Err(excess) = limits::check_text(&parameters.query) {
            return Err(too_much_text(excess));
        }
        let mut execution = async_graphql::Request::new(parameters.query).variables(parameters.variables);
        let document = match execution.parsed_query() {
            Ok(document) => document,
            Err(error) => {
                return Err(Outcome::Refused {
                    status: StatusCode::BAD_REQUEST,
                    errors: vec![parse_error(error)],
                });
            }
        };
        let operation = self.check(
            document,
            parameters.operation_name.as_deref(),
            parameters.only_queries,
        )?;
        if operation == OperationType::Subscription && !takes_events {
            return Err(refused_with(
                StatusCode::NOT_ACCEPTABLE,
                "NOT_ACCEPTABLE",
                "A subscription is answered by events. Send it alone, with the header Accept: text/event-stream."
                    .into(),
            ));
        }
        if let Some(name) = parameters.operation_name {
            execution = execution.operation_name(name);
        }
        Ok((execution, operation))
    }

    #[allow(
        clippy::result_large_err,
        reason = "the error is the outcome that the caller passes on"
    )]
    fn check(
        &self,
        document: &ExecutableDocument,
        operation_name: Option<&str>,
        only_queries: bool,
    ) -> Result<OperationType, Outcome> {
        match limits::check_document(document) {
            Err(excess) => return Err(too_much(excess)),
            Ok(Introspects(true)) if !self.settings.introspection => {
                return Err(refused(
                    "INTROSPECTION_DISABLED",
                    "This shop does not tell its schema.".into(),
                ));
            }
            Ok(_) => {}
        }
        let operation = operation_type(document, operation_name)
            .map_err(|message| refused("OPERATION_RESOLUTION_FAILURE", message))?;
        if only_queries && operation == OperationType::Mutation {
            return Err(refused_with(
                StatusCode::METHOD_NOT_ALLOWED,
                "METHOD_NOT_ALLOWED",
                "GET executes queries and subscriptions only. Send this by POST.".into(),
            ));
        }
        Ok(operation)
    }
}

/// Whether a request changes something; not where it can't be understood.
fn changes(parameters: &Parameters) -> bool {
    let name = parameters.operation_name.as_deref();
    limits::check_text(&parameters.query).is_ok()
        && parse_query(&parameters.query)
            .is_ok_and(|document| operation_type(&document, name) == Ok(OperationType::Mutation))
}

fn operation_type(document: &ExecutableDocument, name: Option<&str>) -> Result<OperationType, String> {
    match (&document.operations, name) {
        (DocumentOperations::Single(operation), None) => Ok(operation.node.ty),
        (DocumentOperations::Multiple(operations), Some(name)) => operations
            .get(name)
            .map(|operation| operation.node.ty)
            .ok_or_else(|| format!("The document has no operation named {name}.")),
        (DocumentOperations::Single(_), Some(name)) => {
            Err(format!("The document has no operation named {name}."))
        }
        (DocumentOperations::Multiple(operations), None) => {
            let mut values = operations.values();
            match (values.next(), values.next()) {
                (Some(operation), None) => Ok(operation.node.ty),
                _ => Err(
                    "The document has several operations. Say in operationName which one to execute.".into(),
                ),
            }
        }
    }
}

fn refused(code: &'static str, message: String) -> Outcome {
    refused_with(StatusCode::BAD_REQUEST, code, message)
}

/// A refusal of the whole request.
pub fn refused_with(status: StatusCode, code: &'static str, message: String) -> Outcome {
    let mut error = ServerError::new(message, None);
    error.extensions.get_or_insert_default().set("code", code);
    Outcome::Refused {
        status,
        errors: vec![error],
    }
}

fn too_much_text(excess: TextExcess) -> Outcome {
    match excess {
        TextExcess::Tokens => refused(
            "TOO_MANY_TOKENS",
            format!("A document has at most {} tokens.", limits::TOKENS),
        ),
        TextExcess::Nesting => too_much(DocumentExcess::Depth),
    }
}

fn too_much(excess: DocumentExcess) -> Outcome {
    match excess {
        DocumentExcess::Aliases => refused(
            "TOO_MANY_ALIASES",
            format!("An operation has at most {} aliases.", limits::ALIASES),
        ),
        DocumentExcess::Depth => refused(
            "QUERY_TOO_DEEP",
            format!(
                "Selections are nested at most {} deep. Ask in several requests.",
                limits::DEPTH
            ),
        ),
        DocumentExcess::Size => refused(
            "QUERY_TOO_COMPLEX",
            format!(
                "An operation has a complexity of at most {}. Ask for less at once.",
                limits::COMPLEXITY
            ),
        ),
    }
}

/// The parser's message shows the whole line of the document, however long that is, and then, behind an equals sign, what it
/// expected.
fn parse_error(mut error: ServerError) -> ServerError {
    let expected = error
        .message
        .rsplit("= ")
        .next()
        .unwrap_or_default()
        .trim()
        .chars()
        .take(200)
        .collect::<String>();
    let place = error
        .locations
        .first()
        .map(|at| format!(" at line {}, column {}", at.line, at.column));
    error.message = format!(
        "The document has a syntax error{}: {expected}.",
        place.unwrap_or_default()
    );
    error
        .extensions
        .get_or_insert_default()
        .set("code", "GRAPHQL_PARSE_FAILED");
    error
}

/// Gives a code to the errors that come from the library: those of the shop have theirs.
pub fn ensure_code(error: &mut ServerError) {
    if error
        .extensions
        .as_ref()
        .is_some_and(|extensions| extensions.get("code").is_some())
    {
        return;
    }
    let code = if error
        .path
        .iter()
        .any(|segment| matches!(segment, PathSegment::Field(_)))
    {
        "BAD_USER_INPUT"
    } else if error.message == "Query is too complex." {
        "QUERY_TOO_COMPLEX"
    } else if error.message == "Query is nested too deep."
        || error.message.starts_with("The recursion depth of the query")
    {
        "QUERY_TOO_DEEP"
    } else {
        "GRAPHQL_VALIDATION_FAILED"
    };
    error.extensions.get_or_insert_default().set("code", code);
}
