//! Rate limits: a number of requests per minute for each user, for the API key, and for each address of other
//! clients.
//!
//! A batch counts as the requests in it, and is accepted or rejected as a whole. A request costs one counter
//! in the cache. Without the cache, nothing is limited. Anonymous clients whose address is unknown are not
//! limited. Otherwise one of them could block all of them.

use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use mercato_shop::cache::Cache;
use mercato_shop::types::Caller;

use crate::http::problem::Problem;

/// In milliseconds.
const MINUTE: u64 = 60_000;

const LIMIT: HeaderName = HeaderName::from_static("ratelimit-limit");
const REMAINING: HeaderName = HeaderName::from_static("ratelimit-remaining");
const RESET: HeaderName = HeaderName::from_static("ratelimit-reset");

/// A caller's use of the limit in the current minute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Allowance {
    limit: u32,
    /// The number of requests in the batch.
    amount: u32,
    used: u64,
    /// The seconds until the next minute.
    reset: u32,
}

/// Counts a number of requests, including those that will be rejected. Returns `None` if they are not
/// limited.
pub fn count(
    cache: &dyn Cache,
    limit: u32,
    amount: u32,
    caller: &Caller,
    address: Option<&str>,
    now: u64,
) -> Option<Allowance> {
    let client = match (caller, address) {
        (Caller::User(user), _) => format!("user.{}", user.user_id),
        (Caller::ApiKey, _) => "key".to_owned(),
        (Caller::Anonymous, Some(address)) => format!("address.{address}"),
        (Caller::Anonymous, None) => return None,
    };
    let key = format!("gateway.rate.{}.{client}", now / MINUTE);
    let used = cache.increment(&key, i64::from(amount), MINUTE)?;
    let left = MINUTE.saturating_sub(now % MINUTE);
    Some(Allowance {
        limit,
        amount,
        used: u64::try_from(used).unwrap_or(0),
        reset: u32::try_from(left.div_ceil(1000)).unwrap_or(60),
    })
}

impl Allowance {
    /// Returns the problem of a request that exceeds the limit.
    pub fn problem(&self) -> Option<Problem> {
        if self.used <= u64::from(self.limit) {
            return None;
        }
        let hint = if self.amount > self.limit {
            format!(
                " A batch counts as the {} requests in it. Send fewer at once.",
                self.amount
            )
        } else {
            String::new()
        };
        let detail = format!(
            "The limit is {} requests per minute.{hint} Try again in {} seconds.",
            self.limit, self.reset
        );
        let problem = Problem::new(StatusCode::TOO_MANY_REQUESTS, "RATE_LIMITED", detail);
        Some(problem.retry_after(self.reset))
    }

    /// Adds the three headers of draft-ietf-httpapi-ratelimit-headers-07.
    pub fn write(&self, headers: &mut HeaderMap) {
        let remaining = u64::from(self.limit).saturating_sub(self.used);
        headers.insert(LIMIT, HeaderValue::from(self.limit));
        headers.insert(REMAINING, HeaderValue::from(remaining));
        headers.insert(RESET, HeaderValue::from(self.reset));
    }
}
