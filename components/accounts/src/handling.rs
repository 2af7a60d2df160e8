//! What other services tell the audit log. Each event may come twice, and late.

use mercato_ports::documents::CommitFailure;
use mercato_ports::events::Event;
use mercato_shop::audit::{self, Act};
use mercato_shop::types::Error;

use crate::audit::Entry;
use crate::service::{AccountsService, Platform};

/// How the kinds of these events begin and end; the manifest names them all.
const KIND: (&str, &str) = ("mercato.", ".audited");

/// Why an event was not handled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// Deliver it again, later.
    Retry(String),
    /// It can never be handled.
    Reject(String),
}

impl<P: Platform> AccountsService<P> {
    /// Enters an act into the log, under the id of its event: however often that comes, it is one entry.
    ///
    /// # Errors
    /// Whether the event is to come again or can never be handled.
    pub fn handle(&self, event: &Event) -> Result<(), Failure> {
        let kind = &event.kind;
        if !kind.starts_with(KIND.0) || !kind.ends_with(KIND.1) {
            return Err(Failure::Reject(format!("{kind} is no event of this service's")));
        }
        let act: Act = serde_json::from_str(&event.data)
            .map_err(|error| Failure::Reject(format!("the data of {kind} can't be read: {error}")))?;
        if audit::action(&act.action).is_none() {
            // The next version of this service, which may be on its way already, will know it; if none comes, a person is to see it.
            return Err(Failure::Retry(format!(
                "{kind} tells of an unknown action: {}",
                act.action
            )));
        }
        let entry = Entry::elsewhere(act, event.time);
        match self.ports.commit(&[entry.write_as(&event.id)?], &[]) {
            // It came before.
            Ok(()) | Err(CommitFailure::Refused(_)) => Ok(()),
            Err(failure) => Err(Error::from(failure).into()),
        }
    }
}

impl From<Error> for Failure {
    /// What can pass is tried again; the rest is for a person to see.
    fn from(error: Error) -> Self {
        match error {
            Error::Unavailable(reason) | Error::Conflict(reason) | Error::Internal(reason) => {
                Self::Retry(reason)
            }
            other => Self::Reject(format!("{other:?}")),
        }
    }
}
