//! The products whose units on hand an answer shows. A cached answer expires when an order moves these units.

use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The most products that are told apart: a page of them. An answer with more products depends on the units
/// of any product.
const MAX_PRODUCTS: usize = 100;

/// The products whose units an answer shows.
#[derive(Default)]
pub struct ShownUnits(Mutex<Shown>);

/// See [`ShownUnits`].
#[derive(Clone)]
pub enum Shown {
    /// The products with these ids.
    Of(BTreeSet<String>),
    /// The answer depends on the units of any product.
    All,
}

impl Default for Shown {
    fn default() -> Self {
        Self::Of(BTreeSet::new())
    }
}

impl ShownUnits {
    /// Records that the answer shows the units of a product.
    pub fn add(&self, product_id: &str) {
        let mut shown = self.lock();
        if let Shown::Of(ids) = &mut *shown {
            ids.insert(product_id.to_owned());
            if ids.len() > MAX_PRODUCTS {
                *shown = Shown::All;
            }
        }
    }

    /// Records that the answer depends on the units of any product.
    pub fn add_all(&self) {
        *self.lock() = Shown::All;
    }

    /// Returns what was recorded.
    pub fn get(&self) -> Shown {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, Shown> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
