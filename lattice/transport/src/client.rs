//! The handle that both sides use.

use std::sync::Arc;

use crate::answers::Answers;

/// The version of the protocol, as a part of subjects.
const PROTOCOL: &str = "wrpc.0.0.1";

/// The longest encoded status line, header of this transport, and end of NATS headers, in bytes.
const HEADER_OVERHEAD: usize = 32;

/// Invokes and serves functions below one prefix of NATS subjects.
#[derive(Clone, Debug)]
pub struct Client {
    pub(crate) nats: Arc<async_nats::Client>,
    pub(crate) answers: Arc<Answers>,
    prefix: Arc<str>,
    /// Servers of one group share the invocations of a subject.
    pub(crate) group: Option<Arc<str>>,
}

impl Client {
    /// Returns a client for the functions below `prefix`. With a `group`, each invocation goes to one server
    /// of that group.
    ///
    /// # Errors
    /// Never. The released crate's signature is kept.
    #[allow(clippy::unused_async, reason = "the released crate's signature")]
    pub async fn new(
        nats: impl Into<Arc<async_nats::Client>>,
        prefix: impl Into<Arc<str>>,
        group: Option<Arc<str>>,
    ) -> anyhow::Result<Self> {
        let nats = nats.into();
        Ok(Self {
            answers: Answers::of(&nats),
            nats,
            prefix: prefix.into(),
            group,
        })
    }

    /// Returns the subject of a function's invocations.
    pub(crate) fn subject(&self, instance: &str, function: &str) -> String {
        if self.prefix.is_empty() {
            format!("{PROTOCOL}.{instance}.{function}")
        } else {
            format!("{}.{PROTOCOL}.{instance}.{function}", self.prefix)
        }
    }

    /// Returns the largest payload of a message with these headers, in bytes.
    pub(crate) fn max_payload(&self, headers: &async_nats::HeaderMap) -> usize {
        let headers: usize = headers
            .iter()
            .flat_map(|(name, values)| {
                values
                    .iter()
                    .map(|value| AsRef::<str>::as_ref(name).len() + value.as_str().len() + 4)
            })
            .sum();
        max_payload(&self.nats)
            .saturating_sub(headers + HEADER_OVERHEAD)
            .max(1)
    }
}

/// Returns the largest payload of a message, in bytes.
pub(crate) fn max_payload(nats: &async_nats::Client) -> usize {
    nats.server_info().max_payload
}
