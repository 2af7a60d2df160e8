//! What is kept of a request that came with an `Idempotency-Key`.

use hmac::{Hmac, Mac};
use http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_MATCH, LOCATION};
use http::{HeaderName, HeaderValue, Request, Response, StatusCode};
use mercato_common::collection::Collection;
use mercato_common::types::Caller;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256, Sha512};

use crate::http::Reply;

/// All of them; the id is a digest of the key and of whose it is.
pub const RECORDS: Collection<Record> = Collection::new("gateway.idempotency");

/// Told with an answer that was given before.
pub const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

/// How long an answer is kept, in milliseconds: 24 hours.
const LIFE: u64 = 24 * 60 * 60 * 1000;

/// How long a request may take before another one with its key takes its place, in milliseconds: no host lets one run that long.
const LOCK: u64 = 30_000;

/// The headers that are replayed.
const HEADERS: [HeaderName; 3] = [CONTENT_TYPE, ETAG, LOCATION];

/// One request, and its answer once there is one.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Record {
    /// A digest of the request.
    request: String,
    /// When it began, in milliseconds since the Unix epoch, UTC.
    claimed_at: u64,
    pub expires_at: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    answer: Option<Kept>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Kept {
    status: u16,
    headers: Vec<(String, String)>,
    body: String,
}

/// How a record stands to a request with its key.
#[derive(Debug)]
pub enum Standing {
    /// It is over: the request may take its place.
    Free,
    /// It is of another request.
    Other,
    /// It is under way, for so many seconds at the most.
    Busy(u32),
    /// It was answered.
    Answered(Reply),
}

impl Record {
    /// The record of a request that begins now.
    pub const fn begun(request: String, now: u64) -> Self {
        Self {
            request,
            claimed_at: now,
            expires_at: now.saturating_add(LIFE),
            answer: None,
        }
    }

    /// With its answer.
    pub fn answered(self, reply: &Reply) -> Self {
        let header = |name: &HeaderName| {
            let value = reply.headers().get(name)?.to_str().ok()?;
            Some((name.to_string(), value.to_owned()))
        };
        let kept = Kept {
            status: reply.status().as_u16(),
            headers: HEADERS.iter().filter_map(header).collect(),
            body: String::from_utf8_lossy(reply.body()).into_owned(),
        };
        Self {
            answer: Some(kept),
            ..self
        }
    }

    /// How it stands to a request of this digest.
    pub fn standing(self, request: &str, now: u64) -> Standing {
        if self.expires_at <= now {
            return Standing::Free;
        }
        if self.request != request {
            return Standing::Other;
        }
        if let Some(kept) = self.answer {
            return Standing::Answered(kept.replay());
        }
        match self.claimed_at.saturating_add(LOCK).checked_sub(now) {
            None | Some(0) => Standing::Free,
            Some(left) => Standing::Busy(u32::try_from(left.div_ceil(1000)).unwrap_or(1)),
        }
    }
}

impl Kept {
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

/// Makes digests by which nobody who reads the store can try what the requests said.
#[derive(Clone)]
pub struct Seal(Hmac<Sha256>);

impl Seal {
    /// The seal of this secret.
    pub fn new(secret: &str) -> Self {
        // As long as a block of the other digest, and so a key as it is.
        Self(Hmac::new(&Sha512::digest(secret)))
    }

    fn digest<'a>(&self, parts: impl IntoIterator<Item = &'a [u8]>) -> String {
        let mut mac = self.0.clone();
        for part in parts {
            mac.update(&(part.len() as u64).to_le_bytes());
            mac.update(part);
        }
        format!("{:x}", mac.finalize().into_bytes())
    }

    /// The id of the record of a key, which is the caller's own.
    pub fn id(&self, caller: &Caller, address: Option<&str>, key: &str) -> String {
        let (kind, whose) = match caller {
            Caller::User(user) => ("user", user.user_id.as_str()),
            Caller::ApiKey => ("api-key", ""),
            Caller::Anonymous => ("anonymous", address.unwrap_or_default()),
        };
        self.digest(["idempotency-key", kind, whose, key].map(str::as_bytes))
    }

    /// The digest of what a request asks.
    pub fn request(&self, request: &Request<Vec<u8>>) -> String {
        let target = request
            .uri()
            .path_and_query()
            .map_or("", |target| target.as_str());
        self.digest([
            b"idempotent-request".as_slice(),
            request.method().as_str().as_bytes(),
            target.as_bytes(),
            // An edit of another version is another edit.
            request
                .headers()
                .get(IF_MATCH)
                .map_or(b"", |value| value.as_bytes()),
            request.body(),
        ])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_claim_is_held_for_its_time_and_an_answer_for_a_day() {
        let standing = |answered: bool, request: &str, later: u64| {
            let record = Record::begun("a".into(), 1_000);
            let record = if answered {
                record.answered(&Response::new(b"x".to_vec()))
            } else {
                record
            };
            record.standing(request, 1_000 + later)
        };
        assert!(matches!(standing(false, "a", 0), Standing::Busy(30)));
        assert!(matches!(standing(false, "a", LOCK - 1), Standing::Busy(1)));
        assert!(matches!(standing(false, "a", LOCK), Standing::Free));
        assert!(matches!(standing(false, "b", LOCK), Standing::Other));
        assert!(matches!(standing(true, "a", LOCK), Standing::Answered(_)));
        assert!(matches!(standing(true, "b", LIFE - 1), Standing::Other));
        assert!(matches!(standing(true, "b", LIFE), Standing::Free));
    }

    #[test]
    fn keys_are_their_callers_own() {
        let seal = Seal::new("a secret of more than 16 bytes");
        let nobody = Caller::Anonymous;
        let ids = [
            seal.id(&Caller::ApiKey, None, "k"),
            seal.id(&nobody, None, "k"),
            seal.id(&nobody, Some("192.0.2.1"), "k"),
            seal.id(&nobody, None, "l"),
            Seal::new("another secret of some length").id(&nobody, None, "k"),
        ];
        let different: std::collections::BTreeSet<_> = ids.iter().collect();
        assert_eq!(different.len(), ids.len());
    }
}
