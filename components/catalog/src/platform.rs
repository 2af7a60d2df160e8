//! The ports that the service needs.

use mercato_shop::cache::Cache;
use mercato_shop::ports::Ports;

/// All ports that the service needs.
pub trait Platform: Ports + Cache {}

impl<T: Ports + Cache> Platform for T {}
