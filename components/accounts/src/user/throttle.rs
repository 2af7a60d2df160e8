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
//! The last two do not limit an address that the account has a session from. An attempt is counted before its
//! password is checked, so that concurrent attempts can't all pass, and is taken back if it succeeds. If the
//! cache is unavailable, nothing is limited.

use std::net::{IpAddr, Ipv6Addr};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use mercato_shop::cache::Cache;
use mercato_shop::id;
use mercato_shop::ports::Ports;
use mercato_shop::settings::number;
use mercato_shop::types::Error;
use sha2::{Digest, Sha256};

use crate::repository::sessions_of;

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
        /// Whether this is the first attempt in the window that is limited.
        is_first: bool,
    },
}

/// A counted attempt.
pub struct Attempt {
    counters: Vec<String>,
    ttl: u64,
}

impl Attempt {
    /// Takes the attempt back, since it succeeded.
    pub fn forgive(&self, cache: &impl Cache) {
        for key in &self.counters {
            cache.increment(key, -1, self.ttl);
        }
    }
}

/// Allows an owner who has proved to own the account to sign in from an address again, after failures there.
pub fn forget(ports: &impl Cache, username_key: &str, address: Option<&str>) {
    let window = id::now() / WINDOW;
    let network = address.map(network).unwrap_or_default();
    ports.delete(&[counter(window, &["pair", username_key, &network])]);
}

/// Counts an attempt to sign in under a user name. `user_id` is the id of that user, if there is one.
pub fn admit(
    ports: &(impl Ports + Cache),
    username_key: &str,
    user_id: Option<&str>,
    origin: Origin<'_>,
) -> Result<Admission, Error> {
    let limit = i64::from(number::SIGN_IN_FAILURES.of(ports)?);
    let now = id::now();
    let (window, ttl) = (now / WINDOW, WINDOW - now % WINDOW);
    let network = match origin {
        Origin::Owner => None,
        Origin::Address(address) => address.map(network),
    };
    let narrow = match origin {
        Origin::Owner => counter(window, &["owner", username_key]),
        Origin::Address(_) => {
            let network = network.as_deref().unwrap_or_default();
            counter(window, &["pair", username_key, network])
        }
    };
    let limited = |count: i64, limit: i64| Admission::Limited {
        seconds: u32::try_from(ttl.div_ceil(1_000)).unwrap_or(u32::MAX),
        is_first: count == limit.saturating_add(1),
    };
    let add = |key: &str| ports.increment(key, 1, ttl).unwrap_or_default();
    let count = add(&narrow);
    if count > limit {
        return Ok(limited(count, limit));
    }
    let mut counters = vec![narrow];
    if let Some(network) = network {
        let limit = limit.saturating_mul(WIDE_FACTOR);
        for wide in [&["account", username_key], &["address", network.as_str()]] {
            let key = counter(window, wide);
            let count = add(&key);
            if count > limit && !has_session_from(ports, user_id, &network)? {
                return Ok(limited(count, limit));
            }
            counters.push(key);
        }
    }
    Ok(Admission::Allowed(Attempt { counters, ttl }))
}

fn has_session_from(ports: &impl Ports, user_id: Option<&str>, from: &str) -> Result<bool, Error> {
    let Some(user_id) = user_id else {
        return Ok(false);
    };
    let is_from = |address: &str| network(address) == from;
    let sessions = sessions_of(ports, user_id)?;
    Ok(sessions
        .iter()
        .any(|session| session.body.address.as_deref().is_some_and(is_from)))
}

/// Returns what an address counts as. One client can have many IPv6 addresses, so the first 64 bits of those
/// count.
fn network(address: &str) -> String {
    match address.parse() {
        Ok(IpAddr::V6(address)) => match address.to_ipv4_mapped() {
            Some(address) => address.to_string(),
            None => Ipv6Addr::from_bits(address.to_bits() >> 64 << 64).to_string(),
        },
        _ => address.to_owned(),
    }
}

/// Returns the cache key of a counter. It is a hash, so that the cache has neither names nor addresses.
fn counter(window: u64, parts: &[&str]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part.len().to_le_bytes());
        hash.update(part);
    }
    let name = URL_SAFE_NO_PAD.encode(hash.finalize());
    format!("accounts.attempts.{window}.{name}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_an_address_by_its_network() {
        assert_eq!(network("192.0.2.7"), "192.0.2.7");
        assert_eq!(network("::ffff:192.0.2.7"), "192.0.2.7");
        assert_eq!(network("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::");
        assert_eq!(network("2001:db8:1:2::9"), network("2001:db8:1:2:3:4:5:6"));
        assert_eq!(network("unix:"), "unix:");
    }

    #[test]
    fn separates_counters_by_each_part() {
        assert_ne!(counter(1, &["ab", "c"]), counter(1, &["a", "bc"]));
        assert_ne!(counter(1, &["a"]), counter(2, &["a"]));
    }
}
