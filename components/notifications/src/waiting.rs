//! The letters that somebody who keeps the shop wrote and that could not be sent yet. What the shop writes by itself is made anew of what it
//! tells of; these can't be, so each is kept beside its message as long as that waits, and an event has it tried again.

use mercato_ports::documents::Write;
use mercato_ports::events::Event;
use mercato_shop::collection::{self, Collection, Stored};
use mercato_shop::id;
use mercato_shop::notifications::{Kind, NotificationStatus as Status};
use mercato_shop::services::{Contacts, Orders};
use mercato_shop::types::Error;
use serde::{Deserialize, Serialize};

use crate::delivery::Draft;
use crate::events::{Failure, WAITS, WaitingMessage};
use crate::handling::waits;
use crate::letters::Letter;
use crate::message::{MESSAGES, MessageBody};
use crate::service::{NotificationsService, Platform};

/// The letters that wait; the id is the message's.
pub const LETTERS: Collection<LetterBody> = Collection::new("notifications.letters");

/// A letter with its address. Neither is shown.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LetterBody {
    to: String,
    letter: Letter,
    /// When it was kept, in milliseconds since the Unix epoch, UTC.
    created_at: u64,
}

impl LetterBody {
    /// What is to be kept of a letter, should its message wait: none of what can be made anew.
    pub fn of(message: &MessageBody, to: &str, letter: &Letter) -> Option<Self> {
        (message.kind.0 == Kind::Message).then(|| Self {
            to: to.into(),
            letter: letter.clone(),
            created_at: id::now(),
        })
    }
}

impl<P: Platform, C: Contacts, O: Orders> NotificationsService<P, C, O> {
    /// What goes with a message's status: its letter comes when it begins to wait, with the event that has it tried again, and goes when
    /// it does not wait any more.
    pub(crate) fn keeping(
        &self,
        message: &Stored<MessageBody>,
        status: Status,
        letter: Option<&LetterBody>,
    ) -> Result<(Vec<Write>, Vec<Event>), Error> {
        let Some(letter) = letter else {
            return Ok(Default::default());
        };
        let is_first = message.body.attempts <= 1;
        let kept = if is_first {
            None
        } else {
            LETTERS.get(&self.ports, &message.id)?
        };
        Ok(match (status, kept) {
            (Status::Waiting, None) => {
                let data = WaitingMessage {
                    message_id: message.id.clone(),
                };
                let event = collection::event(WAITS, message.id.clone(), &data)?;
                (vec![LETTERS.insert(&message.id, letter)?], vec![event])
            }
            (Status::Waiting, Some(_)) | (_, None) => Default::default(),
            (_, Some(kept)) => (vec![LETTERS.delete(&kept)], Vec::new()),
        })
    }

    /// Sends the message of an event that has it tried again. One that is not there any more, or does not wait, is done.
    ///
    /// # Errors
    /// Whether the event is to come again or can never be handled.
    pub(crate) fn send_late(&self, id: &str) -> Result<(), Failure> {
        let Some(kept) = MESSAGES.get(&self.ports, id)? else {
            return Ok(());
        };
        let sent = self.send_kept(kept, None)?;
        sent.as_ref().map_or(Ok(()), waits)
    }

    /// Sends the letter that is kept of a message, and tells how it stands then; none where no letter is kept.
    ///
    /// # Errors
    /// As [`deliver`](Self::deliver).
    pub(crate) fn send_kept(
        &self,
        kept: Stored<MessageBody>,
        act: Option<Event>,
    ) -> Result<Option<Stored<MessageBody>>, Error> {
        let Some(letter) = LETTERS.get(&self.ports, &kept.id)? else {
            return Ok(None);
        };
        let draft = Draft {
            id: kept.id.clone(),
            fresh: kept.body.clone(),
            again: true,
            act,
            kept: Some(kept),
        };
        let LetterBody { to, letter, .. } = letter.body;
        self.deliver(draft, &to, letter).map(Some)
    }
}
