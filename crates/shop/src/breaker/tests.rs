#![allow(clippy::unwrap_used, reason = "tests")]

use std::cell::RefCell;
use std::collections::HashMap;

use super::*;

/// A cache that forgets nothing by itself, and may be away.
#[derive(Debug, Default)]
struct Kept(RefCell<HashMap<String, Vec<u8>>>, bool);

impl Kept {
    /// Has the pause be over.
    fn pass_time(&self) {
        let past = self.increment("time", 1, MEMORY).unwrap();
        self.keep("test.open", past.to_string().as_bytes(), MEMORY);
    }

    /// Has what a probe has claimed expire.
    fn forget_probes(&self) {
        self.0
            .borrow_mut()
            .retain(|key, _| !key.starts_with("test.probe"));
    }
}

impl Cache for Kept {
    fn cached(&self, keys: &[String]) -> Vec<Option<Vec<u8>>> {
        let kept = self.0.borrow();
        let find = |key: &String| kept.get(key).filter(|_| !self.1).cloned();
        keys.iter().map(find).collect()
    }

    fn keep(&self, key: &str, value: &[u8], ttl: u64) {
        // What is to be gone at once is gone at once.
        if ttl > 1 {
            self.0.borrow_mut().insert(key.into(), value.into());
        } else {
            self.0.borrow_mut().remove(key);
        }
    }

    fn increment(&self, key: &str, by: i64, _: u64) -> Option<i64> {
        if self.1 {
            return None;
        }
        let sum = number(self.0.borrow().get(key).cloned()).unwrap_or(0) + by;
        let digits = sum.to_string().into_bytes();
        self.0.borrow_mut().insert(key.into(), digits);
        Some(sum)
    }
}

fn ask(breaker: &Breaker<'_, Kept>, works: bool) -> bool {
    let pass = breaker.enter();
    pass.map(|pass| breaker.note(&pass, works)).is_ok()
}

fn open(cache: &Kept) -> Breaker<'_, Kept> {
    let breaker = Breaker::new(cache, "test");
    for _ in 0..FAILURES {
        assert!(ask(&breaker, false));
    }
    breaker
}

#[test]
fn failures_in_a_row_open_it_for_the_pause() {
    let cache = Kept::default();
    let breaker = open(&cache);
    let left = breaker.enter().unwrap_err();
    assert!((PAUSE - 1_000..=PAUSE).contains(&left), "{left}");
    let longer = Kept::default();
    for _ in 0..FAILURES {
        ask(&Breaker::new(&longer, "test").pausing(60_000), false);
    }
    assert!(Breaker::new(&longer, "test").enter().unwrap_err() > 59_000);
}

#[test]
fn others_hear_for_how_many_seconds() {
    let cache = Kept::default();
    let breaker = open(&cache);
    let answer = breaker.through(|| Ok(()), |_| true, |seconds| seconds);
    assert_eq!(answer, Err(10));
    cache.pass_time();
    let _probe = breaker.enter().unwrap();
    assert_eq!(breaker.through(|| Ok(()), |_| true, |seconds| seconds), Err(1));
}

#[test]
fn after_the_pause_one_alone_gets_through() {
    let cache = Kept::default();
    let breaker = open(&cache);
    cache.pass_time();
    let probe = breaker.enter().unwrap();
    let other = Breaker::new(&cache, "test");
    assert_eq!(other.enter().unwrap_err(), MEANWHILE);
    assert_eq!(breaker.enter().unwrap_err(), MEANWHILE);
    breaker.note(&probe, true);
    assert!(other.enter().is_ok() && breaker.enter().is_ok());
}

#[test]
fn its_success_closes_it_and_all_is_counted_from_zero() {
    let cache = Kept::default();
    let breaker = open(&cache);
    cache.pass_time();
    assert!(ask(&breaker, true));
    for _ in 0..FAILURES {
        assert!(ask(&breaker, false));
    }
    assert!(breaker.enter().is_err());
}

#[test]
fn its_failure_opens_it_again_also_where_the_others_are_forgotten() {
    let cache = Kept::default();
    let breaker = open(&cache);
    for _ in 0..3 {
        cache.0.borrow_mut().remove("test.failures");
        cache.pass_time();
        assert!(ask(&breaker, false));
        assert!(breaker.enter().unwrap_err() > MEANWHILE);
    }
}

#[test]
fn what_was_asked_before_it_opened_does_not_close_it() {
    let cache = Kept::default();
    let early = Breaker::new(&cache, "test").enter().unwrap();
    let breaker = open(&cache);
    breaker.note(&early, true);
    assert!(breaker.enter().is_err());
    cache.pass_time();
    let _probe = breaker.enter().unwrap();
    breaker.note(&early, true);
    assert!(breaker.enter().is_err());
}

#[test]
fn a_probe_that_never_tells_is_followed_by_another() {
    let cache = Kept::default();
    let breaker = open(&cache);
    cache.pass_time();
    let _ended = breaker.enter().unwrap();
    assert!(breaker.enter().is_err());
    cache.forget_probes();
    assert!(ask(&breaker, true));
    assert!(breaker.enter().is_ok());
}

#[test]
fn successes_at_once_leave_no_credit_for_failures_to_come() {
    let cache = Kept::default();
    let breaker = Breaker::new(&cache, "test");
    for _ in 1..FAILURES {
        ask(&breaker, false);
    }
    let two = [breaker.enter().unwrap(), breaker.enter().unwrap()];
    two.iter().for_each(|pass| breaker.note(pass, true));
    open(&cache);
    assert!(breaker.enter().is_err());
}

#[test]
fn without_a_cache_it_is_closed() {
    let away = Kept(RefCell::default(), true);
    let breaker = Breaker::new(&away, "test");
    for _ in 0..2 * FAILURES {
        assert!(ask(&breaker, false));
    }
}
