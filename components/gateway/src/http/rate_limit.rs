//! Rate limits: so many requests a minute for each user, for the API key, and for each address of who is neither. A batch counts as the
//! requests in it, and is let through whole or not at all.
//!
//! One counter of the cache a request or batch, and so one call; where the cache is away, everybody is let through. Who proves nothing and whose
//! address is not told is not limited: all of them together would be shut out by one.

use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use mercato_shop::cache::Cache;
use mercato_shop::types::Caller;

use crate::http::Problem;

/// In milliseconds.
const MINUTE: u64 = 60_000;

const LIMIT: HeaderName = HeaderName::from_static("ratelimit-limit");
const REMAINING: HeaderName = HeaderName::from_static("ratelimit-remaining");
const RESET: HeaderName = HeaderName::from_static("ratelimit-reset");

/// What a caller has left of the present minute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Allowance {
    limit: u32,
    /// How many requests came at once.
    amount: u32,
    used: u64,
    /// Seconds until the next minute.
    reset: u32,
}

/// Counts so many requests that came at once; none where they are not limited. Those that are refused count, too.
pub fn count(
    cache: &dyn Cache,
    limit: u32,
    amount: u32,
    caller: &Caller,
    address: Option<&str>,
    now: u64,
) -> Option<Allowance> {
    let whose = match (caller, address) {
        (Caller::User(user), _) => format!("user.{}", user.user_id),
        (Caller::ApiKey, _) => "key".to_owned(),
        (Caller::Anonymous, Some(address)) => format!("address.{address}"),
        (Caller::Anonymous, None) => return None,
    };
    let minute = now / MINUTE;
    let used = cache.increment(
        &format!("gateway.rate.{minute}.{whose}"),
        i64::from(amount),
        MINUTE,
    )?;
    let left = MINUTE.saturating_sub(now % MINUTE);
    Some(Allowance {
        limit,
        amount,
        used: u64::try_from(used).unwrap_or(0),
        reset: u32::try_from(left.div_ceil(1000)).unwrap_or(60),
    })
}

impl Allowance {
    /// Why what came is refused, if it is too many.
    pub fn refusal(&self) -> Option<Problem> {
        let refused = || {
            let what = if self.amount > self.limit {
                format!(
                    " A batch counts as the {} requests in it. Send fewer at once.",
                    self.amount
                )
            } else {
                String::new()
            };
            let detail = format!(
                "There are at most {} requests a minute.{what} Try again in {} seconds.",
                self.limit, self.reset
            );
            Problem::new(StatusCode::TOO_MANY_REQUESTS, "RATE_LIMITED", detail).retry_after(self.reset)
        };
        (self.used > u64::from(self.limit)).then(refused)
    }

    /// Tells the client (the three headers of draft-ietf-httpapi-ratelimit-headers-07).
    pub fn mark(&self, headers: &mut HeaderMap) {
        let remaining = u64::from(self.limit).saturating_sub(self.used);
        headers.insert(LIMIT, HeaderValue::from(self.limit));
        headers.insert(REMAINING, HeaderValue::from(remaining));
        headers.insert(RESET, HeaderValue::from(self.reset));
    }
}
