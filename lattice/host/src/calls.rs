//! Calls, as they are made.

use std::io::{ErrorKind, Write};

use anyhow::{Context, Result};
use async_nats::Message;
use futures::StreamExt;
use serde_json::json;

use crate::cli::Lattice;
use crate::host::until_ended;

/// What comes before the interface and the function in the subject of a call, after the lattice and the called one's id.
const PROTOCOL: &str = "wrpc.0.0.1.";

/// Prints every call of a component or a provider to another, until SIGTERM or Ctrl-C.
///
/// # Errors
/// NATS can't be reached, or refuses to tell.
pub async fn run(lattice: &Lattice, as_json: bool) -> Result<()> {
    let nats = lattice.nats().await?;
    let subject = format!("{}.*.{PROTOCOL}>", lattice.name);
    let mut calls = nats
        .subscribe(subject)
        .await
        .context("calls can't be listened to")?;
    nats.flush().await.context("calls can't be listened to")?;
    let mut out = std::io::stdout();
    let mut print = |line: String| match writeln!(out, "{line}").and_then(|()| out.flush()) {
        // Whoever reads it has seen enough.
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(false),
        written => written.map(|()| true),
    };
    let mut ended = std::pin::pin!(until_ended());
    let mut more = print("ready".to_owned())?;
    while more {
        let message = tokio::select! {
            ended = &mut ended => return ended,
            message = calls.next() => message.context("NATS has gone")?,
        };
        if let Some(call) = Call::of(&lattice.name, &message) {
            more = print(call.line(as_json))?;
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
    fn of(lattice: &str, message: &'a Message) -> Option<Self> {
        let from = message.headers.as_ref()?.get("source-id")?.as_str();
        Self::parse(lattice, from, &message.subject)
    }

    fn parse(lattice: &str, from: &'a str, subject: &'a str) -> Option<Self> {
        let (to, called) = subject
            .strip_prefix(lattice)?
            .strip_prefix('.')?
            .split_once('.')?;
        let (interface, function) = called.strip_prefix(PROTOCOL)?.rsplit_once('.')?;
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
    fn a_subject_tells_who_is_called_for_what() {
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
