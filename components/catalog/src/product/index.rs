//! The fields that products are searched and sorted by, and the upgrade of products that were stored without
//! them.

use std::sync::OnceLock;

use mercato_ports::documents::{CommitFailure, Position};
use mercato_shop::collection::Stored;
use mercato_shop::types::Error;

use super::slugs::Slugs;
use crate::platform::Platform;
use crate::repository::{INDEX, INDEX_ID, IndexProgress, PRODUCTS, ProductBody, claim_writes, commit};
use crate::text::Index;
use crate::text::sort_key::sort_key;

/// The version of the fields. Increase it when tokens, keys or slugs are made by other rules.
const VERSION: u32 = 1;

/// The number of products of one commit.
const PAGE: u32 = 100;

/// The most commits of one request.
const STEPS: usize = 10;

/// Makes the fields of a product that is sold.
pub fn refresh(body: &mut ProductBody) {
    let (mut name, mut other) = (Index::default(), Index::default());
    name.add(&body.name);
    for identifier in [&body.sku, &body.external_id].into_iter().flatten() {
        other.add_identifier(identifier);
    }
    let pairs = body.attributes.iter().chain(&body.options);
    let pairs = pairs.flat_map(|pair| [&pair.name, &pair.value]);
    let texts = [&body.manufacturer, &body.description].into_iter().flatten();
    texts.chain(pairs).for_each(|text| other.add(text));
    body.name_key = Some(sort_key(&body.name));
    body.other_words = other.into_text(Some(&name));
    body.name_words = name.into_text(None);
}

/// Removes the fields of a product that is archived.
pub fn clear(body: &mut ProductBody) {
    body.name_key = None;
    body.name_words = None;
    body.other_words = None;
}

/// Upgrades products that were stored in an older form, before a list that needs the present one. A new product
/// asks for it too, so that a shop without products is done at once.
///
/// A request upgrades some products and continues with its list. So the first lists after an update of a
/// large shop lack the products that later requests will upgrade.
#[derive(Clone, Debug, Default)]
pub struct Upgrade(OnceLock<()>);

impl Upgrade {
    /// Returns an upgrade that has not begun.
    pub const fn new() -> Self {
        Self(OnceLock::new())
    }

    /// Upgrades the next products. Does nothing once this instance has seen that all are upgraded.
    ///
    /// # Errors
    /// [`Error::Unavailable`] if the store is unavailable.
    pub fn advance(&self, ports: &impl Platform) -> Result<(), Error> {
        if self.0.get().is_some() {
            return Ok(());
        }
        for _ in 0..STEPS {
            if step(ports)? {
                self.0.get_or_init(|| ());
                break;
            }
        }
        Ok(())
    }
}

/// Upgrades one page of products. Returns whether all are upgraded. Another request that upgrades the same
/// products, or changes one of them, makes this step void.
fn step(ports: &impl Platform) -> Result<bool, Error> {
    let stored = INDEX.get(ports, INDEX_ID)?;
    let progress = stored.as_ref().map(|stored| &stored.body);
    let progress = progress.filter(|progress| progress.version == VERSION);
    if progress.is_some_and(|progress| progress.done) {
        return Ok(true);
    }
    let mut query = PRODUCTS.query(PAGE);
    let after = progress.and_then(|progress| progress.after.clone());
    query.after = after.clone().map(|id| Position { value: None, id });
    let products = PRODUCTS.find(ports, &query)?;
    let next = IndexProgress {
        version: VERSION,
        done: products.len() < PAGE as usize,
        after: products.last().map(|product| product.id.clone()).or(after),
    };
    let done = next.done;
    let mut writes = vec![match &stored {
        Some(stored) => INDEX.replace(&Stored {
            id: INDEX_ID.into(),
            version: stored.version,
            body: next,
        })?,
        None => INDEX.insert(INDEX_ID, &next)?,
    }];
    let mut slugs = Slugs::default();
    slugs.load_for(ports, products.iter().map(|product| &product.body))?;
    for product in products {
        let mut upgraded = product.clone();
        slugs.assign(ports, &upgraded.id, &mut upgraded.body)?;
        refresh(&mut upgraded.body);
        if upgraded.body != product.body {
            writes.push(PRODUCTS.replace(&upgraded)?);
            writes.extend(claim_writes(&product.id, Some(&product.body), &upgraded.body)?);
        }
    }
    match commit(ports, &writes, &[]) {
        Ok(()) => Ok(done),
        Err(CommitFailure::Refused(_)) => Ok(false),
        Err(CommitFailure::Failed(failure)) => Err(failure.into()),
    }
}
