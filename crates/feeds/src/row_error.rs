//! Why a row is not imported.

/// Why a row is not imported.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowError {
    /// The stable code.
    pub code: String,
    /// The invalid field, or an empty text.
    pub field: String,
    /// The message for a person.
    pub message: String,
}

impl RowError {
    /// Creates the error of an invalid field.
    pub fn bad_input(field: &str, message: impl Into<String>) -> Self {
        Self {
            code: "BAD_USER_INPUT".into(),
            field: field.into(),
            message: message.into(),
        }
    }
}
