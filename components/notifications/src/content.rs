//! What an e-mail or an SMS says.

use serde::{Deserialize, Serialize};

/// The content of an e-mail or an SMS. It may hold personal data or a code, so it has no `Debug`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Content {
    Email {
        subject: String,
        text: String,
        /// The same text as HTML.
        html: Option<String>,
    },
    Sms(String),
}

/// Replaces control characters, so that a text can be the value of an e-mail header.
pub fn one_line(text: &str) -> String {
    text.replace(char::is_control, " ")
}
