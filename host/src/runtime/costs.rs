//! What the pool knows about equal requests: for how long they computed.

use std::collections::HashMap;
use std::hash::{BuildHasher, Hash, Hasher, RandomState};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::Request;
use http::header::AUTHORIZATION;

/// The header of the API key.
pub const API_KEY: &str = "x-api-key";

/// Larger bodies are not compared. The value is in bytes.
const MAX_BODY: usize = 64 << 10;

/// The maximum number of requests in one generation.
const GENERATION: usize = 8192;

/// A request that computes for less time is short.
pub const SHORT: Duration = Duration::from_millis(2);

/// A request that computes for more time is long.
pub const LONG: Duration = Duration::from_millis(20);

/// How long a request is expected to compute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cost {
    /// An equal request was short.
    Short,
    /// No equal request is known, or it was neither short nor long.
    Unknown,
    /// An equal request was long.
    Long,
}

impl Cost {
    /// Returns the cost of a request that computed for this time.
    pub fn of(computed: Duration) -> Self {
        if computed < SHORT {
            Self::Short
        } else if computed < LONG {
            Self::Unknown
        } else {
            Self::Long
        }
    }
}

/// Identifies equal requests: the same method, path, credentials and body.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Key(u64);

/// The costs of recent requests. Requests that are not repeated are forgotten.
#[derive(Default)]
pub struct Costs {
    // Its keys are random, so no client can create two requests with the same hash.
    hasher: RandomState,
    generations: Mutex<Generations>,
}

/// Two generations bound the memory. Reading an entry of the older one moves it into the newer one.
#[derive(Default)]
struct Generations {
    newer: HashMap<Key, Cost>,
    older: HashMap<Key, Cost>,
}

impl Costs {
    /// Returns the key of a request, or `None` if its body is too large to compare.
    pub fn key(&self, request: &Request<Bytes>) -> Option<Key> {
        let body = request.body();
        if body.len() > MAX_BODY {
            return None;
        }
        let mut hasher = self.hasher.build_hasher();
        request.method().hash(&mut hasher);
        request.uri().hash(&mut hasher);
        for name in [API_KEY, AUTHORIZATION.as_str()] {
            let value = request.headers().get(name);
            value.map(http::HeaderValue::as_bytes).hash(&mut hasher);
        }
        hasher.write(body);
        Some(Key(hasher.finish()))
    }

    /// Returns the cost of a request.
    pub fn get(&self, key: Option<Key>) -> Cost {
        let Some(key) = key else { return Cost::Unknown };
        let mut generations = self.generations.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(cost) = generations.newer.get(&key) {
            return *cost;
        }
        let Some(cost) = generations.older.remove(&key) else {
            return Cost::Unknown;
        };
        generations.insert(key, cost);
        cost
    }

    /// Records the cost of a request.
    pub fn set(&self, key: Option<Key>, cost: Cost) {
        if let Some(key) = key {
            let mut generations = self.generations.lock().unwrap_or_else(PoisonError::into_inner);
            generations.insert(key, cost);
        }
    }
}

impl Generations {
    fn insert(&mut self, key: Key, cost: Cost) {
        if self.newer.len() >= GENERATION {
            self.older = std::mem::take(&mut self.newer);
        }
        self.newer.insert(key, cost);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(path: &str, credential: Option<&str>, body: &'static str) -> Request<Bytes> {
        let mut request = Request::post(path);
        if let Some(credential) = credential {
            request = request.header(AUTHORIZATION, credential);
        }
        request.body(Bytes::from(body)).unwrap()
    }

    #[test]
    fn knows_the_cost_of_an_equal_request_only() {
        let costs = Costs::default();
        let known = request("/graphql", None, "{products}");
        costs.set(costs.key(&known), Cost::of(LONG));
        assert_eq!(costs.get(costs.key(&known)), Cost::Long);
        for other in [
            request("/graphql?a", None, "{products}"),
            request("/graphql", Some("Bearer a"), "{products}"),
            request("/graphql", None, "{products }"),
        ] {
            assert_eq!(costs.get(costs.key(&other)), Cost::Unknown);
        }
        costs.set(costs.key(&known), Cost::of(SHORT / 2));
        assert_eq!(costs.get(costs.key(&known)), Cost::Short);
    }

    #[test]
    fn forgets_requests_that_are_not_repeated_and_keeps_the_others() {
        let costs = Costs::default();
        let (repeated, rare) = (Some(Key(u64::MAX)), Some(Key(u64::MAX - 1)));
        costs.set(repeated, Cost::Short);
        costs.set(rare, Cost::Long);
        for number in 0..5 * GENERATION as u64 {
            costs.set(Some(Key(number)), Cost::Long);
            assert_eq!(costs.get(repeated), Cost::Short);
        }
        assert_eq!(costs.get(rare), Cost::Unknown);
        let generations = costs.generations.lock().unwrap();
        assert!(generations.newer.len() + generations.older.len() <= 2 * GENERATION);
    }

    #[test]
    fn does_not_compare_large_bodies() {
        let costs = Costs::default();
        let body = Bytes::from(vec![0; MAX_BODY + 1]);
        assert_eq!(costs.key(&Request::new(body)), None);
    }
}
