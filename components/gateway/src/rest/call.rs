//! One call of an operation.

use http::Request;
use matchit::Params;
use mercato_shop::types::{Caller, Error, Page};
use percent_encoding::percent_decode_str;
use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};

use crate::http::idempotency_key;
use crate::request_session::{self, RequestSession};
use crate::rest::body;
use crate::rest::operation_error::OperationError;
use crate::services::Services;

/// The default page size.
const DEFAULT_FIRST: u32 = 20;
/// The largest page size.
const MAX_FIRST: u32 = 100;

/// One call of an operation.
pub struct Call<'a> {
    pub request: &'a Request<Vec<u8>>,
    pub session: RequestSession,
    parameters: Params<'a, 'a>,
}

impl<'a> Call<'a> {
    /// Returns a call with the parameters of the path.
    pub const fn new(
        request: &'a Request<Vec<u8>>,
        session: RequestSession,
        parameters: Params<'a, 'a>,
    ) -> Self {
        Self {
            request,
            session,
            parameters,
        }
    }

    /// Returns the services.
    pub fn services(&self) -> &Services {
        &self.session.services
    }

    /// Returns the caller.
    pub fn caller(&self) -> &Caller {
        self.session.caller()
    }

    /// Returns the id in the path.
    pub fn id(&self) -> Result<String, Error> {
        let id = self.parameter("id")?;
        request_session::check_id("id", &id)?;
        Ok(id)
    }

    /// Returns the user's id in the path. `me` means the caller.
    pub fn user_id(&self) -> Result<String, Error> {
        self.resolve_user("id", self.parameter("id")?)
    }

    /// Returns the user's id in a field. `me` means the caller.
    pub fn resolve_user(&self, field: &str, id: String) -> Result<String, Error> {
        if id == "me" {
            let own = self
                .caller()
                .require_user("The API key has no user. Send the id of a user instead of `me`.")?;
            return Ok(own.to_owned());
        }
        self.session.check_user_id(field, &id)?;
        Ok(id)
    }

    /// Parses the body.
    pub fn body<T: DeserializeOwned + JsonSchema>(&self) -> Result<T, OperationError> {
        body::parse(self.request.body())
    }

    /// Parses the body, or returns the default if it is empty.
    pub fn body_or_default<T: DeserializeOwned + JsonSchema + Default>(&self) -> Result<T, OperationError> {
        if self.request.body().is_empty() {
            return Ok(T::default());
        }
        self.body()
    }

    /// Parses the URL parameters.
    pub fn query<T: DeserializeOwned + JsonSchema>(&self) -> Result<T, Error> {
        body::parse_query(self.request.uri().query().unwrap_or_default())
    }

    /// Returns the caller's `Idempotency-Key` for a service, as 64 characters. With it, the service
    /// recognizes a repetition whose first reply was not stored.
    pub fn idempotency_key(&self) -> Option<String> {
        let key = idempotency_key::read(self.request.headers())?.ok()?;
        let user_id = self.caller().user_id().unwrap_or_default();
        Some(format!("{:x}", Sha256::digest(format!("{user_id}\n{key}"))))
    }

    /// Returns a parameter of the path.
    pub fn parameter(&self, name: &str) -> Result<String, Error> {
        let raw = self.parameters.get(name).unwrap_or_default();
        let decoded = percent_decode_str(raw).decode_utf8();
        decoded
            .map(std::borrow::Cow::into_owned)
            .map_err(|_| Error::invalid(name, "Must be percent-encoded UTF-8."))
    }
}

/// Returns the page of a list.
///
/// # Errors
/// [`Error::Invalid`] for a page size that is out of range.
pub fn page(first: Option<u32>, after: Option<String>) -> Result<Page, Error> {
    match first.unwrap_or(DEFAULT_FIRST) {
        first @ 1..=MAX_FIRST => Ok(Page::first(first, after)),
        _ => Err(Error::invalid(
            "first",
            format!("`first` must be 1 to {MAX_FIRST}."),
        )),
    }
}

/// Returns the only answer for one id.
///
/// # Errors
/// The error of the answer. [`Error::Internal`] if it is missing.
pub fn only<T>(mut answers: Vec<Result<T, Error>>) -> Result<T, Error> {
    let missing = || Err(Error::Internal("a service returned fewer values than ids".into()));
    answers.pop().unwrap_or_else(missing)
}
