//! `Idempotency-Key` (draft-ietf-httpapi-idempotency-key-header): a request that comes again is not done again, but answered as the
//! first time.
//!
//! A record in the store is claimed before the request is executed, and gets its answer after, which only who has the key can read. Where a
//! crash leaves a claim without an answer, the next request with the key takes it over once its time is up: orders are placed under ids
//! that the record holds, so that there is one; whether anything else was done is for the operation itself to tell then, as it is
//! without a key. Failures of the shop, and refusals for too many tries, are not kept.
//!
//! A request may end the session that it was sent in. Who sends it again with that session's access token gets its answer, and nothing else.

mod ids;
mod record;
mod seal;

use http::{HeaderMap, HeaderName, Request, StatusCode};
use mercato_ports::documents::{CommitFailure, Write};
use mercato_shop::collection::Stored;
use mercato_shop::id;
use mercato_shop::pruning;
use mercato_shop::types::{Caller, Error};

use crate::http::{Gateway, Problem, Reply};
use crate::identity::Identity;
use record::{RECORDS, Record, Standing};
use seal::Lock;

pub use ids::Ids;
pub use seal::Seal;

/// The header.
pub const HEADER: HeaderName = HeaderName::from_static("idempotency-key");

/// The longest key, in characters.
const LONGEST: usize = 255;

/// Larger answers are not kept, in bytes.
const LARGEST: usize = 1 << 20;

/// How many expired records are swept at once.
const SWEPT: u32 = 50;

/// A claim that this request holds.
struct Claim {
    record: Record,
    id: String,
    version: u64,
}

/// The key of a request; none where it has none, or why it can't be taken. In quotes or without.
pub fn key(headers: &HeaderMap) -> Option<Result<&str, Problem>> {
    let value = headers.get(HEADER)?;
    let text = value.to_str().unwrap_or_default().trim();
    let key = text
        .strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'))
        .unwrap_or(text);
    if (1..=LONGEST).contains(&key.len()) && headers.get_all(HEADER).iter().count() == 1 {
        return Some(Ok(key));
    }
    let message = format!("Send one key of 1 to {LONGEST} characters of ASCII.");
    Some(Err(Problem::invalid("Idempotency-Key", message)))
}

impl Gateway {
    /// Answers a request once for each key of the caller's: as `run` does, which is handed the request with who calls, or else as it was
    /// answered before. `keeps` says whether an answer is final, `refuse` how to tell a refusal.
    pub(crate) fn once(
        &self,
        request: &Request<Vec<u8>>,
        identity: Identity,
        run: impl FnOnce(&Request<Vec<u8>>) -> Reply,
        keeps: impl Fn(&Reply) -> bool,
        refuse: impl Fn(&Problem) -> Reply,
    ) -> Reply {
        let key = match key(request.headers()) {
            None => return run(request),
            Some(Ok(key)) => key,
            Some(Err(problem)) => return refuse(&problem),
        };
        let address = self.client(request).address;
        let place = |caller: &Caller| {
            let id = self.seal.id(caller, address.as_deref(), key);
            let lock = self.seal.lock(&id, key);
            (id, lock)
        };
        let asked = self.seal.request(request);
        let before = identity.was.as_ref().map(place);
        let known = before.map_or(Ok(()), |(id, lock)| self.answered(&id, &asked, &lock));
        let (id, lock) = place(&identity.caller);
        match known.and_then(|()| self.claim(id, asked, &lock)) {
            Err(Rejected::Problem(problem)) => refuse(&problem),
            Err(Rejected::Answered(reply)) => *reply,
            Ok(claim) => {
                let mut request = request.clone();
                request.extensions_mut().insert(claim.record.ids());
                request.extensions_mut().insert(identity);
                let reply = run(&request);
                self.settle(claim, &reply, &lock, keeps(&reply));
                reply
            }
        }
    }

    /// Passes where a request was not answered before, nor is under way; without a claim.
    fn answered(&self, id: &str, request: &str, lock: &Lock) -> Result<(), Rejected> {
        let Some(found) = RECORDS.get(&*self.services.documents, id)? else {
            return Ok(());
        };
        match found.body.standing(request, id::now(), lock) {
            Standing::Other | Standing::Free(_) => Ok(()),
            Standing::Busy(seconds) => Err(in_use(seconds)),
            Standing::Answered(reply) => Err(Rejected::Answered(Box::new(reply))),
            Standing::Lost => Err(lost()),
        }
    }

    fn claim(&self, id: String, request: String, lock: &Lock) -> Result<Claim, Rejected> {
        let documents = &*self.services.documents;
        let now = id::now();
        let record = Record::begun(request.clone(), now);
        let mut writes = vec![RECORDS.insert(&id, &record)?];
        match self.expired(&id, now) {
            Ok(sweep) => writes.extend(sweep),
            Err(error) => eprintln!("old records are swept another time: {error:?}"),
        }
        let inserted = match documents.commit(&writes, &[]) {
            // What is swept may be swept by another, too.
            Err(CommitFailure::Refused(refusals)) if refusals.iter().all(|refusal| refusal.write > 0) => {
                documents.commit(&[RECORDS.insert(&id, &record)?], &[])
            }
            outcome => outcome,
        };
        match inserted {
            Ok(()) => {
                return Ok(Claim {
                    record,
                    id,
                    version: 1,
                });
            }
            Err(CommitFailure::Refused(_)) => {}
            Err(failure) => return Err(Error::from(failure).into()),
        }
        let Some(found) = RECORDS.get(documents, &id)? else {
            return Err(in_use(1));
        };
        match found.body.standing(&request, now, lock) {
            Standing::Other => {
                let message =
                    "This Idempotency-Key came with another request before. Take a new one for each.";
                Err(refused(
                    StatusCode::UNPROCESSABLE_ENTITY,
                    "IDEMPOTENCY_KEY_REUSED",
                    message,
                )
                .into())
            }
            Standing::Busy(seconds) => Err(in_use(seconds)),
            Standing::Answered(reply) => Err(Rejected::Answered(Box::new(reply))),
            Standing::Lost => Err(lost()),
            Standing::Free(first_id) => {
                let place = Stored {
                    id,
                    version: found.version,
                    body: record.again(first_id),
                };
                match documents.commit(&[RECORDS.replace(&place)?], &[]) {
                    Ok(()) => Ok(Claim {
                        record: place.body,
                        id: place.id,
                        version: place.version + 1,
                    }),
                    Err(CommitFailure::Refused(_)) => Err(in_use(1)),
                    Err(failure) => Err(Error::from(failure).into()),
                }
            }
        }
    }

    /// The deletions of some records that are over, for one in sixteen keys: as many go as come.
    fn expired(&self, id: &str, now: u64) -> Result<Vec<Write>, Error> {
        if !id.starts_with('0') {
            return Ok(Vec::new());
        }
        let expired = pruning::over(&*self.services.documents, &RECORDS, "expiresAt", now, SWEPT)?;
        let others = expired.iter().filter(|record| record.id != id);
        Ok(others.map(|record| RECORDS.delete(record)).collect())
    }

    /// Keeps an answer, or gives the claim up. A failure costs the answer its being kept, and nothing else.
    fn settle(&self, claim: Claim, reply: &Reply, lock: &Lock, keep: bool) {
        let Claim { record, id, version } = claim;
        let large = || {
            let message = "It was done; its answer was too large to be kept. Look at what it made.";
            refused(StatusCode::CONFLICT, "CONFLICT", message).reply("")
        };
        let write = if keep {
            let answered = if reply.body().len() <= LARGEST {
                record.answered(reply, lock)
            } else {
                record.answered(&large(), lock)
            };
            answered.and_then(|body| RECORDS.replace(&Stored { id, version, body }))
        } else {
            // Not deleted: what failed may have been done all the same, and whoever tries again has to make things under the same ids.
            let body = record.given_up();
            RECORDS.replace(&Stored { id, version, body })
        };
        let outcome = write.and_then(|write| Ok(self.services.documents.commit(&[write], &[])?));
        if let Err(error) = outcome {
            eprintln!("the answer to a request with an Idempotency-Key was not kept: {error:?}");
        }
    }
}

/// Why a request is not executed.
enum Rejected {
    Problem(Box<Problem>),
    Answered(Box<Reply>),
}

impl From<Problem> for Rejected {
    fn from(problem: Problem) -> Self {
        Self::Problem(Box::new(problem))
    }
}

impl From<Error> for Rejected {
    fn from(error: Error) -> Self {
        Problem::from(error).into()
    }
}

fn refused(status: StatusCode, code: &'static str, message: &str) -> Problem {
    Problem::new(status, code, message)
}

fn lost() -> Rejected {
    let message = "It was done; its answer can't be read any more. Look at what it made.";
    refused(StatusCode::CONFLICT, "CONFLICT", message).into()
}

fn in_use(seconds: u32) -> Rejected {
    let message = "A request with this Idempotency-Key is under way. Try again in a moment.";
    refused(StatusCode::CONFLICT, "IDEMPOTENCY_KEY_IN_USE", message)
        .retry_after(seconds)
        .into()
}
