//! The port `mailer`: e-mails.

use async_trait::async_trait;

pub use crate::bindings::mercato::platform::mailer_types::{MailFailure, Message};

/// The port `mercato:platform/mailer`.
#[async_trait]
pub trait Mailer: Send + Sync {
    /// Sends one e-mail.
    ///
    /// # Errors
    /// [`MailFailure::Rejected`] if the message can never be sent. [`MailFailure::Unavailable`] if a later
    /// attempt may succeed.
    async fn send(&self, message: Message) -> Result<(), MailFailure>;
}
