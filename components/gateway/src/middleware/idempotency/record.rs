//! The stored record of a request with an `Idempotency-Key`.

use std::sync::Arc;

use http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, LOCATION};
use http::{HeaderName, HeaderValue, Response, StatusCode};
use mercato_shop::collection::Collection;
use mercato_shop::id;
use mercato_shop::types::Error;
use serde::{Deserialize, Serialize};

use crate::http::reply::Reply;
use crate::middleware::idempotency::seal::Cipher;
use crate::request_session::replay_ids::ReplayIds;

/// The records. The id is a digest of the caller and the key.
pub const RECORDS: Collection<Record> = Collection::new("gateway.idempotency");

/// Marks a replayed reply.
const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

/// How long a reply is stored, in milliseconds: 24 hours.
const TTL: u64 = 24 * 60 * 60 * 1000;

/// How long a claim lasts, in milliseconds.
///
/// No request takes that long. `mercato` ends each request after at most a minute. Elsewhere, single calls
/// end after seconds, and no change but those of one field begins after [`DEADLINE`].
const CLAIM: u64 = 120_000;

/// How long after its claim a request may begin another change, in milliseconds. The rest of [`CLAIM`] is for
/// its end.
const DEADLINE: u64 = 30_000;

/// The headers that are replayed.
const HEADERS: [HeaderName; 3] = [CONTENT_TYPE, ETAG, LOCATION];

/// A request, and its reply once there is one.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Record {
    /// A digest of the request.
    request: String,
    /// In milliseconds since 1970.
    claimed_at: u64,
    expires_at: u64,
    /// The first of the [`ReplayIds`].
    #[serde(default = "id::new")]
    first_id: String,
    /// The encrypted reply, which may contain tokens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sealed: Option<String>,
}

#[derive(Debug, Serialize, Deserialize)]
struct StoredReply {
    status: u16,
    headers: Vec<(String, String)>,
    body: String,
}

/// The state of a record, for a request with its key.
#[derive(Debug)]
pub enum State {
    /// The record or its claim has expired. If a request had claimed it, the next one must use the same first
    /// id.
    Expired(Option<String>),
    /// The record belongs to another request.
    Other,
    /// The request is running. Its claim expires in this many seconds.
    Running(u32),
    /// The request has this reply.
    Answered(Reply),
    /// The request has a reply that cannot be decrypted.
    Unreadable,
}

impl Record {
    /// Returns the record of a request that begins now.
    pub fn new(request: String, now: u64) -> Self {
        Self {
            request,
            claimed_at: now,
            expires_at: now.saturating_add(TTL),
            first_id: id::new(),
            sealed: None,
        }
    }

    /// Returns the record with this first id, if there is one.
    pub fn with_first_id(self, first_id: Option<String>) -> Self {
        Self {
            first_id: first_id.unwrap_or(self.first_id),
            ..self
        }
    }

    /// Returns the record with an expired claim.
    pub fn given_up(self) -> Self {
        Self {
            claimed_at: 0,
            ..self
        }
    }

    /// Returns the ids of the things that the request creates.
    pub fn ids(&self) -> Arc<ReplayIds> {
        let deadline = self.claimed_at.saturating_add(DEADLINE);
        Arc::new(ReplayIds::new(self.first_id.clone(), deadline))
    }

    /// Returns the record with a reply.
    ///
    /// # Errors
    /// [`Error::Internal`] if the reply cannot be encrypted.
    pub fn answered(self, reply: &Reply, cipher: &Cipher) -> Result<Self, Error> {
        let header = |name: &HeaderName| {
            let value = reply.headers().get(name)?.to_str().ok()?;
            Some((name.to_string(), value.to_owned()))
        };
        let stored = StoredReply {
            status: reply.status().as_u16(),
            headers: HEADERS.iter().filter_map(header).collect(),
            body: String::from_utf8_lossy(reply.body()).into_owned(),
        };
        let stored = serde_json::to_vec(&stored)
            .map_err(|error| Error::Internal(format!("a reply cannot be stored: {error}")))?;
        Ok(Self {
            sealed: Some(cipher.encrypt(&stored)?),
            ..self
        })
    }

    /// Returns the state of the record, for a request with this digest.
    pub fn state(self, request: &str, now: u64, cipher: &Cipher) -> State {
        if self.expires_at <= now {
            return State::Expired(None);
        }
        if self.request != request {
            return State::Other;
        }
        if let Some(sealed) = self.sealed {
            let stored = cipher.decrypt(&sealed);
            let stored = stored.and_then(|stored| serde_json::from_slice::<StoredReply>(&stored).ok());
            return stored.map_or(State::Unreadable, |stored| State::Answered(stored.replay()));
        }
        match self.claimed_at.saturating_add(CLAIM).checked_sub(now) {
            None | Some(0) => State::Expired(Some(self.first_id)),
            Some(left) => State::Running(u32::try_from(left.div_ceil(1000)).unwrap_or(1)),
        }
    }
}

impl StoredReply {
    fn replay(self) -> Reply {
        let mut reply = Response::new(self.body.into_bytes());
        *reply.status_mut() = StatusCode::from_u16(self.status).unwrap_or(StatusCode::OK);
        let headers = reply.headers_mut();
        for (name, value) in self.headers {
            if let (Ok(name), Ok(value)) = (name.parse::<HeaderName>(), HeaderValue::from_str(&value)) {
                headers.insert(name, value);
            }
        }
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        headers.insert(REPLAYED, HeaderValue::from_static("true"));
        reply
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::middleware::idempotency::seal::Seal;

    #[test]
    fn expires_claims_and_replies() {
        let state = |answered: bool, request: &str, later: u64| {
            let record = Record::new("a".into(), 1_000);
            let cipher = Seal::new("a secret of more than 16 bytes").cipher("id", "key");
            let record = if answered {
                record.answered(&Response::new(b"x".to_vec()), &cipher).unwrap()
            } else {
                record
            };
            record.state(request, 1_000 + later, &cipher)
        };
        assert!(matches!(state(false, "a", 0), State::Running(120)));
        assert!(matches!(state(false, "a", CLAIM - 1), State::Running(1)));
        assert!(matches!(state(false, "a", CLAIM), State::Expired(Some(_))));
        assert!(matches!(state(false, "b", CLAIM), State::Other));
        assert!(matches!(state(true, "a", CLAIM), State::Answered(_)));
        assert!(matches!(state(true, "b", TTL - 1), State::Other));
        assert!(matches!(state(true, "b", TTL), State::Expired(None)));
    }
}
