//! Why a notification was not sent.

/// Why a notification was not sent. The reason never repeats the content or the address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SendError {
    /// The notification cannot be sent as it is.
    Permanent(String),
    /// A later attempt may succeed.
    Temporary(String),
}
