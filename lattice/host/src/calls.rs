//! `calls`: prints the calls between components and providers.

use std::io::{ErrorKind, Write};

use anyhow::{Context, Result};
use async_nats::Message;
use futures::StreamExt;
use serde_json::json;

use crate::cli::Lattice;
use crate::host::stop_signal;

/// The part of a call's subject between the id of the callee and the interface.
const PROTOCOL: &str = "wrpc.0.0.1.";

/// Prints each call between components and providers, until SIGTERM or Ctrl-C.
///
/// # Errors
/// If NATS cannot be reached, or refuses the subscription.
pub async fn run(lattice: &Lattice, as_json: bool) -> Result<()> {
    let nats = lattice.nats().await?;
    let subject = format!("{}.*.{PROTOCOL}>", lattice.name);
    let mut calls = nats
        .subscribe(subject)
        .await
        .context("cannot subscribe to calls")?;
    nats.flush().await.context("cannot subscribe to calls")?;
    let mut out = std::io::stdout();
    let mut print = |line: String| match writeln!(out, "{line}").and_then(|()| out.flush()) {
        // The reader of the output has closed it.
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(false),
        written => written.map(|()| true),
    };
    let mut stop = std::pin::pin!(stop_signal());
    let mut open = print("ready".to_owned())?;
    while open {
        let message = tokio::select! {
            signal = &mut stop => return signal,
            message = calls.next() => message.context("the connection to NATS has ended")?,
        };
        if let Some(call) = Call::from_message(&lattice.name, &message) {
            open = print(call.line(as_json))?;
        }
    }
    Ok(())
}

/// One call.
#[derive(Debug, PartialEq, Eq)]
struct Call<'a> {
    from: &'a str,
    to: &'a str,
    interface: &'a str,
    function: &'a str,
}

impl<'a> Call<'a> {
    fn from_message(lattice: &str, message: &'a Message) -> Option<Self> {
        let from = message.headers.as_ref()?.get("source-id")?.as_str();
        Self::parse(lattice, from, &message.subject)
    }

    fn parse(lattice: &str, from: &'a str, subject: &'a str) -> Option<Self> {
        let (to, target) = subject
            .strip_prefix(lattice)?
            .strip_prefix('.')?
            .split_once('.')?;
        let (interface, function) = target.strip_prefix(PROTOCOL)?.rsplit_once('.')?;
        Some(Self {
            from,
            to,
            interface,
            function,
        })
    }

    fn line(&self, as_json: bool) -> String {
        let Self {
            from,
            to,
            interface,
            function,
        } = self;
        if as_json {
            json!({"from": from, "to": to, "interface": interface, "function": function}).to_string()
        } else {
            format!("{from} -> {to}  {interface} {function}")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parses_the_callee_and_the_function_of_a_subject() {
        let subject = "default.mercato-catalog.wrpc.0.0.1.mercato:shop/catalog@0.1.0.get-many";
        let call = Call::parse("default", "mercato-gateway", subject).unwrap();
        assert_eq!(
            call.line(false),
            "mercato-gateway -> mercato-catalog  mercato:shop/catalog@0.1.0 get-many"
        );
        assert!(Call::parse("other", "a", subject).is_none());
        assert!(Call::parse("default", "a", "default.b.something.else").is_none());
    }
}
