//! Parses, checks and executes GraphQL requests.

use std::sync::{Arc, OnceLock};

use async_graphql::parser::types::{DocumentOperations, ExecutableDocument, OperationType};
use async_graphql::{PathSegment, Request, ServerError};
use http::StatusCode;

use crate::graphql::envelope::Parameters;
use crate::graphql::limits::{self, Excess};
use crate::graphql::nulls;
use crate::graphql::outcome::{Outcome, RequestError};
use crate::graphql::schema::{self, ShopSchema};
use crate::model::shop::Shop;
use crate::request_session::RequestSession;

/// The longest part of a parser's message that clients see, in characters.
const MAX_EXPECTED: usize = 200;

/// Executes GraphQL requests.
pub struct Engine {
    schema: OnceLock<ShopSchema>,
    /// Whether clients may read the schema.
    introspection: bool,
    shop: Shop,
}

/// A request that is parsed and checked.
pub struct Prepared {
    /// The kind of the operation, if the document has been parsed.
    operation: Option<OperationType>,
    /// The request, or why it is not executed.
    pub request: Result<Request, RequestError>,
}

impl Prepared {
    /// Returns whether the request is a mutation, even if it is refused.
    pub fn is_mutation(&self) -> bool {
        self.operation == Some(OperationType::Mutation)
    }

    /// Returns whether the request is a subscription, even if it is refused.
    pub fn is_subscription(&self) -> bool {
        self.operation == Some(OperationType::Subscription)
    }
}

impl From<RequestError> for Prepared {
    fn from(error: RequestError) -> Self {
        Self {
            operation: None,
            request: Err(error),
        }
    }
}

impl Engine {
    /// Returns an engine.
    pub const fn new(introspection: bool, shop: Shop) -> Self {
        Self {
            schema: OnceLock::new(),
            introspection,
            shop,
        }
    }

    /// Returns the schema. It is built at the first use, since an instance may answer only one request.
    pub fn schema(&self) -> &ShopSchema {
        self.schema.get_or_init(schema::build)
    }

    /// Parses and checks a request. Subscriptions are refused if the client does not accept events.
    pub fn prepare(&self, parameters: Parameters, accepts_events: bool) -> Prepared {
        if let Err(excess) = limits::check_text(&parameters.query) {
            return exceeds(excess).into();
        }
        let mut request = Request::new(parameters.query).variables(parameters.variables);
        let document = match request.parsed_query() {
            Ok(document) => document,
            Err(error) => return syntax_error(error).into(),
        };
        let operation = operation_type(document, parameters.operation_name.as_deref());
        let checked = self.check(
            document,
            operation.clone(),
            parameters.only_queries,
            accepts_events,
        );
        if let Some(name) = parameters.operation_name {
            request = request.operation_name(name);
        }
        Prepared {
            operation: operation.ok(),
            request: checked.map_or_else(Err, |()| Ok(request)),
        }
    }

    fn check(
        &self,
        document: &ExecutableDocument,
        operation: Result<OperationType, String>,
        only_queries: bool,
        accepts_events: bool,
    ) -> Result<(), RequestError> {
        let introspects = limits::check_document(document).map_err(exceeds)?;
        if introspects && !self.introspection {
            let message = "Introspection is disabled in this shop.";
            return Err(bad_request("INTROSPECTION_DISABLED", message));
        }
        match operation.map_err(|message| bad_request("OPERATION_RESOLUTION_FAILURE", message))? {
            OperationType::Mutation if only_queries => Err(RequestError::new(
                StatusCode::METHOD_NOT_ALLOWED,
                "METHOD_NOT_ALLOWED",
                "A mutation must be sent by POST. GET executes only queries and subscriptions.",
            )),
            OperationType::Subscription if !accepts_events => Err(RequestError::new(
                StatusCode::NOT_ACCEPTABLE,
                "NOT_ACCEPTABLE",
                "A subscription is answered with events. Send it alone, with the header Accept: text/event-stream.",
            )),
            _ => Ok(()),
        }
    }

    /// Executes a request. Also returns whether its reply is the same for all callers.
    pub fn execute(&self, prepared: Prepared, session: RequestSession) -> (Outcome, bool) {
        let request = match prepared.request {
            Ok(request) => request,
            Err(error) => return (error.into(), false),
        };
        let session = Arc::new(session);
        let request = request.data(Arc::clone(&session)).data(self.shop.clone());
        let mut response = futures::executor::block_on(self.schema().execute(request));
        response.errors.iter_mut().for_each(ensure_code);
        // An error without a path precedes the execution of any field.
        if !response.errors.is_empty() && response.errors.iter().all(|error| error.path.is_empty()) {
            let error = RequestError {
                status: StatusCode::BAD_REQUEST,
                errors: response.errors,
            };
            return (error.into(), false);
        }
        nulls::fill(&mut response);
        schema::describe(&mut response);
        let is_shareable = prepared.operation == Some(OperationType::Query)
            && response.errors.is_empty()
            && session.is_shareable();
        (Outcome::Executed(response), is_shareable)
    }
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
                    "The document has several operations. Send the name of one as `operationName`.".into(),
                ),
            }
        }
    }
}

fn bad_request(code: &'static str, message: impl Into<String>) -> RequestError {
    RequestError::new(StatusCode::BAD_REQUEST, code, message)
}

fn exceeds(excess: Excess) -> RequestError {
    match excess {
        Excess::Tokens => bad_request(
            "TOO_MANY_TOKENS",
            format!("A document must have at most {} tokens.", limits::TOKENS),
        ),
        Excess::Aliases => bad_request(
            "TOO_MANY_ALIASES",
            format!("An operation must have at most {} aliases.", limits::ALIASES),
        ),
        Excess::Depth => bad_request(
            "QUERY_TOO_DEEP",
            format!(
                "Selections must be at most {} deep. Split the request.",
                limits::DEPTH
            ),
        ),
        Excess::Complexity => bad_request(
            "QUERY_TOO_COMPLEX",
            format!(
                "The complexity of an operation must be at most {}. Split the request.",
                limits::COMPLEXITY
            ),
        ),
    }
}

/// Shortens the parser's message, which quotes a whole line of the document before it names what it expected.
fn syntax_error(mut error: ServerError) -> RequestError {
    let expected = error.message.rsplit("= ").next().unwrap_or_default().trim();
    let expected: String = expected.chars().take(MAX_EXPECTED).collect();
    let position = error.locations.first();
    let position = position.map(|at| format!(" at line {}, column {}", at.line, at.column));
    error.message = format!(
        "The document has a syntax error{}: {expected}.",
        position.unwrap_or_default()
    );
    let extensions = error.extensions.get_or_insert_default();
    extensions.set("code", "GRAPHQL_PARSE_FAILED");
    RequestError {
        status: StatusCode::BAD_REQUEST,
        errors: vec![error],
    }
}

/// Adds a code to an error of async-graphql. The shop's errors have one.
pub fn ensure_code(error: &mut ServerError) {
    let extensions = error.extensions.get_or_insert_default();
    if extensions.get("code").is_some() {
        return;
    }
    let is_field = |segment: &PathSegment| matches!(segment, PathSegment::Field(_));
    let message = error.message.as_str();
    let code = if error.path.iter().any(is_field) {
        "BAD_USER_INPUT"
    } else if message == "Query is too complex." {
        "QUERY_TOO_COMPLEX"
    } else if message == "Query is nested too deep."
        || message.starts_with("The recursion depth of the query")
    {
        "QUERY_TOO_DEEP"
    } else {
        "GRAPHQL_VALIDATION_FAILED"
    };
    extensions.set("code", code);
}
