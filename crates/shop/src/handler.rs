//! What the event handlers of all services share.

use mercato_ports::events::{Event, HandlerFailure};
use serde::de::DeserializeOwned;

use crate::id;
use crate::types::Error;

/// How long a handler begins further events of a batch, in milliseconds.
const BATCH_TIME: u64 = 100;

/// Handles the events of a batch one after the other, while they are quick. Leaves out the others, which are
/// then delivered alone.
pub fn each(
    events: &[Event],
    handle: impl Fn(&Event) -> Result<(), HandlerFailure>,
) -> Vec<Result<(), HandlerFailure>> {
    let end = id::now().saturating_add(BATCH_TIME);
    let is_begun = |(index, _): &(usize, &Event)| *index == 0 || id::now() < end;
    let events = events.iter().enumerate().take_while(is_begun);
    events.map(|(_, event)| handle(event)).collect()
}

/// Parses the data of an event.
///
/// # Errors
/// [`HandlerFailure::Reject`] if the data do not have the expected shape. The message does not repeat the
/// data, which may be personal or secret.
pub fn data<T: DeserializeOwned>(event: &Event) -> Result<T, HandlerFailure> {
    serde_json::from_str(&event.data).map_err(|error| {
        HandlerFailure::Reject(format!(
            "the data of {} can't be read: {:?} error in column {}",
            event.kind,
            error.classify(),
            error.column()
        ))
    })
}

/// Returns the failure for an event that the service does not handle.
#[must_use]
pub fn unknown_kind(event: &Event) -> HandlerFailure {
    HandlerFailure::Reject(format!("this service does not handle {}", event.kind))
}

impl From<Error> for HandlerFailure {
    /// Retries errors that may pass. Rejects all others, so that the event becomes a dead letter.
    fn from(error: Error) -> Self {
        match error {
            Error::Unavailable(reason) | Error::Conflict(reason) | Error::Internal(reason) => {
                Self::Retry(reason)
            }
            other => Self::Reject(format!("{other:?}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rejects_data_of_another_shape_without_repeating_them() {
        let event = |data: &str| Event {
            id: "1".into(),
            kind: "mercato.accounts.code-sent".into(),
            subject: "user/1".into(),
            time: 0,
            due: None,
            data: data.into(),
        };
        assert_eq!(data(&event("[\"a\"]")), Ok(vec!["a".to_owned()]));
        let Err(HandlerFailure::Reject(reason)) = data::<Vec<String>>(&event("[123456]")) else {
            panic!("the data were accepted");
        };
        assert!(
            reason.contains("code-sent") && !reason.contains("123456"),
            "{reason}"
        );
    }

    #[test]
    fn retries_only_what_may_succeed_later() {
        let retried = [
            Error::Unavailable(String::new()),
            Error::Conflict(String::new()),
            Error::Internal(String::new()),
        ];
        for error in retried {
            assert!(matches!(error.into(), HandlerFailure::Retry(_)));
        }
        let rejected = Error::NotFound("There is no order 1.".into());
        assert!(matches!(rejected.into(), HandlerFailure::Reject(_)));
    }
}
