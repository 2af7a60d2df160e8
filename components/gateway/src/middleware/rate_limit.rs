//! Rate limits: a number of requests per minute for each user, for the API key, and for each address of other
//! clients.
//!
//! Each request of a batch counts. Further mutations of an operation and a high cost count as further
//! requests. A request is accepted or rejected as a whole. It costs one call of the cache, and a second one
//! for further work. A client that has exceeded its limit costs nothing until the next minute, since the
//! instance remembers it. Without the cache, nothing is limited. Anonymous clients whose address is unknown
//! are not limited. Otherwise one of them could block all of them.

use std::cell::Cell;
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};

use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use mercato_shop::cache::Cache;
use mercato_shop::http::client_address;
use mercato_shop::settings::number::RateLimit;
use mercato_shop::types::Caller;

use crate::http::problem::Problem;

/// In milliseconds.
const MINUTE: u64 = 60_000;

/// The most clients that an instance remembers.
const MAX_EXCEEDED: usize = 10_000;

const LIMIT: HeaderName = HeaderName::from_static("ratelimit-limit");
const REMAINING: HeaderName = HeaderName::from_static("ratelimit-remaining");
const RESET: HeaderName = HeaderName::from_static("ratelimit-reset");

/// The clients that have exceeded their limit in a minute, as this instance has seen it.
#[derive(Debug, Default)]
pub struct Exceeded(Mutex<(u64, HashMap<String, u64>)>);

/// Counts what one request of a client uses in the current minute.
pub struct Counter<'a> {
    cache: &'a dyn Cache,
    exceeded: &'a Exceeded,
    client: String,
    limit: u32,
    now: u64,
    /// The number of requests that this one counts as.
    amount: Cell<u32>,
    /// The use of the client. `None` before the first count, and without the cache.
    used: Cell<Option<u64>>,
}

/// Returns the counter of a request. `None` if the client is not limited.
pub fn counter<'a>(
    cache: &'a dyn Cache,
    exceeded: &'a Exceeded,
    setting: RateLimit,
    address: Option<&str>,
    caller: impl FnOnce() -> Caller,
    now: u64,
) -> Option<Counter<'a>> {
    let ip: Option<IpAddr> = address.and_then(|address| address.parse().ok());
    let limit = match setting {
        RateLimit::Off => return None,
        RateLimit::PublicClients(_) if !ip.is_some_and(client_address::is_public) => return None,
        RateLimit::PublicClients(limit) | RateLimit::AllClients(limit) => limit,
    };
    let client = match (caller(), address) {
        (Caller::User(user), _) => format!("user.{}", user.user_id),
        (Caller::ApiKey, _) if matches!(setting, RateLimit::PublicClients(_)) => return None,
        (Caller::ApiKey, _) => "key".to_owned(),
        (Caller::Anonymous, Some(address)) => {
            let network = ip.map_or_else(|| address.to_owned(), client_address::network);
            format!("address.{network}")
        }
        (Caller::Anonymous, None) => return None,
    };
    Some(Counter {
        cache,
        exceeded,
        client,
        limit,
        now,
        amount: Cell::new(0),
        used: Cell::new(None),
    })
}

impl Exceeded {
    /// Locks the clients of this minute.
    fn of(&self, minute: u64) -> MutexGuard<'_, (u64, HashMap<String, u64>)> {
        let mut exceeded = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if exceeded.0 != minute {
            *exceeded = (minute, HashMap::new());
        }
        exceeded
    }
}

impl Counter<'_> {
    /// Counts a number of requests, including those that will be rejected.
    ///
    /// # Errors
    /// RATE_LIMITED if the client exceeds the limit.
    pub fn count(&self, amount: u32) -> Result<(), Problem> {
        let minute = self.now / MINUTE;
        self.amount.set(self.amount.get().saturating_add(amount));
        let known = self.exceeded.of(minute).1.get(&self.client).copied();
        let used = known.or_else(|| {
            let key = format!("gateway.rate.{minute}.{}", self.client);
            let used = self.cache.increment(&key, i64::from(amount), MINUTE)?;
            Some(u64::try_from(used).unwrap_or(0))
        });
        self.used.set(used);
        match used {
            Some(used) if used > u64::from(self.limit) => {
                let mut exceeded = self.exceeded.of(minute);
                if exceeded.1.len() < MAX_EXCEEDED {
                    exceeded.1.insert(self.client.clone(), used);
                }
                Err(self.problem())
            }
            _ => Ok(()),
        }
    }

    /// Returns the seconds until the next minute.
    fn reset(&self) -> u32 {
        let left = MINUTE.saturating_sub(self.now % MINUTE);
        u32::try_from(left.div_ceil(1000)).unwrap_or(60)
    }

    fn problem(&self) -> Problem {
        let (amount, limit, reset) = (self.amount.get(), self.limit, self.reset());
        let hint = if amount > limit {
            format!(
                " This one counts as {amount}, by its operations, their mutations and their cost. Send less at once."
            )
        } else {
            String::new()
        };
        let detail = format!("The limit is {limit} requests per minute.{hint} Try again in {reset} seconds.");
        Problem::new(StatusCode::TOO_MANY_REQUESTS, "RATE_LIMITED", detail).retry_after(reset)
    }

    /// Adds the three headers of draft-ietf-httpapi-ratelimit-headers-07.
    pub fn write(&self, headers: &mut HeaderMap) {
        let Some(used) = self.used.get() else { return };
        let remaining = u64::from(self.limit).saturating_sub(used);
        headers.insert(LIMIT, HeaderValue::from(self.limit));
        headers.insert(REMAINING, HeaderValue::from(remaining));
        headers.insert(RESET, HeaderValue::from(self.reset()));
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use mercato_shop::testing::TestPorts;
    use mercato_shop::types::{Role, SignedIn};

    use super::*;

    /// Counts the calls of the cache.
    struct CountedCache(TestPorts, AtomicU32);

    impl CountedCache {
        fn new() -> Self {
            Self(TestPorts::new(&[], &[]), AtomicU32::default())
        }
    }

    impl Cache for CountedCache {
        fn get_many(&self, keys: &[String]) -> Vec<Option<Vec<u8>>> {
            Cache::get_many(&self.0, keys)
        }

        fn set(&self, key: &str, value: &[u8], ttl: u64) {
            self.0.set(key, value, ttl);
        }

        fn delete(&self, keys: &[String]) {
            self.0.delete(keys);
        }

        fn increment(&self, key: &str, by: i64, ttl: u64) -> Option<i64> {
            self.1.fetch_add(1, Ordering::Relaxed);
            self.0.increment(key, by, ttl)
        }
    }

    fn user() -> Caller {
        Caller::User(SignedIn {
            user_id: "ada".into(),
            role: Role::Customer,
            session_id: None,
        })
    }

    #[test]
    fn counts_only_public_clients_by_default_and_all_clients_of_a_set_limit() {
        let (cache, exceeded) = (CountedCache::new(), Exceeded::default());
        let is_counted = |setting, address, caller: Caller| {
            counter(&cache, &exceeded, setting, address, || caller, 0).is_some()
        };
        for (address, caller, by_default, if_set) in [
            (Some("203.0.113.9"), Caller::Anonymous, true, true),
            (Some("2001:db8::1"), user(), true, true),
            (Some("203.0.113.9"), Caller::ApiKey, false, true),
            (Some("127.0.0.1"), Caller::Anonymous, false, true),
            (Some("10.1.2.3"), user(), false, true),
            (Some("fd00::1"), Caller::Anonymous, false, true),
            (Some("unknown"), Caller::Anonymous, false, true),
            (None, user(), false, true),
            (None, Caller::Anonymous, false, false),
        ] {
            let (default, set) = (RateLimit::PublicClients(1), RateLimit::AllClients(1));
            assert_eq!(
                is_counted(default, address, caller.clone()),
                by_default,
                "{address:?}"
            );
            assert_eq!(is_counted(set, address, caller.clone()), if_set, "{address:?}");
            assert!(!is_counted(RateLimit::Off, address, caller));
        }
    }

    #[test]
    fn a_refused_client_costs_no_call_until_the_next_minute() {
        let (cache, exceeded) = (CountedCache::new(), Exceeded::default());
        let count = |now| {
            let counter = counter(
                &cache,
                &exceeded,
                RateLimit::PublicClients(3),
                Some("203.0.113.9"),
                || Caller::Anonymous,
                now,
            );
            counter.unwrap().count(1).is_ok()
        };
        let accepted = (0..50).filter(|_| count(1)).count();
        assert_eq!((accepted, cache.1.load(Ordering::Relaxed)), (3, 4));
        assert!(count(MINUTE + 1));
        assert_eq!(cache.1.load(Ordering::Relaxed), 5);
    }

    #[test]
    fn addresses_of_one_network_share_a_limit() {
        let (cache, exceeded) = (CountedCache::new(), Exceeded::default());
        let count = |address| {
            let setting = RateLimit::AllClients(1);
            let counter = counter(&cache, &exceeded, setting, Some(address), || Caller::Anonymous, 0);
            counter.unwrap().count(1).is_ok()
        };
        assert!(count("2001:db8::1") && !count("2001:db8::2"));
        assert!(count("2001:db8:0:1::1"));
        assert!(count("203.0.113.9") && count("203.0.113.10"));
    }

    #[test]
    fn nothing_is_limited_without_a_cache() {
        let (cache, exceeded) = (TestPorts::new(&[], &[]), Exceeded::default());
        cache.set("gateway.rate.0.key", b"not a number", MINUTE);
        let counter = counter(
            &cache,
            &exceeded,
            RateLimit::AllClients(1),
            None,
            || Caller::ApiKey,
            0,
        );
        let counter = counter.unwrap();
        assert!((0..3).all(|_| counter.count(1).is_ok()));
        let mut headers = HeaderMap::new();
        counter.write(&mut headers);
        assert!(headers.is_empty());
    }
}
