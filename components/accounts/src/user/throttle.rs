//! Limits failed sign-ins, so that guessing a password is slow and a stranger can't lock an owner out.
//!
//! Failures are counted in windows of 15 minutes:
//!
//! | counter | limits | limit |
//! |---|---|---|
//! | account and address | one address at one account | `SIGN_IN_FAILURES` |
//! | account and owner | an owner with the access token of another session | `SIGN_IN_FAILURES` |
//! | account | guesses from many addresses | ten times as many |
//! | address | guesses at many accounts | ten times as many |
//!
//! The last two do not limit an address that the account has a session from. The counters are documents, so
//! they survive a restart and the loss of the cache. An attempt is counted by one commit before its password
//! is checked, so that concurrent attempts can't all pass. The commit of its success takes it back.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use mercato_ports::documents::{Change, CommitFailure, Write};
use mercato_ports::events::Event;
use mercato_shop::id;
use mercato_shop::ports::Ports;
use mercato_shop::pruning::prune;
use mercato_shop::retry::retry_on_conflict;
use mercato_shop::settings::number;
use mercato_shop::types::Error;

use crate::address_limit::network;
use crate::mac;
use crate::repository::{ATTEMPTS, AttemptsBody, sessions_of};

/// In milliseconds.
const WINDOW: u64 = 15 * 60 * 1_000;

/// The limits of an account and of an address are this many times `SIGN_IN_FAILURES`.
const WIDE_FACTOR: i64 = 10;

/// Where an attempt comes from.
#[derive(Clone, Copy, Debug)]
pub enum Origin<'a> {
    /// The owner of the account, signed in already.
    Owner,
    /// A client at this address, if it is known.
    Address(Option<&'a str>),
}

pub enum Admission {
    Allowed(Attempt),
    Limited {
        /// How long to wait.
        seconds: u32,
        /// The first attempt that is refused in a window has a write. Its commit makes later ones have none.
        first: Option<Write>,
    },
}

/// A counted attempt.
pub struct Attempt {
    /// The ids of its counters.
    counters: Vec<String>,
}

/// A number of attempts in a window.
struct Counter {
    id: String,
    limit: i64,
    /// Whether it does not limit an address that the account has a session from.
    is_wide: bool,
}

impl Attempt {
    /// Commits the success of the attempt, and takes the attempt back.
    pub fn commit(
        &self,
        ports: &impl Ports,
        mut writes: Vec<Write>,
        events: &[Event],
    ) -> Result<(), CommitFailure> {
        let own = writes.len();
        writes.extend(self.returns());
        match ports.commit(&writes, events) {
            // The window ended, and its counters are deleted.
            Err(CommitFailure::Refused(refusals))
                if refusals.iter().all(|refusal| refusal.write as usize >= own) =>
            {
                writes.truncate(own);
                ports.commit(&writes, events)
            }
            outcome => outcome,
        }
    }

    /// Takes the attempt back, since it succeeded or its password was not checked. Logs a failure of the
    /// store.
    pub fn forgive(&self, ports: &impl Ports) {
        let writes: Vec<_> = self.returns().collect();
        if let Err(CommitFailure::Failed(failure)) = ports.commit(&writes, &[]) {
            eprintln!("an attempt to sign in was not taken back: {failure:?}");
        }
    }

    fn returns(&self) -> impl Iterator<Item = Write> {
        self.counters.iter().map(|id| add(id, "left", 1, None))
    }
}

/// Counts an attempt to sign in under a user name. `user_id` is the id of that user, if there is one.
pub fn admit(
    ports: &impl Ports,
    username_key: &str,
    user_id: Option<&str>,
    origin: Origin<'_>,
) -> Result<Admission, Error> {
    let now = id::now();
    let (window, wait) = (now / WINDOW, WINDOW - now % WINDOW);
    let network = match origin {
        Origin::Owner => None,
        Origin::Address(address) => address.map(network),
    };
    let counters = counters(ports, window, username_key, origin, network.as_deref())?;
    let ids: Vec<_> = counters.iter().map(|counter| counter.id.clone()).collect();
    let busy = || Error::Unavailable("Too many attempts at the same time. Try again in a moment.".into());
    retry_on_conflict(busy, || {
        let (mut writes, mut counted, mut added) = (Vec::new(), Vec::new(), Vec::new());
        for (counter, found) in counters.iter().zip(ATTEMPTS.get_many(ports, &ids)?) {
            let unreported = found.as_ref().is_some_and(|found| found.body.unreported > 0);
            match found.map(|found| found.body.left) {
                None => {
                    let body = AttemptsBody {
                        left: counter.limit - 1,
                        unreported: 1,
                        expires_at: now + wait,
                    };
                    writes.push(ATTEMPTS.insert(&counter.id, &body)?);
                    added.push(&counter.id);
                }
                Some(1..) => writes.push(add(&counter.id, "left", -1, Some(0))),
                Some(_) if counter.is_wide && has_session_from(ports, user_id, network.as_deref())? => {
                    continue;
                }
                Some(_) => {
                    return Ok(Admission::Limited {
                        seconds: u32::try_from(wait.div_ceil(1_000)).unwrap_or(u32::MAX),
                        first: unreported.then(|| add(&counter.id, "unreported", -1, Some(0))),
                    });
                }
            }
            counted.push(counter.id.clone());
        }
        ports.commit(&writes, &[])?;
        for id in added {
            prune(ports, &ATTEMPTS, ("expiresAt", now), id, |_| true);
        }
        Ok(Admission::Allowed(Attempt { counters: counted }))
    })
}

/// Returns the write that allows an owner who has proved to own the account to sign in from an address again,
/// after failures there.
pub fn forget(ports: &impl Ports, username_key: &str, address: Option<&str>) -> Result<Option<Write>, Error> {
    let network = address.map(network).unwrap_or_default();
    let id = counter_id(ports, id::now() / WINDOW, &["pair", username_key, &network])?;
    Ok(ATTEMPTS.get(ports, &id)?.map(|found| ATTEMPTS.delete(&found)))
}

/// Returns the counters of an attempt, the narrow one first.
fn counters(
    ports: &impl Ports,
    window: u64,
    username_key: &str,
    origin: Origin<'_>,
    network: Option<&str>,
) -> Result<Vec<Counter>, Error> {
    let limit = i64::from(number::SIGN_IN_FAILURES.of(ports)?);
    let narrow = match origin {
        Origin::Owner => counter_id(ports, window, &["owner", username_key])?,
        Origin::Address(_) => {
            let parts = ["pair", username_key, network.unwrap_or_default()];
            counter_id(ports, window, &parts)?
        }
    };
    let mut counters = vec![Counter {
        id: narrow,
        limit,
        is_wide: false,
    }];
    if let Some(network) = network {
        for wide in [["account", username_key], ["address", network]] {
            counters.push(Counter {
                id: counter_id(ports, window, &wide)?,
                limit: limit.saturating_mul(WIDE_FACTOR),
                is_wide: true,
            });
        }
    }
    Ok(counters)
}

fn add(id: &str, field: &str, by: i64, floor: Option<i64>) -> Write {
    let change = Change {
        field: field.into(),
        by,
        floor,
    };
    ATTEMPTS.adjust(id, vec![change])
}

fn has_session_from(ports: &impl Ports, user_id: Option<&str>, from: Option<&str>) -> Result<bool, Error> {
    let (Some(user_id), Some(from)) = (user_id, from) else {
        return Ok(false);
    };
    let is_from = |address: &str| network(address) == from;
    let sessions = sessions_of(ports, user_id)?;
    Ok(sessions
        .iter()
        .any(|session| session.body.address.as_deref().is_some_and(is_from)))
}

/// Returns the id of a counter. It is a digest with the shop's secret, so that the store has neither names nor
/// addresses.
fn counter_id(ports: &impl Ports, window: u64, parts: &[&str]) -> Result<String, Error> {
    let digest = mac::compute(ports, &[&["attempts"], parts].concat())?;
    Ok(format!("{window}.{}", URL_SAFE_NO_PAD.encode(digest)))
}

#[cfg(test)]
mod tests {
    use mercato_shop::testing::TestPorts;

    use super::*;

    #[test]
    fn separates_counters_by_each_part() {
        let ports = TestPorts::new(&[], &[("API_SECRET", "a secret of more than 16 bytes")]);
        let counter = |window, parts: &[&str]| counter_id(&ports, window, parts).unwrap();
        assert_ne!(counter(1, &["ab", "c"]), counter(1, &["a", "bc"]));
        assert_ne!(counter(1, &["a"]), counter(2, &["a"]));
        assert_eq!(counter(1, &["a"]), counter(1, &["a"]));
    }
}
