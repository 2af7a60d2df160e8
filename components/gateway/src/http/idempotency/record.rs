//! What is kept of a request that came with an `Idempotency-Key`.

use std::sync::Arc;

use http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, LOCATION};
use http::{HeaderName, HeaderValue, Response, StatusCode};
use mercato_shop::collection::Collection;
use mercato_shop::id;
use mercato_shop::types::Error;
use serde::{Deserialize, Serialize};

use super::ids::Ids;
use super::seal::Lock;
use crate::http::Reply;

/// All of them; the id is a digest of the key and of whose it is.
pub const RECORDS: Collection<Record> = Collection::new("gateway.idempotency");

/// Told with an answer that was given before.
pub const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

/// How long an answer is kept, in milliseconds: 24 hours.
const LIFE: u64 = 24 * 60 * 60 * 1000;

/// How long a request may take before another one with its key takes its place, in milliseconds. None takes that long: `mercato` ends each after
/// a minute at the most, and elsewhere single calls end after seconds, and none but those of one field begin after [`BEGIN`].
const LOCK: u64 = 120_000;

/// For how long after its claim a request may begin to do something more, in milliseconds. The rest of [`LOCK`] is for it to be done.
const BEGIN: u64 = 30_000;

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
    /// The first of the [`Ids`] of what the request makes.
    #[serde(default = "id::new")]
    first_id: String,
    /// The answer under a lock: it may tell tokens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sealed: Option<String>,
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
    /// It is over, or was begun and never answered: the request may take its place, and in that case makes what has this first id.
    Free(Option<String>),
    /// It is of another request.
    Other,
    /// It is under way, for so many seconds at the most.
    Busy(u32),
    /// It was answered.
    Answered(Reply),
    /// It was answered, and nobody can tell how.
    Lost,
}

impl Record {
    /// The record of a request that begins now.
    pub fn begun(request: String, now: u64) -> Self {
        Self {
            request,
            claimed_at: now,
            expires_at: now.saturating_add(LIFE),
            first_id: id::new(),
            sealed: None,
        }
    }

    /// The same, for one that begins again what has this first id.
    pub fn again(self, first_id: Option<String>) -> Self {
        Self {
            first_id: first_id.unwrap_or(self.first_id),
            ..self
        }
    }

    /// Of one that may be made again at once.
    pub fn given_up(self) -> Self {
        Self {
            claimed_at: 0,
            ..self
        }
    }

    /// The ids of what it makes.
    pub fn ids(&self) -> Arc<Ids> {
        let until = self.claimed_at.saturating_add(BEGIN);
        Arc::new(Ids::new(self.first_id.clone(), until))
    }

    /// With its answer.
    ///
    /// # Errors
    /// It can't be locked.
    pub fn answered(self, reply: &Reply, lock: &Lock) -> Result<Self, Error> {
        let header = |name: &HeaderName| {
            let value = reply.headers().get(name)?.to_str().ok()?;
            Some((name.to_string(), value.to_owned()))
        };
        let kept = Kept {
            status: reply.status().as_u16(),
            headers: HEADERS.iter().filter_map(header).collect(),
            body: String::from_utf8_lossy(reply.body()).into_owned(),
        };
        let kept = serde_json::to_vec(&kept)
            .map_err(|error| Error::Internal(format!("an answer can't be kept: {error}")))?;
        Ok(Self {
            sealed: Some(lock.close(&kept)?),
            ..self
        })
    }

    /// How it stands to a request of this digest.
    pub fn standing(self, request: &str, now: u64, lock: &Lock) -> Standing {
        if self.expires_at <= now {
            return Standing::Free(None);
        }
        if self.request != request {
            return Standing::Other;
        }
        if let Some(answer) = self.sealed {
            let kept = lock.open(&answer);
            let kept = kept.and_then(|kept| serde_json::from_slice::<Kept>(&kept).ok());
            return kept.map_or(Standing::Lost, |kept| Standing::Answered(kept.replay()));
        }
        match self.claimed_at.saturating_add(LOCK).checked_sub(now) {
            None | Some(0) => Standing::Free(Some(self.first_id)),
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

#[cfg(test)]
mod tests {
    use super::super::seal::Seal;
    use super::*;

    #[test]
    fn a_claim_is_held_for_its_time_and_an_answer_for_a_day() {
        let standing = |answered: bool, request: &str, later: u64| {
            let record = Record::begun("a".into(), 1_000);
            let lock = Seal::new("a secret of more than 16 bytes").lock("id", "key");
            let record = if answered {
                record.answered(&Response::new(b"x".to_vec()), &lock).unwrap()
            } else {
                record
            };
            record.standing(request, 1_000 + later, &lock)
        };
        assert!(matches!(standing(false, "a", 0), Standing::Busy(120)));
        assert!(matches!(standing(false, "a", LOCK - 1), Standing::Busy(1)));
        assert!(matches!(standing(false, "a", LOCK), Standing::Free(Some(_))));
        assert!(matches!(standing(false, "b", LOCK), Standing::Other));
        assert!(matches!(standing(true, "a", LOCK), Standing::Answered(_)));
        assert!(matches!(standing(true, "b", LIFE - 1), Standing::Other));
        assert!(matches!(standing(true, "b", LIFE), Standing::Free(None)));
    }
}
