//! What an operation is made of: how it is reached, what it takes and answers, who may ask, and what it does.

use http::{Method, StatusCode};
use mercato_shop::types::Error;
use schemars::{JsonSchema, Schema, SchemaGenerator};

use crate::http::Problem;
use crate::rest::answer::Answer;
use crate::rest::body;
use crate::rest::call::Call;

/// Who is let through to the service, which decides on the rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Everybody.
    Public,
    /// Everybody: guests without a credential, and those who are known by theirs.
    Guests,
    /// Who has signed in, or holds the API key.
    Known,
    /// An ADMIN, or the API key.
    Staff,
}

/// Whether a body must come along.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    Must,
    May,
    /// It must, and is for the operation to look at, whatever its content type.
    AsItIs,
}

/// The schema of a type.
pub type SchemaOf = fn(&mut SchemaGenerator) -> Schema;

type Handler = fn(&Call<'_>) -> Result<Answer, Refusal>;

/// Why an operation was not done.
#[derive(Debug)]
pub enum Refusal {
    /// As a service, or the caller's identity, has it.
    Error(Error),
    /// As HTTP has it.
    Problem(Box<Problem>),
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        Self::Error(error)
    }
}

impl From<Problem> for Refusal {
    fn from(problem: Problem) -> Self {
        Self::Problem(Box::new(problem))
    }
}

/// One operation.
#[derive(Clone, Debug)]
pub struct Operation {
    pub method: Method,
    /// Where it is; what comes after the first are other names of the same.
    pub paths: &'static [&'static str],
    /// Its name in the OpenAPI document.
    pub name: &'static str,
    pub summary: &'static str,
    pub access: Access,
    /// Whether it can be repeated by an `Idempotency-Key`.
    pub replayable: bool,
    /// Whether its answers are the same for everybody for as long as the catalog is as it was, but for those that say otherwise.
    pub shared: bool,
    /// Whether it honours `If-Match`.
    pub versioned: bool,
    /// Whether its answers are of the moment, so that nobody keeps them and they have no entity tag.
    pub momentary: bool,
    /// A header that it must come with, and what that is.
    pub header: Option<(&'static str, &'static str)>,
    pub query: Option<SchemaOf>,
    pub body: Option<(Need, SchemaOf)>,
    /// Its answers when all is well.
    pub answers: Vec<(StatusCode, Option<SchemaOf>)>,
    handler: Handler,
}

/// A schema by reference, which stands in the document once.
fn referred<T: JsonSchema>(generator: &mut SchemaGenerator) -> Schema {
    generator.subschema_for::<T>()
}

/// A schema in place.
fn inline<T: JsonSchema>(generator: &mut SchemaGenerator) -> Schema {
    T::json_schema(generator)
}

impl Operation {
    /// An operation for those who have access, whose POSTs can be repeated by an `Idempotency-Key`.
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
            shared: false,
            method,
            paths,
            name,
            summary,
            access,
            versioned: false,
            momentary: false,
            header: None,
            query: None,
            body: None,
            answers: Vec::new(),
            handler,
        }
    }

    /// It takes these parameters in the URL.
    pub fn asks<T: JsonSchema>(mut self) -> Self {
        self.query = Some(inline::<T>);
        self
    }

    /// It takes this body.
    pub fn takes<T: JsonSchema>(mut self) -> Self {
        self.body = Some((Need::Must, referred::<T>));
        self
    }

    /// It takes this body, or none.
    pub fn may_take<T: JsonSchema>(mut self) -> Self {
        self.body = Some((Need::May, referred::<T>));
        self
    }

    /// It takes this body as it comes, whatever its content type.
    pub fn takes_as_it_is<T: JsonSchema>(mut self) -> Self {
        self.body = Some((Need::AsItIs, referred::<T>));
        self
    }

    /// It must come with this header, which is this.
    pub const fn told_by(mut self, name: &'static str, description: &'static str) -> Self {
        self.header = Some((name, description));
        self
    }

    /// It answers so.
    pub fn answers<T: JsonSchema>(mut self, status: StatusCode) -> Self {
        self.answers.push((status, Some(referred::<T>)));
        self
    }

    /// It answers that it is done, and nothing else.
    pub fn answers_nothing(mut self) -> Self {
        self.answers.push((StatusCode::NO_CONTENT, None));
        self
    }

    /// Its answers are the same for everybody for as long as the catalog is as it was.
    pub const fn shared(mut self) -> Self {
        self.shared = true;
        self
    }

    /// It honours `If-Match`.
    pub const fn versioned(mut self) -> Self {
        self.versioned = true;
        self
    }

    /// Its answers are of the moment.
    pub const fn momentary(mut self) -> Self {
        self.momentary = true;
        self
    }

    /// It is no POST, and can be repeated by an `Idempotency-Key` all the same.
    pub const fn repeatable(mut self) -> Self {
        self.replayable = true;
        self
    }

    /// Does it.
    pub fn run(&self, call: &Call<'_>) -> Result<Answer, Box<Problem>> {
        self.handle(call).map_err(|refusal| match refusal {
            Refusal::Error(error) => Box::new(Problem::from(call.session.explained(error))),
            Refusal::Problem(problem) => problem,
        })
    }

    fn handle(&self, call: &Call<'_>) -> Result<Answer, Refusal> {
        match self.access {
            Access::Public | Access::Guests => {}
            Access::Known => call.caller().require_known()?,
            Access::Staff => call.caller().require_admin()?,
        }
        if let Some((need, _)) = self.body {
            body::check(call.request, need)?;
        }
        (self.handler)(call)
    }
}
