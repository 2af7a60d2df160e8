//! Mailer: one e-mail out.

use async_trait::async_trait;

pub use crate::bindings::mercato::platform::mailer::{Failure as MailFailure, Message};

/// The port `mercato:platform/mailer`.
#[async_trait]
pub trait Mailer: Send + Sync {
    /// Sends one message.
    ///
    /// # Errors
    /// [`MailFailure::Rejected`] for what can never be sent, [`MailFailure::Unavailable`] where a later try may succeed.
    async fn send(&self, message: Message) -> Result<(), MailFailure>;
}
