//! The mailer.

use std::fmt::Display;
use std::time::Duration;

use async_trait::async_trait;
use lettre::message::Mailbox;
use lettre::transport::smtp::{Error, PoolConfig};
use lettre::{AsyncSmtpTransport, AsyncTransport, Tokio1Executor};
use mercato_ports::mail::compose;
use mercato_ports::mailer::{MailFailure, Mailer, Message};
use tokio::time::timeout;

use crate::address::{host_and_port, with_tls};

/// How long one message may take, including the connection. It is less than the time limit of a component's
/// call. Otherwise a call could end after the server accepted the message and before the component recorded
/// that.
const TIMEOUT: Duration = Duration::from_secs(10);

/// The maximum number of open connections.
const MAX_CONNECTIONS: u32 = 4;

/// Sends mail through a server.
///
/// With `smtp://` the connection is encrypted if the server supports it. If the address has a user name and
/// password, the server must support it, unless it runs on this machine. With `smtps://` the connection is
/// encrypted from the start.
pub struct SmtpMailer {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
    /// The `host:port` of the server.
    server: String,
    timeout: Duration,
}

impl SmtpMailer {
    /// Creates a mailer for the server at `smtp://[user:password@]host[:port]` or `smtps://…`. It connects
    /// with the first message. `from` is the sender, such as `Shop <shop@example.com>`.
    ///
    /// # Errors
    /// If the address or the sender is malformed, with a message for the operator.
    pub fn new(url: &str, from: &str) -> Result<Self, String> {
        let from = from.parse().map_err(|error| {
            format!(
                "the sender `{from}` is not an e-mail address ({error}): write `My shop <shop@example.com>`"
            )
        })?;
        let server = host_and_port(url).to_owned();
        let builder = AsyncSmtpTransport::<Tokio1Executor>::from_url(&with_tls(url)?).map_err(|_| {
            format!(
                "the address of the mail server {server} is malformed: write `smtp://user:password@host:port`"
            )
        })?;
        let transport = builder
            .timeout(Some(TIMEOUT))
            .pool_config(PoolConfig::new().max_size(MAX_CONNECTIONS))
            .build();
        Ok(Self {
            transport,
            from,
            server,
            timeout: TIMEOUT,
        })
    }

    /// Sets how long one message may take, including the connection. The default is 10 seconds.
    #[must_use]
    pub fn with_timeout(self, timeout: Duration) -> Self {
        Self { timeout, ..self }
    }

    /// Checks that the server accepts a connection.
    ///
    /// # Errors
    /// If it does not, with a message for the operator.
    pub async fn ready(&self) -> Result<(), String> {
        match timeout(self.timeout, self.transport.test_connection()).await {
            Ok(Ok(true)) => Ok(()),
            Ok(Ok(false)) | Err(_) => Err(self.unavailable(&"no answer")),
            Ok(Err(error)) => Err(self.unavailable(&error)),
        }
    }

    fn unavailable(&self, reason: &dyn Display) -> String {
        format!("the mail server {} is unavailable: {reason}", self.server)
    }
}

#[async_trait]
impl Mailer for SmtpMailer {
    async fn send(&self, message: Message) -> Result<(), MailFailure> {
        let mail = compose(&self.from, message)?;
        match timeout(self.timeout, self.transport.send(mail)).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) if rejects_the_message(&error) => Err(MailFailure::Rejected(error.to_string())),
            Ok(Err(error)) => Err(MailFailure::Unavailable(self.unavailable(&error))),
            Err(_) => Err(MailFailure::Unavailable(self.unavailable(&"no answer in time"))),
        }
    }
}

/// Returns whether the server will never accept this message. An error about the credentials (RFC 4954) is an
/// error of the configuration, not of the message.
fn rejects_the_message(error: &Error) -> bool {
    let code = error.status().map(u16::from);
    error.is_permanent() && !matches!(code, Some(530 | 534 | 535 | 538))
}
