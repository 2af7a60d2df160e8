//! The ports that the service needs.

use mercato_shop::cache::Cache;
use mercato_shop::ports::{HttpClient, Mail, Ports};

/// All ports that the service needs.
pub trait Platform: Ports + Cache + HttpClient + Mail {}

impl<T: Ports + Cache + HttpClient + Mail> Platform for T {}
