//! Parses, checks and executes GraphQL requests.

use std::sync::{Arc, OnceLock};

use async_graphql::parser::parse_query;
use async_graphql::parser::types::{
    DocumentOperations, ExecutableDocument, OperationDefinition, OperationType,
};
use async_graphql::{PathSegment, Pos, Request, ServerError, Variables};
use futures::executor::block_on;
use http::StatusCode;

use crate::graphql::argument_names;
use crate::graphql::cost::{self, Excess, Measures};
use crate::graphql::documents::Documents;
use crate::graphql::envelope::Parameters;
use crate::graphql::introspection::{self, Graph};
use crate::graphql::limits::{self, TextExcess};
use crate::graphql::nulls;
use crate::graphql::outcome::{Outcome, RequestError};
use crate::graphql::schema::{self, SCHEMA};
use crate::model::long_text;
use crate::model::shop::Shop;
use crate::request_session::RequestSession;
use crate::request_session::shown_units::Shown;

/// The longest part of a parser's message that clients see, in characters.
const MAX_EXPECTED: usize = 200;

/// The longest message of an error of async-graphql, in characters. Some of them quote a whole value.
const MAX_MESSAGE: usize = 500;

/// Executes GraphQL requests.
pub struct Engine {
    documents: Documents,
    /// The things of the schema, for the cost of introspection.
    graph: OnceLock<Graph>,
    /// Whether clients may read the schema.
    introspection: bool,
    shop: Shop,
}

/// A request that is parsed and checked.
pub struct Prepared {
    /// The kind of the operation, if the document has been parsed.
    operation: Option<OperationType>,
    /// The cost of the operation.
    pub cost: usize,
    /// The number of mutations in the operation.
    pub mutations: usize,
    /// The request, or why it is not executed.
    pub request: Result<Request, RequestError>,
}

impl Prepared {
    /// Returns whether the request is a mutation, even if it is refused.
    pub fn is_mutation(&self) -> bool {
        self.operation == Some(OperationType::Mutation)
    }

    /// Returns the request as refused.
    pub fn refused(self, error: RequestError) -> Self {
        Self {
            request: Err(error),
            ..self
        }
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
            cost: 0,
            mutations: 0,
            request: Err(error),
        }
    }
}

impl Engine {
    /// Returns an engine.
    pub fn new(introspection: bool, shop: Shop) -> Self {
        Self {
            documents: Documents::default(),
            graph: OnceLock::new(),
            introspection,
            shop,
        }
    }

    /// Returns the things of the schema. They are read at the first introspection.
    fn graph(&self) -> &Graph {
        self.graph
            .get_or_init(|| Graph::new(&block_on(SCHEMA.execute(introspection::QUERY)).data))
    }

    /// Parses, measures and checks a request. Subscriptions are refused if the client does not accept events.
    pub fn prepare(&self, parameters: Parameters, accepts_events: bool) -> Prepared {
        let document = match self.documents.get(&parameters.query, parse) {
            Ok(document) => document,
            Err(error) => return error.into(),
        };
        let operation = operation(&document, parameters.operation_name.as_deref());
        let kind = operation.as_ref().ok().map(|operation| operation.ty);
        let measured = self.measure(&document, operation.as_ref().ok().copied(), &parameters.variables);
        let checked = measured.and_then(|measures| {
            check(operation, parameters.only_queries, accepts_events)?;
            Ok(measures)
        });
        let mut request = Request::new(parameters.query).variables(parameters.variables);
        request.set_parsed_query(document);
        if let Some(name) = parameters.operation_name {
            request = request.operation_name(name);
        }
        let measures = checked.as_ref().copied().unwrap_or_default();
        Prepared {
            operation: kind,
            cost: measures.cost,
            mutations: measures.mutations,
            request: checked.map(|_| request),
        }
    }

    fn measure(
        &self,
        document: &ExecutableDocument,
        operation: Option<&OperationDefinition>,
        variables: &Variables,
    ) -> Result<Measures, RequestError> {
        let measures = cost::measure(document, operation, variables, None).map_err(exceeds)?;
        if !measures.introspects {
            return Ok(measures);
        }
        if !self.introspection {
            let message = "Introspection is disabled in this shop.";
            return Err(bad_request("INTROSPECTION_DISABLED", message));
        }
        cost::measure(document, operation, variables, Some(self.graph())).map_err(exceeds)
    }

    /// Executes a request. If the reply is the same for all callers, also returns the units on hand that it
    /// shows.
    pub fn execute(&self, prepared: Prepared, session: RequestSession) -> (Outcome, Option<Shown>) {
        let request = match prepared.request {
            Ok(request) => request,
            Err(error) => return (error.into(), None),
        };
        let size = session.answer_size.clone();
        let session = Arc::new(session);
        let document = request.query.clone();
        let request = request
            .data(Arc::clone(&session))
            .data(size.clone())
            .data(self.shop.clone());
        let mut response = block_on(SCHEMA.execute(request));
        complete(&mut response.errors, &document);
        // An error without a path precedes the execution of any field.
        if !response.errors.is_empty() && response.errors.iter().all(|error| error.path.is_empty()) {
            let error = RequestError {
                status: StatusCode::BAD_REQUEST,
                errors: response.errors,
            };
            return (error.into(), None);
        }
        if size.is_exceeded() && prepared.operation != Some(OperationType::Mutation) {
            let error = bad_request(long_text::TOO_LARGE, long_text::too_large());
            return (error.into(), None);
        }
        nulls::fill(&mut response);
        schema::describe(&mut response);
        let is_shareable = prepared.operation == Some(OperationType::Query)
            && response.errors.is_empty()
            && session.is_shareable();
        let shown = is_shareable.then(|| session.shown_units.get());
        (Outcome::Executed(response), shown)
    }
}

/// Parses a document.
///
/// # Errors
/// The limit that the text exceeds, or its syntax error.
fn parse(text: &str) -> Result<ExecutableDocument, RequestError> {
    limits::check_text(text).map_err(text_exceeds)?;
    parse_query(text).map_err(|error| syntax_error(error.into()))
}

/// Checks that an operation may be executed by this request.
fn check(
    operation: Result<&OperationDefinition, String>,
    only_queries: bool,
    accepts_events: bool,
) -> Result<(), RequestError> {
    let operation = operation.map_err(|message| bad_request("OPERATION_RESOLUTION_FAILURE", message))?;
    match operation.ty {
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

/// Returns the operation of this name, or the only one.
fn operation<'a>(
    document: &'a ExecutableDocument,
    name: Option<&str>,
) -> Result<&'a OperationDefinition, String> {
    let unknown = |name: &str| {
        format!(
            "The document has no operation named {}.",
            start(name, MAX_EXPECTED)
        )
    };
    match (&document.operations, name) {
        (DocumentOperations::Single(operation), None) => Ok(&operation.node),
        (DocumentOperations::Multiple(operations), Some(name)) => operations
            .get(name)
            .map(|operation| &operation.node)
            .ok_or_else(|| unknown(name)),
        (DocumentOperations::Single(_), Some(name)) => Err(unknown(name)),
        (DocumentOperations::Multiple(operations), None) => {
            let mut values = operations.values();
            match (values.next(), values.next()) {
                (Some(operation), None) => Ok(&operation.node),
                _ => Err(
                    "The document has several operations. Send the name of one as `operationName`.".into(),
                ),
            }
        }
    }
}

/// Returns the first characters of a text.
fn start(text: &str, characters: usize) -> &str {
    let end = text.char_indices().nth(characters);
    end.and_then(|(index, _)| text.get(..index)).unwrap_or(text)
}

fn bad_request(code: &'static str, message: impl Into<String>) -> RequestError {
    RequestError::new(StatusCode::BAD_REQUEST, code, message)
}

fn text_exceeds(excess: TextExcess) -> RequestError {
    match excess {
        TextExcess::Tokens => bad_request(
            "TOO_MANY_TOKENS",
            format!("A document must have at most {} tokens.", limits::TOKENS),
        ),
        TextExcess::Nesting => exceeds(Excess::Depth),
        TextExcess::Name => bad_request(
            "GRAPHQL_PARSE_FAILED",
            format!("A name must be at most {} bytes.", limits::NAME),
        ),
    }
}

fn exceeds(excess: Excess) -> RequestError {
    match excess {
        Excess::Aliases => bad_request(
            "TOO_MANY_ALIASES",
            format!("An operation must have at most {} aliases.", cost::ALIASES),
        ),
        Excess::Depth => bad_request(
            "QUERY_TOO_DEEP",
            format!(
                "Selections must be at most {} deep, and {} deep below `__schema` and `__type`. Split the request.",
                cost::DEPTH,
                cost::SCHEMA_DEPTH
            ),
        ),
        Excess::Fields => bad_request(
            "QUERY_TOO_COMPLEX",
            format!(
                "An operation must have at most {} fields, each counted wherever its fragment is spread. Split the request.",
                cost::FIELDS
            ),
        ),
    }
}

/// Shortens the parser's message, which quotes a whole line of the document before it names what it expected.
fn syntax_error(mut error: ServerError) -> RequestError {
    let expected = error.message.rsplit("= ").next().unwrap_or_default().trim();
    let expected = start(expected, MAX_EXPECTED);
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

/// Completes the errors of async-graphql in the answer to a document. The shop's errors have a code.
pub fn complete(errors: &mut [ServerError], document: &str) {
    for error in errors {
        let extensions = error.extensions.get_or_insert_default();
        if extensions.get("code").is_some() {
            continue;
        }
        // Some messages quote a long value.
        if start(&error.message, MAX_MESSAGE).len() < error.message.len() {
            error.message = format!("{}…", start(&error.message, MAX_MESSAGE));
        }
        let field = error.path.iter().rev().find_map(|segment| match segment {
            PathSegment::Field(name) => Some(name),
            PathSegment::Index(_) => None,
        });
        let code = if let Some(field) = field {
            extensions.set(
                "field",
                argument(document, &error.locations).as_ref().unwrap_or(field),
            );
            "BAD_USER_INPUT"
        } else if error.message.starts_with("The recursion depth of the query") {
            "QUERY_TOO_DEEP"
        } else {
            "GRAPHQL_VALIDATION_FAILED"
        };
        extensions.set("code", code);
    }
}

/// Returns the name of the argument whose value is invalid.
fn argument(document: &str, locations: &[Pos]) -> Option<String> {
    let document = parse_query(document).ok()?;
    argument_names::at(&document, *locations.first()?).map(str::to_owned)
}
