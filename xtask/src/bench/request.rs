//! The requests of a load.

use serde_json::Value;

use super::http::post_as;
use crate::api::body;

/// What a request does. The changes that succeeded must be found in the shop afterwards.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Changes nothing that is counted.
    Other,
    /// Puts one unit into the cart of a shopper.
    Cart,
    /// Orders one unit.
    Order,
}

/// A request that is sent many times.
#[derive(Clone, Debug)]
pub struct Request {
    /// The bytes on the wire.
    pub bytes: Vec<u8>,
    /// What it does.
    pub kind: Kind,
    /// The body of each answer, if the answer never changes.
    pub answer: Option<Vec<u8>>,
}

impl Request {
    /// Writes a request of GraphQL, as the user with this access token.
    pub fn new(kind: Kind, token: Option<&str>, query: &str, variables: &Value) -> Self {
        Self {
            bytes: post_as(token, &body(query, variables)),
            kind,
            answer: None,
        }
    }
}

/// The requests of a load, and the order in which each connection sends them.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    /// All requests.
    pub requests: Vec<Request>,
    /// The numbers of the requests of each connection. After the last one, it begins again.
    pub orders: Vec<Vec<usize>>,
}

impl Plan {
    /// Makes every connection send all requests, each in another order.
    pub fn shared(requests: Vec<Request>, connections: usize) -> Self {
        let orders = (0..connections)
            .map(|connection| shuffled((0..requests.len()).collect(), connection))
            .collect();
        Self { requests, orders }
    }

    /// Makes each connection send other requests.
    pub fn apart(lists: Vec<Vec<Request>>) -> Self {
        let mut plan = Self::default();
        for list in lists {
            let first = plan.requests.len();
            let numbers = (first..first + list.len()).collect();
            plan.orders.push(shuffled(numbers, plan.orders.len()));
            plan.requests.extend(list);
        }
        plan
    }
}

/// Returns the numbers in an order that is random, but the same in each run.
pub fn shuffled(mut numbers: Vec<usize>, seed: usize) -> Vec<usize> {
    fastrand::Rng::with_seed(seed as u64).shuffle(&mut numbers);
    numbers
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_connection_sends_its_requests_in_another_order() {
        let requests = |count| vec![Request::new(Kind::Other, None, "{a}", &Value::Null); count];
        let plan = Plan::shared(requests(50), 2);
        let [first, second] = plan.orders.as_slice() else {
            panic!("there are two connections")
        };
        assert_ne!(first, second);
        let mut sorted = first.clone();
        sorted.sort_unstable();
        assert_eq!(sorted, (0..50).collect::<Vec<_>>());
        let plan = Plan::apart(vec![requests(2), requests(1)]);
        assert_eq!((plan.requests.len(), &plan.orders[1]), (3, &vec![2]));
    }
}
