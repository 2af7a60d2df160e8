//! Verification of e-mail addresses and phone numbers: the service sends a code there, and the user sends it
//! back.
//!
//! A code has six digits. It is valid for ten minutes and five tries. Tries are counted down inside the
//! store, so that concurrent tries count too.

mod code;
mod message;

use mercato_ports::documents::{Change, CommitFailure, RefusalReason};
use mercato_ports::mailer::MailFailure;
use mercato_shop::accounts::{Channel, Client, PhoneCode, User};
use mercato_shop::cache::Cache;
use mercato_shop::collection::Stored;
use mercato_shop::id;
use mercato_shop::ports::{Mail, Ports};
use mercato_shop::pruning::prune;
use mercato_shop::retry::retry_on_conflict;
use mercato_shop::types::{Caller, Error};

use crate::address_limit::{self, Kind};
use crate::repository::{
    Profile, USERS, VERIFICATIONS, VerificationBody, get_active_user, to_user, verification_key,
};
use crate::{email, events};

const USERS_ONLY: &str = "The API key has no address. Sign in as the user of the address.";

/// Sends the caller a code, and returns when it expires.
///
/// # Errors
/// [`Error::Invalid`] if the profile has no such address, or if the mail server rejects it.
/// [`Error::Conflict`] if it is verified already. [`Error::RateLimited`] if no code can be sent now, or after
/// too many requests from one address.
pub fn request_verification(
    ports: &(impl Ports + Cache + Mail),
    caller: &Caller,
    channel: Channel,
    client: &Client,
) -> Result<u64, Error> {
    let user_id = caller.require_user(USERS_ONLY)?;
    let user = get_active_user(ports, user_id)?;
    let profile = &user.body.profile;
    let (Some(address), is_verified) = profile.address(channel) else {
        return Err(Error::invalid(
            "channel",
            "Your profile has no such address. Set it by updateUser.",
        ));
    };
    if is_verified {
        return Err(Error::Conflict("This address is verified already.".into()));
    }
    address_limit::count(ports, Kind::Verification, client)?;
    let key = verification_key(user_id, channel);
    let previous = VERIFICATIONS.get(ports, &key)?;
    let body = VerificationBody::next(previous.as_ref().map(|previous| &previous.body), id::now())?;
    let code = code::compute(ports, user_id, channel, address, &body.id)?;
    let (id, expires_at) = (body.id.clone(), body.expires_at);
    let write = match previous {
        None => VERIFICATIONS.insert(&key, &body)?,
        Some(previous) => VERIFICATIONS.replace(&Stored { body, ..previous })?,
    };
    let event = match channel {
        Channel::Email => None,
        Channel::Phone => Some(events::verification_requested(user_id, &id, expires_at)?),
    };
    ports.commit(&[write], event.as_slice())?;
    // A code counts for the daily limit until a day after it expired.
    let before = id::now().saturating_sub(code::DAY);
    prune(ports, &VERIFICATIONS, ("expiresAt", before), &key, |_| true);
    if channel == Channel::Email {
        let message = message::compose(address, profile.locale.as_deref(), &code);
        if let Err(failure) = ports.send(&message) {
            return Err(withdraw_unsent(ports, &key, &id, failure));
        }
    }
    Ok(expires_at)
}

/// Checks the code that the caller received last, and marks the address as verified.
///
/// # Errors
/// [`Error::Invalid`] if the code is wrong, was tried too often or has expired. [`Error::Conflict`] if another
/// user has verified the e-mail address.
pub fn verify(ports: &impl Ports, caller: &Caller, channel: Channel, code: &str) -> Result<User, Error> {
    let user_id = caller.require_user(USERS_ONLY)?;
    let key = verification_key(user_id, channel);
    let try_once = Change {
        field: "left".into(),
        by: -1,
        floor: Some(0),
    };
    match ports.commit(&[VERIFICATIONS.adjust(&key, vec![try_once])], &[]) {
        Ok(()) => {}
        Err(CommitFailure::Refused(refusals))
            if refusals.iter().all(|refusal| {
                matches!(
                    refusal.reason,
                    RefusalReason::Missing | RefusalReason::UnderFloor(_)
                )
            }) =>
        {
            return Err(wrong_code());
        }
        Err(failure) => return Err(failure.into()),
    }
    let mut user = get_active_user(ports, user_id)?;
    let verification = VERIFICATIONS.get(ports, &key)?.ok_or_else(wrong_code)?;
    let (Some(address), _) = user.body.profile.address(channel) else {
        return Err(wrong_code());
    };
    let sent = code::compute(ports, user_id, channel, address, &verification.body.id)?;
    if !verification.body.matches(code, &sent, id::now()) {
        return Err(wrong_code());
    }
    let mut writes = vec![VERIFICATIONS.delete(&verification)];
    match channel {
        Channel::Email => {
            writes.extend(email::claim(ports, address, user_id)?);
            user.body.profile.email_verified = true;
            user.body.set_login_email();
        }
        Channel::Phone => user.body.profile.phone_verified = true,
    }
    writes.push(USERS.replace(&user)?);
    ports.commit(&writes, &[events::contact_verified(user_id, channel)?])?;
    user.version += 1;
    Ok(to_user(user))
}

/// Returns the code of this id for the service that sends it to the user's phone, or `None` if it can't be
/// used any more.
pub fn look_up_code(
    ports: &impl Ports,
    user_id: &str,
    verification_id: &str,
) -> Result<Option<PhoneCode>, Error> {
    let verification = VERIFICATIONS.get(ports, &verification_key(user_id, Channel::Phone))?;
    if !verification.is_some_and(|stored| stored.body.is_usable(verification_id, id::now())) {
        return Ok(None);
    }
    let user = USERS.get(ports, user_id)?;
    let profile = user.map(|user| user.body.profile).unwrap_or_default();
    let Some(to) = profile.phone else {
        return Ok(None);
    };
    Ok(Some(PhoneCode {
        code: code::compute(ports, user_id, Channel::Phone, &to, verification_id)?,
        to,
        locale: profile.locale,
    }))
}

/// Invalidates a code that could not be sent, and returns the error for the caller. A code that the mail
/// server rejected counts for the limits. Otherwise repeated requests could find out which addresses exist.
fn withdraw_unsent(ports: &impl Ports, key: &str, id: &str, failure: MailFailure) -> Error {
    let (counts, error) = match failure {
        MailFailure::Rejected(_) => (
            true,
            Error::invalid("email", "This mailbox does not exist. Correct the address."),
        ),
        MailFailure::Unavailable(_) => (
            false,
            Error::Unavailable("The shop can't send e-mail at the moment. Try again in a moment.".into()),
        ),
    };
    if let Err(error) = withdraw(ports, key, id, counts) {
        eprintln!("failed to withdraw a verification code that was not sent: {error:?}");
    }
    error
}

/// Invalidates the code of this id, unless a newer code has replaced it or the user is erased.
fn withdraw(ports: &impl Ports, key: &str, id: &str, counts: bool) -> Result<(), Error> {
    let busy = || Error::Unavailable("too many requests change the verification code".into());
    retry_on_conflict(busy, || {
        let stored = VERIFICATIONS.get(ports, key)?;
        let Some(mut stored) = stored.filter(|stored| stored.body.id == id) else {
            return Ok(());
        };
        stored.body.withdraw(counts);
        Ok(ports.commit(&[VERIFICATIONS.replace(&stored)?], &[])?)
    })
}

impl Profile {
    /// Returns the address for a channel, and whether it is verified.
    fn address(&self, channel: Channel) -> (Option<&str>, bool) {
        match channel {
            Channel::Email => (self.email.as_deref(), self.email_verified),
            Channel::Phone => (self.phone.as_deref(), self.phone_verified),
        }
    }
}

fn wrong_code() -> Error {
    Error::invalid(
        "code",
        "This is not the last code that was sent, or it is no longer valid. Request a new code.",
    )
}
