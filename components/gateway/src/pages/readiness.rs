//! Whether each part of the shop answers.

use mercato_shop::cache::Cache;
use mercato_shop::carts::Owner;
use mercato_shop::id;
use mercato_shop::types::{Caller, Error};
use serde::Serialize;

use crate::services::Services;

/// The key that shows whether the cache keeps values.
const CACHE_KEY: &str = "gateway.readiness";

/// How long the cache keeps it, in milliseconds.
const CACHE_TTL: u64 = 1_000;

/// The readiness of one part.
#[derive(Debug, Serialize)]
pub struct Part {
    pub name: &'static str,
    pub ready: bool,
    /// Why the part is not ready.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<&'static str>,
}

/// Asks each service for something that does not exist, and the cache for a value that was just set.
pub fn parts(services: &Services) -> Vec<Part> {
    let (caller, id) = (&Caller::ApiKey, id::new());
    let ids = std::slice::from_ref(&id);
    let owner = Owner::User(id.clone());
    let answers = [
        ("catalog", services.catalog.get_many(ids).err()),
        ("accounts", services.accounts.get_many(caller, ids).err()),
        ("carts", services.carts.view(caller, &owner).err()),
        ("orders", services.orders.get_many(caller, ids).err()),
        ("payments", services.payments.ready().err()),
        (
            "notifications",
            services.notifications.preferences(caller, Some(&id)).err(),
        ),
        ("webhooks", services.webhooks.list(caller).err()),
    ];
    let mut parts: Vec<_> = answers
        .into_iter()
        .map(|(name, error)| part(name, error.as_ref().and_then(failure)))
        .collect();
    let is_lost = !keeps_values(&*services.cache);
    parts.push(part("cache", is_lost.then_some("keeps no values")));
    parts
}

fn part(name: &'static str, reason: Option<&'static str>) -> Part {
    Part {
        name,
        ready: reason.is_none(),
        reason,
    }
}

/// Returns why a part cannot work. `None` for the refusals of a part that works.
const fn failure(error: &Error) -> Option<&'static str> {
    match error {
        Error::Unavailable(_) => Some("does not answer"),
        Error::Internal(_) => Some("fails, or is misconfigured; the log has the reason"),
        _ => None,
    }
}

fn keeps_values(cache: &dyn Cache) -> bool {
    cache.set(CACHE_KEY, b"1", CACHE_TTL);
    let found = cache.get_many(&[CACHE_KEY.to_owned()]);
    found.first().is_some_and(Option::is_some)
}
