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

use crate::address::{shown, with_tls};

/// How long a message may take, the connection included: less than what runs a component gives a call, so that nobody is cut off between the
/// server's yes and the note of it.
const TIMEOUT: Duration = Duration::from_secs(10);

/// How many connections are open at most.
const CONNECTIONS: u32 = 4;

/// Sends mail through a server.
///
/// With `smtp://` the connection is encrypted where the server offers that. Where the address holds a user's name and password the
/// server must offer it, unless it runs on this machine. With `smtps://` it is encrypted from the start.
pub struct SmtpMailer {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
    /// The server's `host:port`.
    server: String,
    timeout: Duration,
}

impl SmtpMailer {
    /// A mailer through the server at `smtp://[user:password@]host[:port]`, or `smtps://`. It connects with the first message. `from` is
    /// the sender, such as `Shop <shop@example.com>`.
    ///
    /// # Errors
    /// A sentence for the operator, where one of them can't be read.
    pub fn new(url: &str, from: &str) -> Result<Self, String> {
        let from = from.parse().map_err(|error| {
            format!("the sender `{from}` is no e-mail address ({error}): use the form `My shop <shop@example.com>`")
        })?;
        let server = shown(url).to_owned();
        let builder = AsyncSmtpTransport::<Tokio1Executor>::from_url(&with_tls(url)?).map_err(|_| {
            format!(
                "the address of the mail server {server} can't be read: use `smtp://user:password@host:port`"
            )
        })?;
        let transport = builder
            .timeout(Some(TIMEOUT))
            .pool_config(PoolConfig::new().max_size(CONNECTIONS))
            .build();
        Ok(Self {
            transport,
            from,
            server,
            timeout: TIMEOUT,
        })
    }

    /// The same with another limit than 20 seconds for one message, the connection included.
    #[must_use]
    pub fn with_timeout(self, timeout: Duration) -> Self {
        Self { timeout, ..self }
    }

    /// Whether the server takes a connection.
    ///
    /// # Errors
    /// A sentence for the operator, where it does not.
    pub async fn ready(&self) -> Result<(), String> {
        match timeout(self.timeout, self.transport.test_connection()).await {
            Ok(Ok(true)) => Ok(()),
            Ok(Ok(false)) | Err(_) => Err(self.away(&"no answer")),
            Ok(Err(error)) => Err(self.away(&error)),
        }
    }

    fn away(&self, reason: &dyn Display) -> String {
        format!("the mail server {} can't be used now: {reason}", self.server)
    }
}

#[async_trait]
impl Mailer for SmtpMailer {
    async fn send(&self, message: Message) -> Result<(), MailFailure> {
        let mail = compose(&self.from, message)?;
        match timeout(self.timeout, self.transport.send(mail)).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) if is_about_the_message(&error) => Err(MailFailure::Rejected(error.to_string())),
            Ok(Err(error)) => Err(MailFailure::Unavailable(self.away(&error))),
            Err(_) => Err(MailFailure::Unavailable(self.away(&"no answer in time"))),
        }
    }
}

/// Whether the server will never take this message. Without credentials that it takes (RFC 4954), it is about the configuration
/// instead.
fn is_about_the_message(error: &Error) -> bool {
    let code = error.status().map(u16::from);
    error.is_permanent() && !matches!(code, Some(530 | 534 | 535 | 538))
}
