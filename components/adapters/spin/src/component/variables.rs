//! The variables of the component.

use spin_sdk::variables::{self, Error};

/// Returns the value of a component variable. Its name in Spin is in lower case. An empty value counts as
/// unset, because Spin requires a default for each optional variable.
pub fn get(name: &str) -> Option<String> {
    match variables::get(&name.to_ascii_lowercase()) {
        Ok(value) => Some(value).filter(|value| !value.is_empty()),
        Err(Error::Undefined(_)) => None,
        Err(error) => {
            eprintln!("the variable {name} can't be read: {error}");
            None
        }
    }
}
