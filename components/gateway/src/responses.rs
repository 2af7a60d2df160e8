//! The response cache: answers that are the same for everyone, for as long as the catalog is as it was.

use std::sync::Arc;

use mercato_shop::cache::Generation;
use sha2::{Digest, Sha256};

use crate::services::Services;

/// How long an answer is kept at the most, in milliseconds. It is thrown away before, by any change of the catalog; this bounds how
/// old it can be where the cache was away at the very moment of the change.
const TTL: u64 = 10_000;

/// Larger answers are not kept, in bytes.
const LARGEST: usize = 256 * 1024;

/// The place of one request's answer.
pub struct Place {
    services: Arc<Services>,
    key: String,
    generation: Option<i64>,
}

/// The answer that is kept for a request, or else the place for it. The parts are all that the answer depends on, if it does not depend on who
/// asks.
pub fn look_up(services: &Arc<Services>, parts: [&str; 4]) -> Result<Vec<u8>, Place> {
    let keys = [key(parts), Generation::CATALOG.key().to_owned()];
    let mut found = services.cache.cached(&keys).into_iter();
    let (kept, current) = (found.next().flatten(), found.next().flatten());
    let [key, _] = keys;
    let current = match current {
        Some(current) => Generation::parse(&current),
        None => Generation::CATALOG.advance(&*services.cache),
    };
    if let Some((made_in, body)) = kept.as_deref().and_then(<[u8]>::split_first_chunk)
        && current == Some(i64::from_le_bytes(*made_in))
    {
        return Ok(body.to_vec());
    }
    Err(Place {
        services: Arc::clone(services),
        key,
        generation: current,
    })
}

impl Place {
    /// Keeps an answer that is the same for everyone.
    pub fn keep(&self, body: &[u8]) {
        let Some(generation) = self.generation else { return };
        if body.len() <= LARGEST {
            let value = [&generation.to_le_bytes(), body].concat();
            self.services.cache.keep(&self.key, &value, TTL);
        }
    }
}

fn key(parts: [&str; 4]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part.len().to_le_bytes());
        hash.update(part);
    }
    format!("gateway.response.{:x}", hash.finalize())
}
