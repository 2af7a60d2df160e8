//! The response cache: replies that are the same for all callers, until the catalog changes, or an order moves
//! the units that they show.
//!
//! A reply is stored with the generation of the catalog, and with those of the units of each product that it
//! shows. All are read before the reply is made, so the products must be known by then: the last reply to the
//! same request tells them. A reply whose products were not known expires with any order. So does a reply that
//! depends on the units of any product.

use std::collections::HashMap;
use std::iter;
use std::sync::Arc;

use mercato_shop::cache::Generation;
use sha2::{Digest, Sha256};

use crate::request_session::shown_units::Shown;
use crate::services::Services;

/// How long a reply is kept, in milliseconds. A change of what it shows invalidates it earlier. This is the
/// limit if the cache was unavailable during the change.
const TTL: u64 = 10_000;

/// The longest reply that is kept, in bytes.
const MAX_BYTES: usize = 256 * 1024;

/// The most generations that one request starts, since each of them is a call.
const MAX_STARTED: usize = 20;

/// What the head of a cached reply says if the reply depends on the units of any product.
const ALL: &str = "*";

/// The generations of the data that a reply shows. `None` if the cache is unavailable.
#[derive(Clone, Copy)]
struct Generations {
    catalog: Option<i64>,
    units: Option<i64>,
}

/// The place of a reply that is not cached yet.
pub struct Slot {
    services: Arc<Services>,
    key: String,
    /// As they were before the reply was made.
    generations: Generations,
    /// The generations of the units of single products, as far as they are known.
    units_of: HashMap<String, String>,
}

/// A cached reply.
struct Entry<'a> {
    catalog: i64,
    units: i64,
    /// A line for each product whose units the reply shows: its id, and the generation of its units. If the
    /// reply depends on the units of any product, it is [`ALL`].
    shown: &'a str,
    body: &'a [u8],
}

/// A product whose units a cached reply shows.
struct ShownProduct<'a> {
    id: &'a str,
    /// The generation of its units before the reply was made.
    before: &'a str,
    /// The generation of its units now. `None` if it has ended.
    now: Option<String>,
}

/// Returns the cached reply of a request, or the slot to store it in.
///
/// The parts must be everything that the reply depends on, other than the catalog.
pub fn look_up(services: &Arc<Services>, parts: [&str; 5]) -> Result<Vec<u8>, Slot> {
    let (catalog, units) = (Generation::CATALOG, Generation::UNITS);
    let keys = [key(parts), catalog.key().to_owned(), units.key().to_owned()];
    let mut found = services.cache.get_many(&keys).into_iter();
    let cached = found.next().flatten();
    let mut current = |generation: Generation| match found.next().flatten() {
        Some(value) => Generation::parse(&value),
        None => generation.advance(&*services.cache),
    };
    let generations = Generations {
        catalog: current(catalog),
        units: current(units),
    };
    let mut units_of = HashMap::new();
    if let Some(entry) = cached.as_deref().and_then(Entry::parse)
        && generations.catalog == Some(entry.catalog)
    {
        if entry.shown.is_empty() || generations.units == Some(entry.units) {
            return Ok(entry.body.to_vec());
        }
        let products = entry.products(services);
        let is_current = |product: &ShownProduct<'_>| product.now.as_deref() == Some(product.before);
        if entry.shown != ALL && products.iter().all(is_current) {
            return Ok(entry.body.to_vec());
        }
        let mut starts = 0..MAX_STARTED;
        let known = products.into_iter().filter_map(|product| {
            let mut start = || {
                starts.next()?;
                Generation::units_of(product.id).advance(&*services.cache)
            };
            let now = product.now.or_else(|| Some(start()?.to_string()))?;
            Some((product.id.to_owned(), now))
        });
        units_of = known.collect();
    }
    let [key, ..] = keys;
    Err(Slot {
        services: Arc::clone(services),
        key,
        generations,
        units_of,
    })
}

impl<'a> Entry<'a> {
    fn parse(cached: &'a [u8]) -> Option<Self> {
        let (catalog, rest) = cached.split_first_chunk()?;
        let (units, rest) = rest.split_first_chunk()?;
        let (length, rest) = rest.split_first_chunk()?;
        let (shown, body) = rest.split_at_checked(usize::try_from(u32::from_le_bytes(*length)).ok()?)?;
        Some(Self {
            catalog: i64::from_le_bytes(*catalog),
            units: i64::from_le_bytes(*units),
            shown: str::from_utf8(shown).ok()?,
            body,
        })
    }

    /// Returns the products whose units the reply shows, with the generations of now.
    fn products(&self, services: &Services) -> Vec<ShownProduct<'a>> {
        let lines = self.shown.lines().filter_map(|line| line.split_once(' '));
        let key = |(id, _)| Generation::units_of(id).key().to_owned();
        let keys: Vec<_> = lines.clone().map(key).collect();
        let values = if keys.is_empty() {
            Vec::new()
        } else {
            services.cache.get_many(&keys)
        };
        let text = |value: Option<Vec<u8>>| String::from_utf8(value?).ok();
        let now = values.into_iter().map(text).chain(iter::repeat(None));
        lines
            .zip(now)
            .map(|((id, before), now)| ShownProduct { id, before, now })
            .collect()
    }
}

impl Slot {
    /// Stores a reply that shows these units, unless it is too long.
    pub fn store(&self, body: &[u8], shown: &Shown) {
        let Generations {
            catalog: Some(catalog),
            units: Some(units),
        } = self.generations
        else {
            return;
        };
        if body.len() > MAX_BYTES {
            return;
        }
        let shown = match shown {
            Shown::All => ALL.to_owned(),
            Shown::Of(ids) => ids.iter().map(|id| self.line(id)).collect(),
        };
        let Ok(length) = u32::try_from(shown.len()) else {
            return;
        };
        let value = [
            &catalog.to_le_bytes(),
            &units.to_le_bytes(),
            length.to_le_bytes().as_slice(),
            shown.as_bytes(),
            body,
        ]
        .concat();
        self.services.cache.set(&self.key, &value, TTL);
    }

    /// Returns a line of [`Entry::shown`]. A generation that was not read before the reply was made is `?`,
    /// which no generation equals.
    fn line(&self, id: &str) -> String {
        let units = self.units_of.get(id).map_or("?", String::as_str);
        format!("{id} {units}\n")
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
