//! What is told because of an event. Each may come twice, and late.

use mercato_ports::events::Event;
use mercato_shop::collection::Stored;
use mercato_shop::id;
use mercato_shop::notifications::{Medium, NotificationStatus as Status};
use mercato_shop::orders::Order;
use mercato_shop::services::{Contacts, Orders};
use mercato_shop::types::{Caller, Error};

use crate::delivery::Draft;
use crate::events::{self, Failure, Occasion, Request};
use crate::letters;
use crate::message::{self, MESSAGES, MessageBody};
use crate::recipients::{Recipient, Way};
use crate::service::{NotificationsService, Platform};

impl<P: Platform, C: Contacts, O: Orders> NotificationsService<P, C, O> {
    /// Tells people what an event is about.
    ///
    /// # Errors
    /// Whether the event is to come again or can never be handled.
    pub fn handle(&self, event: &Event) -> Result<(), Failure> {
        match events::read(event)? {
            Request::Forget { user_id } => Ok(self.forget(&user_id)?),
            Request::Send { message_id } => self.send_late(&message_id),
            Request::Tell { what, occasion } => self.tell(&what, &occasion),
        }
    }

    fn tell(&self, what: &str, occasion: &Occasion) -> Result<(), Failure> {
        let recipient = self.recipient(occasion)?;
        let open = self.open(what, occasion, &recipient)?;
        let order = self.order(occasion, open.iter().any(|(way, _)| way.to.is_ok()))?;
        let mut outcome = Ok(());
        for (way, draft) in open {
            let told = self.try_way(occasion, order.as_ref(), &recipient, way, draft);
            let told = told.map_err(Failure::from).and_then(|message| waits(&message));
            // What can't be told in one way is told in the others.
            outcome = outcome.and(told);
        }
        outcome
    }

    /// What is not done yet, of all that there is to be told.
    fn open<'a>(
        &self,
        what: &str,
        occasion: &Occasion,
        recipient: &'a Recipient,
    ) -> Result<Vec<(&'a Way, Draft)>, Error> {
        let ids: Vec<_> = recipient
            .ways
            .iter()
            .map(|way| message::id(what, way.medium))
            .collect();
        let kept = MESSAGES.get_many(&self.ports, &ids)?;
        let now = id::now();
        let drafts = ids.into_iter().zip(kept).zip(&recipient.ways);
        let drafts = drafts.map(|((id, kept), way)| {
            let draft = Draft {
                id,
                kept,
                fresh: MessageBody::new(occasion, way.medium, now),
                again: false,
                act: None,
            };
            (way, draft)
        });
        Ok(drafts.filter(|(_, draft)| !draft.is_done()).collect())
    }

    /// The order that is told of, where something is.
    pub(crate) fn order(&self, occasion: &Occasion, wanted: bool) -> Result<Option<Order>, Error> {
        let Some(id) = occasion.order_id().filter(|_| wanted) else {
            return Ok(None);
        };
        let found = self.orders.get_many(&Caller::ApiKey, &[id.to_owned()])?;
        found.into_iter().next().transpose()
    }

    /// Tells something in one way.
    pub(crate) fn try_way(
        &self,
        occasion: &Occasion,
        order: Option<&Order>,
        recipient: &Recipient,
        way: &Way,
        draft: Draft,
    ) -> Result<Stored<MessageBody>, Error> {
        match (&way.to, occasion) {
            (_, Occasion::Code(code)) if code.expires_at <= id::now() => {
                self.lay_by(draft, Status::Failed, "The code has expired.")
            }
            (Err(reason), _) => self.lay_by(draft, Status::Skipped, reason),
            (Ok(to), _) => {
                let letter = letters::write(occasion, order, recipient.reader(), way.medium)?;
                self.deliver(draft, to, letter)
            }
        }
    }

    /// The way to somebody by a medium, if there is one.
    pub(crate) fn way(recipient: &Recipient, medium: Medium) -> Option<&Way> {
        recipient.ways.iter().find(|way| way.medium == medium)
    }
}

/// How the event of a message ends: it comes again as long as the message waits.
pub fn waits(message: &Stored<MessageBody>) -> Result<(), Failure> {
    match message.body.status.0 {
        Status::Waiting => Err(Failure::Retry(message.body.reason.clone().unwrap_or_default())),
        Status::Sending | Status::Sent | Status::Failed | Status::Skipped => Ok(()),
    }
}
