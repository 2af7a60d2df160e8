#![allow(clippy::unwrap_used, reason = "tests")]

use std::cell::RefCell;
use std::collections::HashMap;

use super::*;

/// A cache whose values never expire, and that can be unavailable.
#[derive(Debug, Default)]
struct TestCache {
    values: RefCell<HashMap<String, Vec<u8>>>,
    unavailable: bool,
}

impl TestCache {
    /// Ends the pause of a breaker.
    fn end_pause(&self) {
        let past = self.increment("time", 1, FAILURES_TTL).unwrap();
        self.set("test.open", past.to_string().as_bytes(), FAILURES_TTL);
    }

    fn expire_probes(&self) {
        let mut values = self.values.borrow_mut();
        values.retain(|key, _| !key.starts_with("test.probe"));
    }
}

impl Cache for TestCache {
    fn get_many(&self, keys: &[String]) -> Vec<Option<Vec<u8>>> {
        let values = self.values.borrow();
        let find = |key: &String| values.get(key).filter(|_| !self.unavailable).cloned();
        keys.iter().map(find).collect()
    }

    fn set(&self, key: &str, value: &[u8], _: u64) {
        self.values.borrow_mut().insert(key.into(), value.into());
    }

    fn delete(&self, keys: &[String]) {
        let mut values = self.values.borrow_mut();
        values.retain(|key, _| !keys.contains(key));
    }

    fn increment(&self, key: &str, by: i64, _: u64) -> Option<i64> {
        if self.unavailable {
            return None;
        }
        let sum = parse(self.values.borrow().get(key).cloned()).unwrap_or(0) + by;
        self.set(key, sum.to_string().as_bytes(), 0);
        Some(sum)
    }
}

/// Sends a request that succeeds or fails. Returns whether the breaker let it through.
fn request(breaker: &Breaker<'_, TestCache>, succeeds: bool) -> bool {
    let permit = breaker.acquire();
    permit.map(|permit| breaker.record(&permit, succeeds)).is_ok()
}

fn open_breaker(cache: &TestCache) -> Breaker<'_, TestCache> {
    let breaker = Breaker::new(cache, "test");
    for _ in 0..MAX_FAILURES {
        assert!(request(&breaker, false));
    }
    breaker
}

#[test]
fn failures_in_a_row_open_the_breaker_for_the_pause() {
    let cache = TestCache::default();
    let breaker = open_breaker(&cache);
    let wait = breaker.acquire().unwrap_err();
    assert!((DEFAULT_PAUSE - 1_000..=DEFAULT_PAUSE).contains(&wait), "{wait}");
    let other = TestCache::default();
    for _ in 0..MAX_FAILURES {
        request(&Breaker::new(&other, "test").with_pause(60_000), false);
    }
    assert!(Breaker::new(&other, "test").acquire().unwrap_err() > 59_000);
}

#[test]
fn refuses_requests_with_the_seconds_to_wait() {
    let cache = TestCache::default();
    let breaker = open_breaker(&cache);
    let result = breaker.call(|| Ok(()), |_| true, |seconds| seconds);
    assert_eq!(result, Err(10));
    cache.end_pause();
    let _probe = breaker.acquire().unwrap();
    assert_eq!(breaker.call(|| Ok(()), |_| true, |seconds| seconds), Err(1));
}

#[test]
fn lets_only_one_probe_through_after_the_pause() {
    let cache = TestCache::default();
    let breaker = open_breaker(&cache);
    cache.end_pause();
    let probe = breaker.acquire().unwrap();
    let other = Breaker::new(&cache, "test");
    assert_eq!(other.acquire().unwrap_err(), PROBE_WAIT);
    assert_eq!(breaker.acquire().unwrap_err(), PROBE_WAIT);
    breaker.record(&probe, true);
    assert!(other.acquire().is_ok() && breaker.acquire().is_ok());
}

#[test]
fn a_successful_probe_closes_the_breaker_and_resets_the_failures() {
    let cache = TestCache::default();
    let breaker = open_breaker(&cache);
    cache.end_pause();
    assert!(request(&breaker, true));
    for _ in 0..MAX_FAILURES {
        assert!(request(&breaker, false));
    }
    assert!(breaker.acquire().is_err());
}

#[test]
fn a_failed_probe_opens_the_breaker_even_if_the_failures_have_expired() {
    let cache = TestCache::default();
    let breaker = open_breaker(&cache);
    for _ in 0..3 {
        cache.delete(&["test.failures".into()]);
        cache.end_pause();
        assert!(request(&breaker, false));
        assert!(breaker.acquire().unwrap_err() > PROBE_WAIT);
    }
}

#[test]
fn a_request_from_before_the_breaker_opened_does_not_close_it() {
    let cache = TestCache::default();
    let early = Breaker::new(&cache, "test").acquire().unwrap();
    let breaker = open_breaker(&cache);
    breaker.record(&early, true);
    assert!(breaker.acquire().is_err());
    cache.end_pause();
    let _probe = breaker.acquire().unwrap();
    breaker.record(&early, true);
    assert!(breaker.acquire().is_err());
}

#[test]
fn another_probe_follows_one_without_a_result() {
    let cache = TestCache::default();
    let breaker = open_breaker(&cache);
    cache.end_pause();
    let _probe = breaker.acquire().unwrap();
    assert!(breaker.acquire().is_err());
    cache.expire_probes();
    assert!(request(&breaker, true));
    assert!(breaker.acquire().is_ok());
}

#[test]
fn concurrent_successes_do_not_make_up_for_later_failures() {
    let cache = TestCache::default();
    let breaker = Breaker::new(&cache, "test");
    for _ in 1..MAX_FAILURES {
        request(&breaker, false);
    }
    let permits = [breaker.acquire().unwrap(), breaker.acquire().unwrap()];
    permits.iter().for_each(|permit| breaker.record(permit, true));
    open_breaker(&cache);
    assert!(breaker.acquire().is_err());
}

#[test]
fn is_closed_without_a_cache() {
    let cache = TestCache {
        unavailable: true,
        ..TestCache::default()
    };
    let breaker = Breaker::new(&cache, "test");
    for _ in 0..2 * MAX_FAILURES {
        assert!(request(&breaker, false));
    }
}
