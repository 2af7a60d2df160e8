//! E-mail addresses that users sign in with.
//!
//! A verified address belongs to one user: a claim, which is inserted in the commit that verifies the address.
//! The address of a registration signs in too, before it is verified, and reserves nothing. So several users
//! can have registered with one address, each with an own password, until one of them verifies it. From then
//! on the address signs in only that user.

use mercato_ports::documents::{CommitFailure, Write};
use mercato_shop::address::email_key;
use mercato_shop::collection::Stored;
use mercato_shop::ports::Ports;
use mercato_shop::query::equal;
use mercato_shop::types::Error;

use crate::repository::{EMAILS, EmailClaim, USERS, UserBody};

/// The most users that sign in with one address that none of them has verified. Each of them costs a hash at
/// a sign-in.
const MAX_UNVERIFIED: usize = 3;

/// Returns the user who has verified an address.
pub fn verified_user(ports: &impl Ports, key: &str) -> Result<Option<Stored<UserBody>>, Error> {
    match EMAILS.get(ports, key)? {
        Some(claim) => USERS.get(ports, &claim.body.user_id),
        None => Ok(None),
    }
}

/// Returns the users who registered with an address, oldest first.
pub fn unverified_users(ports: &impl Ports, key: &str) -> Result<Vec<Stored<UserBody>>, Error> {
    let limit = u32::try_from(MAX_UNVERIFIED)
        .unwrap_or(u32::MAX)
        .saturating_add(1);
    let mut query = USERS.query(limit);
    query.conditions.push(equal("loginEmail", key));
    USERS.find(ports, &query)
}

/// Returns whether no user has verified an address.
pub fn is_free(ports: &impl Ports, address: &str) -> Result<bool, Error> {
    Ok(EMAILS.get(ports, &email_key(address))?.is_none())
}

/// Returns the writes for a registration with an address: if too many users have registered with it, one of
/// them can no longer sign in with it. The first user still can, since the address is probably theirs. The
/// new one can too, so that nobody blocks an address by registering with it.
///
/// # Errors
/// [`Error::Conflict`] if another user has verified the address.
pub fn register(ports: &impl Ports, address: &str) -> Result<Vec<Write>, Error> {
    if !is_free(ports, address)? {
        return Err(Error::Conflict(
            "An account with this e-mail address exists. Sign in, or reset its password.".into(),
        ));
    }
    let users = unverified_users(ports, &email_key(address))?;
    let surplus = (users.len() + 1).saturating_sub(MAX_UNVERIFIED);
    let replaced = users.into_iter().skip(1).take(surplus);
    replaced
        .map(|mut user| {
            user.body.registered_by_email = false;
            user.body.set_login_email();
            USERS.replace(&user)
        })
        .collect()
}

/// Returns the write that makes an address the user's, or none if it is already.
///
/// # Errors
/// [`Error::Conflict`] if another user has verified the address.
pub fn claim(ports: &impl Ports, address: &str, user_id: &str) -> Result<Option<Write>, Error> {
    let key = email_key(address);
    match EMAILS.get(ports, &key)? {
        None => {
            let user_id = user_id.into();
            EMAILS.insert(&key, &EmailClaim { user_id }).map(Some)
        }
        Some(claim) if claim.body.user_id == user_id => Ok(None),
        Some(_) => Err(Error::Conflict(
            "Another account has verified this e-mail address. Sign in to that account, or use another address."
                .into(),
        )),
    }
}

/// Returns the write that gives up the claim of a user's address, if there is one.
pub fn release(ports: &impl Ports, address: &str, user_id: &str) -> Result<Option<Write>, Error> {
    let claim = EMAILS.get(ports, &email_key(address))?;
    let own = claim.filter(|claim| claim.body.user_id == user_id);
    Ok(own.map(|claim| EMAILS.delete(&claim)))
}

/// Lets a user sign in with an address that an earlier version verified. That version did not claim it, so
/// another user may have verified it first.
pub fn adopt(ports: &impl Ports, user: &mut Stored<UserBody>) -> Result<(), Error> {
    let body = &user.body;
    let Some(address) =
        body.profile.email.as_deref().filter(|_| {
            body.profile.email_verified && body.login_email.is_none() && body.erased_at.is_none()
        })
    else {
        return Ok(());
    };
    let Ok(claim) = claim(ports, address, &user.id) else {
        return Ok(());
    };
    let mut adopted = user.clone();
    adopted.body.set_login_email();
    let writes: Vec<_> = claim.into_iter().chain([USERS.replace(&adopted)?]).collect();
    match ports.commit(&writes, &[]) {
        Ok(()) => {
            adopted.version += 1;
            *user = adopted;
            Ok(())
        }
        // A concurrent request changed the user, or claimed the address.
        Err(CommitFailure::Refused(_)) => Ok(()),
        Err(failure) => Err(failure.into()),
    }
}
