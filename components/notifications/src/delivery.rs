//! A message from its claim to its status.

use mercato_ports::documents::CommitFailure;
use mercato_ports::events::Event;
use mercato_shop::collection::Stored;
use mercato_shop::id;
use mercato_shop::notifications::NotificationStatus as Status;
use mercato_shop::pruning::prune;
use mercato_shop::services::{Contacts, Orders};
use mercato_shop::types::Error;

use crate::letters::Letter;
use crate::message::{MESSAGES, MessageBody, masked};
use crate::names::As;
use crate::senders::{self, Trouble};
use crate::service::{NotificationsService, Platform};
use crate::waiting::{LETTERS, LetterBody};

/// How long somebody who has claimed a message may take to send it, in milliseconds; then it is anybody's.
const CLAIM: u64 = 60_000;
/// How long messages are listed, in milliseconds: 90 days. Until then nothing is sent twice, however late its event comes again.
const LISTED: u64 = 90 * 24 * 3_600_000;
/// How often a status is written anew where that fails: it tells of what can't be taken back.
const TRIES: usize = 3;

/// What is there of a message, and what is to become of it.
pub struct Draft {
    pub id: String,
    /// The message as it is kept.
    pub kept: Option<Stored<MessageBody>>,
    /// What it is where nothing is kept.
    pub fresh: MessageBody,
    /// Whether one that can't be sent as it is, is tried again.
    pub again: bool,
    /// Whom it is sent for, where somebody who keeps the shop wants it: told to the audit log with the first that is written of it.
    pub act: Option<Event>,
}

impl Draft {
    /// Whether nothing is left to do.
    pub fn is_done(&self) -> bool {
        let status = self.kept.as_ref().map(|kept| kept.body.status.0);
        match status {
            Some(Status::Sent) => true,
            Some(Status::Failed) => !self.again,
            Some(Status::Sending | Status::Waiting | Status::Skipped) | None => false,
        }
    }

    /// Whether somebody else is sending it now.
    fn is_claimed(&self, now: u64) -> bool {
        self.kept.as_ref().is_some_and(|kept| {
            kept.body.status.0 == Status::Sending && now < kept.body.updated_at.saturating_add(CLAIM)
        })
    }
}

impl<P: Platform, C: Contacts, O: Orders> NotificationsService<P, C, O> {
    /// Sends a message that is not done, and tells how it stands then.
    ///
    /// # Errors
    /// [`Error::Unavailable`] where somebody else is sending it, and where the store is away.
    pub(crate) fn deliver(
        &self,
        draft: Draft,
        to: &str,
        letter: Letter,
    ) -> Result<Stored<MessageBody>, Error> {
        let mut body = self.begun(&draft)?;
        body.recipient = Some(masked(to));
        body.attempts = body.attempts.saturating_add(1);
        let claimed = self.put(draft, body, Status::Sending, None)?;
        let kept = LetterBody::of(&claimed.body, to, &letter);
        let (status, reason) = match senders::send(&self.ports, to, letter) {
            Ok(()) => (Status::Sent, None),
            Err(Trouble::Never(reason)) => (Status::Failed, Some(reason)),
            Err(Trouble::Later(reason)) => (Status::Waiting, Some(reason)),
        };
        self.conclude(claimed, status, reason, kept.as_ref())
    }

    /// Gives a message that can't go anywhere its status.
    ///
    /// # Errors
    /// As [`deliver`](Self::deliver).
    pub(crate) fn lay_by(
        &self,
        draft: Draft,
        status: Status,
        reason: &str,
    ) -> Result<Stored<MessageBody>, Error> {
        let same = |kept: &&Stored<MessageBody>| {
            kept.body.status.0 == status && kept.body.reason.as_deref() == Some(reason)
        };
        if let Some(kept) = draft.kept.as_ref().filter(same) {
            return Ok(kept.clone());
        }
        let body = self.begun(&draft)?;
        self.put(draft, body, status, Some(reason.into()))
    }

    fn begun(&self, draft: &Draft) -> Result<MessageBody, Error> {
        if draft.is_claimed(id::now()) {
            return Err(busy());
        }
        let kept = draft.kept.as_ref().map(|kept| kept.body.clone());
        Ok(kept.unwrap_or_else(|| draft.fresh.clone()))
    }

    /// Writes a message over what is kept of it; whoever is faster has it.
    fn put(
        &self,
        draft: Draft,
        mut body: MessageBody,
        status: Status,
        reason: Option<String>,
    ) -> Result<Stored<MessageBody>, Error> {
        body.status = As(status);
        body.reason = reason;
        body.updated_at = id::now();
        let (write, version) = match draft.kept {
            None => (MESSAGES.insert(&draft.id, &body)?, 1),
            Some(kept) => {
                let stored = Stored {
                    body: body.clone(),
                    ..kept
                };
                (MESSAGES.replace(&stored)?, stored.version + 1)
            }
        };
        match self.ports.commit(&[write], draft.act.as_slice()) {
            Ok(()) => {
                if version == 1 {
                    let before = body.updated_at.saturating_sub(LISTED);
                    prune(&self.ports, &MESSAGES, ("createdAt", before), &draft.id, |_| true);
                }
                Ok(Stored {
                    id: draft.id,
                    version,
                    body,
                })
            }
            Err(CommitFailure::Refused(_)) => Err(busy()),
            Err(failure) => Err(failure.into()),
        }
    }

    /// Writes down what became of a message, whatever else has changed of it.
    fn conclude(
        &self,
        mut claimed: Stored<MessageBody>,
        status: Status,
        reason: Option<String>,
        letter: Option<&LetterBody>,
    ) -> Result<Stored<MessageBody>, Error> {
        let mut failed = busy();
        for _ in 0..TRIES {
            claimed.body.status = As(status);
            claimed.body.reason.clone_from(&reason);
            claimed.body.updated_at = id::now();
            let (mut writes, events) = match self.keeping(&claimed, status, letter) {
                Ok(kept) => kept,
                Err(error) => {
                    failed = error;
                    continue;
                }
            };
            writes.push(MESSAGES.replace(&claimed)?);
            match self.ports.commit(&writes, &events) {
                Ok(()) => {
                    if !events.is_empty() {
                        let before = claimed.body.updated_at.saturating_sub(LISTED);
                        prune(&self.ports, &LETTERS, ("createdAt", before), &claimed.id, |_| {
                            true
                        });
                    }
                    claimed.version += 1;
                    return Ok(claimed);
                }
                Err(CommitFailure::Refused(_)) => {
                    claimed = MESSAGES
                        .get(&self.ports, &claimed.id)?
                        .ok_or_else(|| Error::NotFound("The message is gone.".into()))?;
                }
                Err(failure) => failed = failure.into(),
            }
        }
        Err(failed)
    }
}

fn busy() -> Error {
    Error::Unavailable("This message is being sent at this moment. Look again in a minute.".into())
}
