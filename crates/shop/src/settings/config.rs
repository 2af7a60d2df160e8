//! Where a setting is read from.

use crate::ports::Ports;
use crate::types::Error;

/// Returns the value of a setting by its name.
pub type Config<'a> = &'a dyn Fn(&str) -> Option<String>;

/// Returns the value of a setting, or `None` if it is blank.
pub fn value(config: Config<'_>, name: &str) -> Option<String> {
    config(name).filter(|value| !value.trim().is_empty())
}

/// Reads a setting from the configuration of a service.
///
/// # Errors
/// [`Error::Internal`] with the sentence of the reader, for the log.
pub fn read<T>(ports: &impl Ports, reader: impl FnOnce(Config<'_>) -> Result<T, String>) -> Result<T, Error> {
    reader(&|name| ports.config(name)).map_err(Error::Internal)
}
