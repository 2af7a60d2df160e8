//! The throttle of sign-ins: guessing is slow, and no stranger can lock an owner out.
//!
//! Failures are counted in windows of 15 minutes. The count of an account and an address together decides for that address alone, and
//! an owner who sends the access token of another session has a count of their own. Those who guess from many addresses, or at
//! many accounts, meet the wider counts of an account and of an address; these do not hold for an address that the account has a
//! session from. An attempt counts before the password is looked at, so that attempts at the same moment can't pass together, and is
//! taken back when it succeeds. Where the cache is away, nothing is counted, and everybody goes on.

use std::net::{IpAddr, Ipv6Addr};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use mercato_shop::cache::Cache;
use mercato_shop::id;
use mercato_shop::settings::number;
use mercato_shop::types::Error;
use sha2::{Digest, Sha256};

use crate::service::{AccountsService, Platform};

const WINDOW: u64 = 15 * 60 * 1_000;

/// By how much the wider counts may be larger.
const WIDER: u64 = 10;

/// Where an attempt comes from.
#[derive(Clone, Copy, Debug)]
pub enum Origin<'a> {
    /// From the owner, who is signed in already.
    Owner,
    /// From this address, if it is known.
    Address(Option<&'a str>),
}

/// What becomes of an attempt.
pub enum Verdict {
    Go(Attempt),
    Wait {
        seconds: u32,
        /// Whether this is the first that has to wait.
        news: bool,
    },
}

/// An attempt that was counted.
pub struct Attempt {
    counters: Vec<String>,
    ttl: u64,
}

impl Attempt {
    /// Takes it back: it succeeded.
    pub fn forgive(&self, cache: &impl Cache) {
        for key in &self.counters {
            cache.increment(key, -1, self.ttl);
        }
    }
}

impl<P: Platform> AccountsService<P> {
    /// Counts an attempt to prove oneself to be the user of this name, who has this id if there is one.
    pub(crate) fn attempt(
        &self,
        username_key: &str,
        user_id: Option<&str>,
        origin: Origin<'_>,
    ) -> Result<Verdict, Error> {
        let limit = i64::from(number::SIGN_IN_FAILURES.of(&self.ports)?);
        let now = id::now();
        let (window, ttl) = (now / WINDOW, WINDOW - now % WINDOW);
        let network = match origin {
            Origin::Owner => None,
            Origin::Address(address) => address.map(network),
        };
        let narrow = match (origin, &network) {
            (Origin::Owner, _) => counter(window, &["owner", username_key]),
            (Origin::Address(_), network) => counter(
                window,
                &["pair", username_key, network.as_deref().unwrap_or_default()],
            ),
        };
        let wait = |count: i64, limit: i64| Verdict::Wait {
            seconds: u32::try_from(ttl.div_ceil(1_000)).unwrap_or(u32::MAX),
            news: count == limit.saturating_add(1),
        };
        let add = |key: &str| self.ports.increment(key, 1, ttl).unwrap_or_default();
        let count = add(&narrow);
        if count > limit {
            return Ok(wait(count, limit));
        }
        let mut counters = vec![narrow];
        if let Some(network) = network {
            let limit = limit.saturating_mul(i64::try_from(WIDER).unwrap_or(1));
            for wide in [&["account", username_key], &["address", network.as_str()]] {
                let key = counter(window, wide);
                let count = add(&key);
                if count > limit && !self.is_known(user_id, &network)? {
                    return Ok(wait(count, limit));
                }
                counters.push(key);
            }
        }
        Ok(Verdict::Go(Attempt { counters, ttl }))
    }

    /// Whether a user is signed in from there.
    fn is_known(&self, user_id: Option<&str>, network: &str) -> Result<bool, Error> {
        let Some(user_id) = user_id else {
            return Ok(false);
        };
        Ok(self.sessions_of(user_id)?.iter().any(|session| {
            let address = session.body.address.as_deref();
            address.is_some_and(|address| self::network(address) == network)
        }))
    }
}

/// What an address counts as: of IPv6, where everybody has many, its first 64 bits.
fn network(address: &str) -> String {
    match address.parse() {
        Ok(IpAddr::V6(address)) => match address.to_ipv4_mapped() {
            Some(address) => address.to_string(),
            None => Ipv6Addr::from_bits(address.to_bits() >> 64 << 64).to_string(),
        },
        _ => address.to_owned(),
    }
}

/// The place of a count in the cache, which learns neither names nor addresses.
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
    fn an_address_counts_as_its_network() {
        assert_eq!(network("192.0.2.7"), "192.0.2.7");
        assert_eq!(network("::ffff:192.0.2.7"), "192.0.2.7");
        assert_eq!(network("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::");
        assert_eq!(network("2001:db8:1:2::9"), network("2001:db8:1:2:3:4:5:6"));
        assert_eq!(network("unix:"), "unix:");
    }

    #[test]
    fn counters_differ_by_each_part() {
        assert_ne!(counter(1, &["ab", "c"]), counter(1, &["a", "bc"]));
        assert_ne!(counter(1, &["a"]), counter(2, &["a"]));
    }
}
