//! The response cache: replies that are the same for all callers, until the catalog changes.

use std::sync::Arc;

use mercato_shop::cache::Generation;
use sha2::{Digest, Sha256};

use crate::services::Services;

/// How long a reply is kept, in milliseconds. Each change of the catalog invalidates it earlier. This is the
/// limit if the cache was unavailable during the change.
const TTL: u64 = 10_000;

/// The longest reply that is kept, in bytes.
const MAX_BYTES: usize = 256 * 1024;

/// The place of a reply that is not cached yet.
pub struct Slot {
    services: Arc<Services>,
    key: String,
    generation: Option<i64>,
}

/// Returns the cached reply of a request, or the slot to store it in.
///
/// The parts must be everything that the reply depends on, other than the catalog.
pub fn look_up(services: &Arc<Services>, parts: [&str; 5]) -> Result<Vec<u8>, Slot> {
    let keys = [key(parts), Generation::CATALOG.key().to_owned()];
    let mut found = services.cache.get_many(&keys).into_iter();
    let (cached, current) = (found.next().flatten(), found.next().flatten());
    let [key, _] = keys;
    let current = match current {
        Some(current) => Generation::parse(&current),
        None => Generation::CATALOG.advance(&*services.cache),
    };
    if let Some((generation, body)) = cached.as_deref().and_then(<[u8]>::split_first_chunk)
        && current == Some(i64::from_le_bytes(*generation))
    {
        return Ok(body.to_vec());
    }
    Err(Slot {
        services: Arc::clone(services),
        key,
        generation: current,
    })
}

impl Slot {
    /// Stores a reply, unless it is too long.
    pub fn store(&self, body: &[u8]) {
        let Some(generation) = self.generation else { return };
        if body.len() <= MAX_BYTES {
            let value = [&generation.to_le_bytes(), body].concat();
            self.services.cache.set(&self.key, &value, TTL);
        }
    }
}

fn key(parts: [&str; 5]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part.len().to_le_bytes());
        hash.update(part);
    }
    format!("gateway.response.{:x}", hash.finalize())
}
