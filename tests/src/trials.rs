//! How a function becomes a test.

use std::sync::Arc;

use anyhow::Result;
use libtest_mimic::{Failed, Trial};

use crate::world::World;

/// A test of the shop under test, named `area::function`.
pub fn trial(
    world: &Arc<World>,
    name: &str,
    test: impl FnOnce(&World) -> Result<()> + Send + 'static,
) -> Trial {
    let world = Arc::clone(world);
    Trial::test(name, move || test(&world).map_err(failed))
}

/// What a failed test prints: the failure with all that it comes from, without a stack trace.
pub fn failed(error: anyhow::Error) -> Failed {
    Failed::from(format!("{error:#}"))
}

/// The tests of an area, each named as its function.
macro_rules! trials {
    ($world:expr, $area:literal, [$($test:ident),* $(,)?]) => {
        vec![$($crate::trials::trial($world, concat!($area, "::", stringify!($test)), $test)),*]
    };
}
pub(crate) use trials;
