//! One request for an operation, and what handlers ask of it.

use http::Request;
use matchit::Params;
use mercato_shop::types::{Caller, Error};
use percent_encoding::percent_decode_str;
use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};

use crate::http::idempotency;
use crate::rest::body;
use crate::rest::operation::Refusal;
use crate::services::Services;
use crate::session::{self, Session};

/// One request for an operation.
pub struct Call<'a> {
    pub request: &'a Request<Vec<u8>>,
    pub session: Session,
    parameters: Params<'a, 'a>,
}

impl<'a> Call<'a> {
    /// The request of a session, for a path with these parameters.
    pub const fn new(request: &'a Request<Vec<u8>>, session: Session, parameters: Params<'a, 'a>) -> Self {
        Self {
            request,
            session,
            parameters,
        }
    }

    /// What is asked to do it.
    pub fn services(&self) -> &Services {
        &self.session.services
    }

    /// Who calls.
    pub fn caller(&self) -> &Caller {
        self.session.caller()
    }

    /// The id in the path.
    pub fn id(&self) -> Result<String, Refusal> {
        let id = self.parameter("id")?;
        session::valid_id("id", &id)?;
        Ok(id)
    }

    /// The user's id in the path, where `me` stands for the caller's.
    pub fn user_id(&self) -> Result<String, Refusal> {
        Ok(self.whose("id", self.parameter("id")?)?)
    }

    /// The user's id that came as this field, where `me` stands for the caller's.
    pub fn whose(&self, field: &str, id: String) -> Result<String, Error> {
        if id == "me" {
            let own = self
                .caller()
                .require_user("The API key is nobody: name the user by id.")?;
            return Ok(own.to_owned());
        }
        self.session.valid_user_id(field, &id)?;
        Ok(id)
    }

    /// The body, read as what the operation takes.
    pub fn body<T: DeserializeOwned + JsonSchema>(&self) -> Result<T, Refusal> {
        body::read(self.request.body())
    }

    /// The body, or what stands for none.
    pub fn body_or_default<T: DeserializeOwned + JsonSchema + Default>(&self) -> Result<T, Refusal> {
        if self.request.body().is_empty() {
            return Ok(T::default());
        }
        self.body()
    }

    /// The URL's parameters, read as what the operation asks.
    pub fn query<T: DeserializeOwned + JsonSchema>(&self) -> Result<T, Refusal> {
        body::read_query(self.request.uri().query().unwrap_or_default())
    }

    /// The caller's `Idempotency-Key` as the services take it, of 64 characters: where an answer could not be kept, they know by it
    /// that they are asked for the same again.
    pub fn idempotency_key(&self) -> Option<String> {
        let key = idempotency::key(self.request.headers())?.ok()?;
        let whose = self.caller().user_id().unwrap_or_default();
        Some(format!("{:x}", Sha256::digest(format!("{whose}\n{key}"))))
    }

    /// A part of the path, by its name.
    pub fn parameter(&self, name: &str) -> Result<String, Error> {
        let raw = self.parameters.get(name).unwrap_or_default();
        let decoded = percent_decode_str(raw).decode_utf8();
        decoded
            .map(std::borrow::Cow::into_owned)
            .map_err(|_| Error::invalid(name, "Percent-encode it as UTF-8."))
    }
}
