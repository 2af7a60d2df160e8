//! Operations: method and path, access, input, output and handler.

use http::{Method, StatusCode};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

use crate::http::problem::Problem;
use crate::rest::answer::Answer;
use crate::rest::body::{self, BodyKind};
use crate::rest::call::Call;
use crate::rest::operation_error::OperationError;

/// The callers that may call an operation. The service decides about the rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// All callers. The operation ignores credentials.
    Public,
    /// Guests without a credential, and authenticated callers.
    Guests,
    /// Signed-in users and the API key.
    Authenticated,
    /// The role ADMIN and the API key.
    Staff,
}

/// Returns the schema of a type.
pub type SchemaOf = fn(&mut SchemaGenerator) -> Schema;

/// The result of an operation.
pub type Outcome = Result<Answer, OperationError>;

type Handler = fn(&Call<'_>) -> Outcome;

/// One operation.
#[derive(Clone, Debug)]
pub struct Operation {
    pub method: Method,
    /// The path, and other paths of the same operation.
    pub paths: &'static [&'static str],
    /// The id in the OpenAPI document.
    pub name: &'static str,
    pub summary: &'static str,
    pub access: Access,
    /// Whether it accepts an `Idempotency-Key`.
    pub replayable: bool,
    /// Whether its public answers are cached until what they show changes.
    pub cached: bool,
    /// Whether it accepts `If-Match`.
    pub versioned: bool,
    /// Whether its answers change all the time, so that they have no entity tag.
    pub volatile: bool,
    /// A required header, and its description.
    pub header: Option<(&'static str, &'static str)>,
    pub query: Option<SchemaOf>,
    pub body: Option<(BodyKind, SchemaOf)>,
    /// The statuses of errors that other operations do not have.
    pub errors: Vec<StatusCode>,
    /// The successful answers.
    pub answers: Vec<(StatusCode, Option<SchemaOf>)>,
    handler: Handler,
}

/// Returns a reference to a schema, which the document contains once.
fn reference<T: JsonSchema>(generator: &mut SchemaGenerator) -> Schema {
    generator.subschema_for::<T>()
}

/// Returns the schema itself.
fn inline<T: JsonSchema>(generator: &mut SchemaGenerator) -> Schema {
    T::json_schema(generator)
}

/// Returns the schema of values of either type.
fn either<A: JsonSchema, B: JsonSchema>(generator: &mut SchemaGenerator) -> Schema {
    json_schema!({ "oneOf": [generator.subschema_for::<A>(), generator.subschema_for::<B>()] })
}

impl Operation {
    /// Returns an operation. A POST accepts an `Idempotency-Key`.
    pub fn new(
        method: Method,
        paths: &'static [&'static str],
        name: &'static str,
        summary: &'static str,
        access: Access,
        handler: Handler,
    ) -> Self {
        Self {
            replayable: method == Method::POST,
            method,
            paths,
            name,
            summary,
            access,
            cached: false,
            versioned: false,
            volatile: false,
            header: None,
            query: None,
            body: None,
            errors: Vec::new(),
            answers: Vec::new(),
            handler,
        }
    }

    /// Adds URL parameters.
    pub fn query<T: JsonSchema>(mut self) -> Self {
        self.query = Some(inline::<T>);
        self
    }

    /// Adds a body.
    pub fn body<T: JsonSchema>(mut self, kind: BodyKind) -> Self {
        self.body = Some((kind, reference::<T>));
        self
    }

    /// Adds a required header.
    pub const fn header(mut self, name: &'static str, description: &'static str) -> Self {
        self.header = Some((name, description));
        self
    }

    /// Adds a successful answer.
    pub fn answers<T: JsonSchema>(mut self, status: StatusCode) -> Self {
        self.answers.push((status, Some(reference::<T>)));
        self
    }

    /// Adds a successful answer of one of two types.
    pub fn answers_either<A: JsonSchema, B: JsonSchema>(mut self, status: StatusCode) -> Self {
        self.answers.push((status, Some(either::<A, B>)));
        self
    }

    /// Adds the status of an error that other operations do not have.
    pub fn fails(mut self, status: StatusCode) -> Self {
        self.errors.push(status);
        self
    }

    /// Adds a successful answer without a body.
    pub fn answers_nothing(mut self) -> Self {
        self.answers.push((StatusCode::NO_CONTENT, None));
        self
    }

    /// Caches its public answers until what they show changes.
    pub const fn cached(mut self) -> Self {
        self.cached = true;
        self
    }

    /// Accepts `If-Match`.
    pub const fn versioned(mut self) -> Self {
        self.versioned = true;
        self
    }

    /// Leaves out entity tags.
    pub const fn volatile(mut self) -> Self {
        self.volatile = true;
        self
    }

    /// Accepts an `Idempotency-Key`.
    pub const fn replayable(mut self) -> Self {
        self.replayable = true;
        self
    }

    /// Checks the caller and the body, and calls the handler.
    ///
    /// # Errors
    /// The problem that the client sees.
    pub fn run(&self, call: &Call<'_>) -> Result<Answer, Problem> {
        self.checked_run(call).map_err(|refusal| match refusal {
            OperationError::Error(error) => call.session.with_rejection_reason(error).into(),
            OperationError::Problem(problem) => problem,
        })
    }

    fn checked_run(&self, call: &Call<'_>) -> Outcome {
        match self.access {
            Access::Public | Access::Guests => {}
            Access::Authenticated => call.caller().require_authenticated()?,
            Access::Staff => call.caller().require_admin()?,
        }
        if let Some((kind, _)) = self.body {
            body::check(call.request, kind)?;
        }
        (self.handler)(call)
    }
}
