//! Whether an address is its user's: a code is sent there, and comes back.
//!
//! A code has six digits, is good for ten minutes and five tries, and is kept nowhere: it is made anew of its id by the shop's secret, without
//! which the store's content and all events tell nothing of it. Tries are counted down inside the store, so that tries at the same
//! moment are counted, too.

use mercato_ports::documents::{Change, CommitFailure, RefusalReason};
use mercato_ports::events::Event;
use mercato_ports::mailer::{MailFailure, Message};
use mercato_shop::accounts::{Channel, User};
use mercato_shop::collection::{Stored, event};
use mercato_shop::id;
use mercato_shop::pruning::prune;
use mercato_shop::types::{Caller, Error};
use serde::Serialize;

use crate::code::{self, DAY, VERIFICATIONS, VerificationBody};
use crate::letter;
use crate::service::{AccountsService, Platform};
use crate::user::{Profile, USERS, to_user};

/// How often a code is taken back that changes meanwhile: more often than it can be tried.
const TRIES: usize = 8;

const PERSONS: &str = "The API key has no address. Sign in as the user whose address it is.";

/// A service that can send a code is to do so, and gets it by its id: events are kept for long.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct VerificationRequested<'a> {
    user_id: &'a str,
    verification_id: &'a str,
    channel: &'static str,
    expires_at: u64,
}

/// A code came back: the address is the user's.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ContactVerified<'a> {
    user_id: &'a str,
    channel: &'static str,
}

impl<P: Platform> AccountsService<P> {
    pub(crate) fn send_code(&self, caller: &Caller, channel: Channel) -> Result<u64, Error> {
        let user_id = caller.require_user(PERSONS)?;
        let user = self.present_user(user_id)?;
        let profile = &user.body.profile;
        let (Some(to), verified) = profile.reached_by(channel) else {
            return Err(Error::invalid(
                "channel",
                "There is no such address. Tell it by updateUser.",
            ));
        };
        if verified {
            return Err(Error::Conflict("This address is verified already.".into()));
        }
        let key = code::key(user_id, channel);
        let kept = VERIFICATIONS.get(&self.ports, &key)?;
        let before = kept.as_ref().map(|kept| &kept.body);
        let body = VerificationBody::after(before, id::now())?;
        let code = code::of(&self.ports, user_id, channel, to, &body.id)?;
        let (id, expires_at) = (body.id.clone(), body.expires_at);
        let write = match kept {
            None => VERIFICATIONS.insert(&key, &body)?,
            Some(kept) => VERIFICATIONS.replace(&Stored { body, ..kept })?,
        };
        let events = match channel {
            Channel::Email => Vec::new(),
            Channel::Phone => vec![request(user_id, &id, expires_at)?],
        };
        self.ports.commit(&[write], &events)?;
        // Until then a code counts for the limit of a day.
        let before = id::now().saturating_sub(DAY);
        prune(&self.ports, &VERIFICATIONS, ("expiresAt", before), &key, |_| true);
        if channel == Channel::Email {
            let letter = letter::of_code(profile.locale.as_deref(), &code);
            self.mail((&key, &id), to, letter)?;
        }
        Ok(expires_at)
    }

    pub(crate) fn take_code(&self, caller: &Caller, channel: Channel, code: &str) -> Result<User, Error> {
        let user_id = caller.require_user(PERSONS)?;
        let key = code::key(user_id, channel);
        let spend = Change {
            field: "left".into(),
            by: -1,
            floor: Some(0),
        };
        match self.ports.commit(&[VERIFICATIONS.adjust(&key, vec![spend])], &[]) {
            Ok(()) => {}
            Err(CommitFailure::Refused(refusals))
                if refusals.iter().all(|refusal| {
                    matches!(
                        refusal.reason,
                        RefusalReason::Missing | RefusalReason::UnderFloor(_)
                    )
                }) =>
            {
                return Err(wrong());
            }
            Err(failure) => return Err(failure.into()),
        }
        let mut user = self.present_user(user_id)?;
        let sent = VERIFICATIONS.get(&self.ports, &key)?.ok_or_else(wrong)?;
        let (Some(to), _) = user.body.profile.reached_by(channel) else {
            return Err(wrong());
        };
        let right = code::of(&self.ports, user_id, channel, to, &sent.body.id)?;
        if !sent.body.takes(code, &right, id::now()) {
            return Err(wrong());
        }
        match channel {
            Channel::Email => user.body.profile.email_verified = true,
            Channel::Phone => user.body.profile.phone_verified = true,
        }
        let verified = event(
            "mercato.accounts.contact-verified",
            format!("user/{user_id}"),
            &ContactVerified {
                user_id,
                channel: code::name(channel),
            },
        )?;
        self.ports
            .commit(&[USERS.replace(&user)?, VERIFICATIONS.delete(&sent)], &[verified])?;
        user.version += 1;
        Ok(to_user(user))
    }

    /// What is kept of codes for a user, by where they were sent.
    pub(crate) fn verifications_of(
        &self,
        user_id: &str,
    ) -> Result<Vec<(Channel, Stored<VerificationBody>)>, Error> {
        let channels = [Channel::Email, Channel::Phone];
        let keys = channels.map(|channel| code::key(user_id, channel));
        let kept = VERIFICATIONS.get_many(&self.ports, &keys)?;
        Ok(channels
            .into_iter()
            .zip(kept)
            .filter_map(|(channel, kept)| Some((channel, kept?)))
            .collect())
    }

    /// Sends a code, or takes it back where it can't be sent. What a mail server has refused counts like what it took: else whoever asks again
    /// and again would find out which addresses there are.
    fn mail(
        &self,
        verification: (&str, &str),
        to: &str,
        (subject, text): (String, String),
    ) -> Result<(), Error> {
        let message = Message {
            to: to.into(),
            subject,
            text,
            html: None,
        };
        let Err(failure) = self.ports.send(&message) else {
            return Ok(());
        };
        // Whoever waits for the mail is to hear that it was not sent, whatever becomes of this.
        if let Err(error) = self.take_back(verification, matches!(failure, MailFailure::Rejected(_))) {
            eprintln!("a code that was not sent is not taken back: {error:?}");
        }
        Err(match failure {
            MailFailure::Rejected(_) => {
                Error::invalid("email", "There is no mailbox of this address. Correct it.")
            }
            MailFailure::Unavailable(_) => {
                Error::Unavailable("The shop can't send mail now. Try again in a moment.".into())
            }
        })
    }

    /// Takes back the code of this id, unless another one has followed or the user is gone.
    fn take_back(&self, (key, id): (&str, &str), counts: bool) -> Result<(), Error> {
        for _ in 0..TRIES {
            let kept = VERIFICATIONS.get(&self.ports, key)?;
            let Some(mut kept) = kept.filter(|kept| kept.body.id == id) else {
                return Ok(());
            };
            kept.body.take_back(counts);
            match self.ports.commit(&[VERIFICATIONS.replace(&kept)?], &[]) {
                Ok(()) => return Ok(()),
                // Somebody has tried a code meanwhile.
                Err(CommitFailure::Refused(_)) => {}
                Err(failure) => return Err(failure.into()),
            }
        }
        Err(Error::Unavailable("It changes all the time.".into()))
    }
}

impl Profile {
    /// The address, and whether it is verified.
    fn reached_by(&self, channel: Channel) -> (Option<&str>, bool) {
        match channel {
            Channel::Email => (self.email.as_deref(), self.email_verified),
            Channel::Phone => (self.phone.as_deref(), self.phone_verified),
        }
    }
}

fn request(user_id: &str, verification_id: &str, expires_at: u64) -> Result<Event, Error> {
    event(
        "mercato.accounts.verification-requested",
        format!("user/{user_id}"),
        &VerificationRequested {
            user_id,
            verification_id,
            channel: code::name(Channel::Phone),
            expires_at,
        },
    )
}

fn wrong() -> Error {
    Error::invalid(
        "code",
        "This is not the code that was sent last, or it is no longer good. Ask for another one.",
    )
}
