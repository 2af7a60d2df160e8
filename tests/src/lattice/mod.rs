//! Tests that only a lattice can run: the calls of a request, the placement of components, rollouts and
//! faults.
//!
//! These tests need `MERCATO_TEST_LATTICE`, the file `lattice.json` in a lattice's data folder. The lattice
//! must have no other clients, since the tests end parts of it.

mod calls;
mod control;
mod faults;
mod rollout;

use std::sync::Arc;

use libtest_mimic::Trial;

pub use self::control::Lattice;
use crate::shop::Shop;

/// The tests of this area, in the order in which they have to run. There are none without a lattice.
pub fn tests(shop: &Arc<Shop>) -> Vec<Trial> {
    let Some(lattice) = Lattice::from_env().map(Arc::new) else {
        return Vec::new();
    };
    [
        calls::tests(shop, &lattice),
        rollout::tests(shop, &lattice),
        faults::tests(shop, &lattice),
    ]
    .into_iter()
    .flatten()
    .collect()
}
