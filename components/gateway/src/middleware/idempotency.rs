//! Replays of requests with an `Idempotency-Key` (draft-ietf-httpapi-idempotency-key-header).
//!
//! A record in the store is claimed before the request is executed. Afterwards it gets the reply, encrypted
//! with the client's key. A repeated request is answered with that reply.
//!
//! A crash can leave a claim without a reply. When the claim has expired, the next request with the key takes
//! it over. It creates orders with the ids of the record, so no order is placed twice. For other changes, the
//! operation itself must detect the repetition, as without a key. Failures of the shop and rate limits are
//! not stored.
//!
//! A request can end its own session. When it is repeated with the same access token, it is answered with the
//! stored reply, and nothing else is done.

mod record;
mod seal;

use std::sync::Arc;

use http::{Request, StatusCode};
use mercato_ports::documents::{CommitFailure, Write};
use mercato_shop::collection::Stored;
use mercato_shop::id;
use mercato_shop::ports::Ports;
use mercato_shop::pruning;
use mercato_shop::types::Error;

use crate::auth::identity::Identity;
use crate::http::idempotency_key;
use crate::http::problem::Problem;
use crate::http::reply::Reply;
use crate::middleware::idempotency::record::{RECORDS, Record, State};
use crate::middleware::idempotency::seal::{Cipher, Seal};
use crate::request_session::replay_ids::ReplayIds;

/// The longest reply that is stored, in bytes.
const MAX_BYTES: usize = 1 << 20;

/// The number of expired records that are deleted at once.
const DELETED: u32 = 50;

/// Claims records for requests.
pub struct Idempotency {
    seal: Seal,
}

/// A record that this request has claimed.
pub struct Claim<'a> {
    documents: &'a dyn Ports,
    cipher: Cipher,
    record: Record,
    id: String,
    version: u64,
}

/// Why a request is not executed.
pub enum ClaimError {
    Problem(Problem),
    /// The reply of the first request.
    Replayed(Box<Reply>),
}

impl From<Problem> for ClaimError {
    fn from(problem: Problem) -> Self {
        Self::Problem(problem)
    }
}

impl From<Error> for ClaimError {
    fn from(error: Error) -> Self {
        Problem::from(error).into()
    }
}

impl Idempotency {
    /// Returns the idempotency of this secret.
    pub fn new(secret: &str) -> Self {
        Self {
            seal: Seal::new(secret),
        }
    }

    /// Claims the record of a request. Each caller has separate keys, and so has each address of anonymous
    /// clients.
    ///
    /// # Errors
    /// [`ClaimError::Replayed`] with the stored reply. [`ClaimError::Problem`] for an invalid key, for a key
    /// of another request, and while the first request is running.
    pub fn claim<'a>(
        &self,
        documents: &'a dyn Ports,
        request: &Request<Vec<u8>>,
        identity: &Identity,
        address: Option<&str>,
    ) -> Result<Claim<'a>, ClaimError> {
        let key = idempotency_key::read(request.headers()).unwrap_or(Ok(""))?;
        let digest = self.seal.request_digest(request);
        if let Some(caller) = &identity.signed_out {
            let id = self.seal.record_id(caller, address, key);
            if let Some(found) = RECORDS.get(documents, &id)? {
                let cipher = self.seal.cipher(&id, key);
                match found.body.state(&digest, id::now(), &cipher) {
                    State::Other | State::Expired(_) => {}
                    State::Running(seconds) => return Err(in_use(seconds)),
                    State::Answered(reply) => return Err(ClaimError::Replayed(Box::new(reply))),
                    State::Unreadable => return Err(unreadable()),
                }
            }
        }
        let id = self.seal.record_id(&identity.caller, address, key);
        let cipher = self.seal.cipher(&id, key);
        let now = id::now();
        let record = Record::new(digest.clone(), now);
        if insert(documents, &id, &record, now)? {
            return Ok(Claim {
                documents,
                cipher,
                record,
                id,
                version: 1,
            });
        }
        let Some(found) = RECORDS.get(documents, &id)? else {
            return Err(in_use(1));
        };
        match found.body.state(&digest, now, &cipher) {
            State::Other => Err(Problem::new(
                StatusCode::UNPROCESSABLE_ENTITY,
                "IDEMPOTENCY_KEY_REUSED",
                "This Idempotency-Key belongs to another request. Use a new key for each request.",
            )
            .into()),
            State::Running(seconds) => Err(in_use(seconds)),
            State::Answered(reply) => Err(ClaimError::Replayed(Box::new(reply))),
            State::Unreadable => Err(unreadable()),
            State::Expired(first_id) => {
                let claimed = Stored {
                    id,
                    version: found.version,
                    body: record.with_first_id(first_id),
                };
                match documents.commit(&[RECORDS.replace(&claimed)?], &[]) {
                    Ok(()) => Ok(Claim {
                        documents,
                        cipher,
                        record: claimed.body,
                        id: claimed.id,
                        version: claimed.version + 1,
                    }),
                    Err(CommitFailure::Refused(_)) => Err(in_use(1)),
                    Err(failure) => Err(Error::from(failure).into()),
                }
            }
        }
    }
}

impl Claim<'_> {
    /// Returns the ids of the things that the request creates.
    pub fn ids(&self) -> Arc<ReplayIds> {
        self.record.ids()
    }

    /// Stores a final reply, and gives the claim up otherwise. Logs a failure of the store.
    pub fn finish(self, reply: &Reply, is_final: bool) {
        let Self {
            documents,
            cipher,
            record,
            id,
            version,
        } = self;
        let record = if !is_final {
            // The record stays: a failed request may have created something, and a retry must use the same
            // ids.
            Ok(record.given_up())
        } else if reply.body().len() <= MAX_BYTES {
            record.answered(reply, &cipher)
        } else {
            let detail =
                "The change was made, but its reply was too long to be stored. Read what it created.";
            let too_long = Problem::new(StatusCode::CONFLICT, "CONFLICT", detail);
            record.answered(&too_long.reply(""), &cipher)
        };
        let write = record.and_then(|body| RECORDS.replace(&Stored { id, version, body }));
        let outcome = write.and_then(|write| Ok(documents.commit(&[write], &[])?));
        if let Err(error) = outcome {
            eprintln!("the reply to a request with an Idempotency-Key was not stored: {error:?}");
        }
    }
}

/// Inserts a record, and deletes some expired ones in the same commit. Returns false if the key has a record
/// already.
fn insert(documents: &dyn Ports, id: &str, record: &Record, now: u64) -> Result<bool, Error> {
    let mut writes = vec![RECORDS.insert(id, record)?];
    match expired(documents, id, now) {
        Ok(deletions) => writes.extend(deletions),
        Err(error) => eprintln!("expired idempotency records were not deleted: {error:?}"),
    }
    let outcome = match documents.commit(&writes, &[]) {
        // Another request deleted the same records.
        Err(CommitFailure::Refused(refusals)) if refusals.iter().all(|refusal| refusal.write > 0) => {
            writes.truncate(1);
            documents.commit(&writes, &[])
        }
        outcome => outcome,
    };
    match outcome {
        Ok(()) => Ok(true),
        Err(CommitFailure::Refused(_)) => Ok(false),
        Err(failure) => Err(failure.into()),
    }
}

/// Returns deletions of expired records, for one in sixteen keys. So as many records are deleted as are
/// inserted.
fn expired(documents: &dyn Ports, id: &str, now: u64) -> Result<Vec<Write>, Error> {
    if !id.starts_with('0') {
        return Ok(Vec::new());
    }
    let expired = pruning::expired(documents, &RECORDS, "expiresAt", now, DELETED)?;
    let others = expired.iter().filter(|record| record.id != id);
    Ok(others.map(|record| RECORDS.delete(record)).collect())
}

fn unreadable() -> ClaimError {
    let detail = "The change was made, but its reply cannot be read any more. Read what it created.";
    Problem::new(StatusCode::CONFLICT, "CONFLICT", detail).into()
}

fn in_use(seconds: u32) -> ClaimError {
    let detail = "A request with this Idempotency-Key is still running. Try again in a moment.";
    Problem::new(StatusCode::CONFLICT, "IDEMPOTENCY_KEY_IN_USE", detail)
        .retry_after(seconds)
        .into()
}
