//! Slugs of products that are made from their names.

use std::collections::HashMap;

use mercato_shop::ports::Ports;
use mercato_shop::types::Error;

use crate::repository::{ClaimedField, ProductBody};
use crate::text::slug;

/// How many slugs are tried for a name before the end of the product's id is added.
const CANDIDATES: usize = 20;

/// The slug of a product whose name has no letters and no digits.
const FALLBACK: &str = "product";

/// The owners of the slugs that a request has read or assigned.
#[derive(Default)]
pub struct Slugs {
    /// The product that has the slug, if one has it.
    owners: HashMap<String, Option<String>>,
}

impl Slugs {
    /// Reads the owners of the first slugs that products without one may get.
    pub fn load_for<'a>(
        &mut self,
        ports: &impl Ports,
        products: impl Iterator<Item = &'a ProductBody>,
    ) -> Result<(), Error> {
        let without = products.filter(|body| body.slug.is_none());
        self.load(ports, without.map(|body| Self::first_choice(&body.name)))
    }

    /// Returns the slug that a product of this name gets if it is free.
    pub fn first_choice(name: &str) -> String {
        slug::from_name(name, FALLBACK)
    }

    /// Reads the owners of these slugs.
    pub fn load(&mut self, ports: &impl Ports, slugs: impl Iterator<Item = String>) -> Result<(), Error> {
        let mut unknown: Vec<_> = slugs.filter(|slug| !self.owners.contains_key(slug)).collect();
        unknown.sort_unstable();
        unknown.dedup();
        let claims = ClaimedField::Slug.claims().get_many(ports, &unknown)?;
        let owners = claims
            .into_iter()
            .map(|claim| claim.map(|claim| claim.body.product_id));
        self.owners.extend(unknown.into_iter().zip(owners));
        Ok(())
    }

    /// Returns the product that has a slug, which was read before.
    pub fn owner(&self, slug: &str) -> Option<&str> {
        self.owners.get(slug)?.as_deref()
    }

    /// Gives a slug to a product.
    pub fn take(&mut self, slug: &str, product_id: &str) {
        self.owners.insert(slug.into(), Some(product_id.into()));
    }

    /// Makes a free slug for a product that has none. Returns whether it made one.
    pub fn assign(
        &mut self,
        ports: &impl Ports,
        product_id: &str,
        body: &mut ProductBody,
    ) -> Result<bool, Error> {
        if body.slug.is_some() {
            return Ok(false);
        }
        let base = Self::first_choice(&body.name);
        self.load(ports, std::iter::once(base.clone()))?;
        let slug = if self.is_free(&base, product_id) {
            base
        } else {
            self.load(ports, slug::candidates(&base).take(CANDIDATES))?;
            let mut candidates = slug::candidates(&base).take(CANDIDATES);
            let free = candidates.find(|slug| self.is_free(slug, product_id));
            // The last group of the id is random.
            let end = product_id.rsplit('-').next().unwrap_or(product_id);
            free.unwrap_or_else(|| format!("{base}-{end}"))
        };
        self.take(&slug, product_id);
        body.slug = Some(slug);
        Ok(true)
    }

    fn is_free(&self, slug: &str, product_id: &str) -> bool {
        self.owner(slug).is_none_or(|owner| owner == product_id)
    }
}
