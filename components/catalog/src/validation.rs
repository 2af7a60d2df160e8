//! Limits that several inputs share.

use mercato_shop::types::Error;

/// The largest quantity, weight or count of units: GraphQL's Int has 32 bits.
pub const MAX_INT: i64 = i32::MAX as i64;

/// Checks a whole number from `min` to [`MAX_INT`].
pub fn integer(field: &str, min: i64, value: i64) -> Result<i64, Error> {
    if (min..=MAX_INT).contains(&value) {
        return Ok(value);
    }
    Err(Error::invalid(
        field,
        format!("`{field}` must be a whole number from {min} to {MAX_INT}."),
    ))
}
