//! Signs in users of OpenID providers. A user is created at the first sign-in, and has no password here.
//!
//! The commit that creates the user inserts a claim, whose id is a hash of issuer and subject. An erasure
//! keeps the claim, with nothing but its time. So a token that was issued before does not create the person
//! again; a later one creates a new user.
//!
//! Every request carries the provider's token. The audit log has one entry for each sign-in at the provider
//! (the token's `auth_time`, or else `iat`). The entry's id contains that time, so further requests with the
//! token write nothing.

use mercato_ports::documents::Write;
use mercato_shop::accounts::{AuditAction, ExternalIdentity, User};
use mercato_shop::address::is_email;
use mercato_shop::audit::AuditedAction;
use mercato_shop::collection::Stored;
use mercato_shop::external::ExternalId;
use mercato_shop::id;
use mercato_shop::ports::Ports;
use mercato_shop::retry::{AttemptError, retry_on_conflict};
use mercato_shop::types::Error;

use super::profile::is_name;
use super::registration::new_user;
use super::username;
use crate::repository::{
    AUDIT, EXTERNAL_IDS, ExternalAccount, ExternalClaim, Profile, UserBody, get_user, to_user,
};
use crate::{audit, email, events};

/// In bytes (OpenID Connect Core 1.0, section 2).
const MAX_SUBJECT: usize = 255;

/// Returns the user of an external identity, and creates it at the first sign-in.
///
/// # Errors
/// [`Error::Unauthenticated`] for an identity without issuer or subject, and for one that was issued before
/// the user's erasure.
pub fn sign_in_external(ports: &impl Ports, identity: &ExternalIdentity) -> Result<User, Error> {
    if identity.issuer.is_empty() || !(1..=MAX_SUBJECT).contains(&identity.subject.len()) {
        return Err(Error::Unauthenticated(
            "The token must have an issuer, and a subject of 1 to 255 characters.".into(),
        ));
    }
    let external = ExternalId::new(&identity.issuer, &identity.subject);
    let busy = || Error::Unavailable("Too many requests create this account. Try again in a moment.".into());
    retry_on_conflict(busy, || {
        let claim = EXTERNAL_IDS.get(ports, external.as_str())?;
        match claim.as_ref().map(|claim| &claim.body) {
            Some(ExternalClaim {
                user_id,
                erased_at: None,
            }) => {
                let user = get_user(ports, user_id)?;
                log_sign_in(ports, identity, user_id)?;
                Ok(to_user(user))
            }
            Some(claim) if claim.erased_at >= Some(identity.issued_at) => Err(Error::Unauthenticated(
                "The account of this token is erased. Sign in again to create a new one.".into(),
            )
            .into()),
            _ => create(ports, identity, &external, claim),
        }
    })
}

/// Returns the write that keeps the time of a user's erasure in the claim, if the claim is still the user's.
pub fn mark_erased(ports: &impl Ports, external: &ExternalId, user_id: &str) -> Result<Option<Write>, Error> {
    let claim = EXTERNAL_IDS.get(ports, external.as_str())?;
    let Some(mut claim) = claim.filter(|claim| claim.body.user_id == user_id) else {
        return Ok(None);
    };
    claim.body.erased_at = Some(id::now());
    EXTERNAL_IDS.replace(&claim).map(Some)
}

/// Adds a sign-in to the audit log, unless the log has it.
fn log_sign_in(ports: &impl Ports, identity: &ExternalIdentity, user_id: &str) -> Result<(), Error> {
    if AUDIT.get(ports, &sign_in_id(identity, user_id))?.is_some() {
        return Ok(());
    }
    audit::add_once(ports, sign_in_entry(identity, user_id)?)
}

/// Creates the user of an identity. The identity has no claim, or its user is erased.
fn create(
    ports: &impl Ports,
    identity: &ExternalIdentity,
    external: &ExternalId,
    claim: Option<Stored<ExternalClaim>>,
) -> Result<User, AttemptError> {
    let mut body = UserBody {
        external: Some(ExternalAccount {
            issuer: identity.issuer.clone(),
            id: external.as_str().into(),
        }),
        profile: profile(identity),
        ..UserBody::new(&username::generate(identity.email.as_deref()))
    };
    let address = body
        .profile
        .email
        .as_deref()
        .filter(|_| body.profile.email_verified);
    // An address that another user has verified is not verified a second time.
    let is_free = address.map_or(Ok(true), |address| email::is_free(ports, address))?;
    body.profile.email_verified &= is_free;
    body.set_login_email();
    let (user, mut writes) = new_user(body)?;
    if let Some(address) = &user.body.login_email {
        let claim = email::claim(ports, address, &user.id);
        writes.extend(claim.map_err(|error| match error {
            // The address was free a moment ago. The next attempt reads who has it now.
            Error::Conflict(_) => AttemptError::Conflict,
            error => error.into(),
        })?);
    }
    let body = ExternalClaim {
        user_id: user.id.clone(),
        erased_at: None,
    };
    let registration = AuditedAction::by(&user.id, AuditAction::Register)
        .on(&user.id)
        .detail(format!("signs in at {}", identity.issuer));
    writes.extend([
        match claim {
            Some(claim) => EXTERNAL_IDS.replace(&Stored { body, ..claim })?,
            None => EXTERNAL_IDS.insert(external.as_str(), &body)?,
        },
        audit::entry(registration)?,
        sign_in_entry(identity, &user.id)?,
    ]);
    let registered = events::user_registered(&user.id, &user.body.username)?;
    ports.commit(&writes, &[registered])?;
    Ok(to_user(user))
}

/// Returns the write that adds a sign-in at the provider to the audit log.
fn sign_in_entry(identity: &ExternalIdentity, user_id: &str) -> Result<Write, Error> {
    let action = AuditedAction::by(user_id, AuditAction::SignIn)
        .on(user_id)
        .detail(format!("at {}", identity.issuer));
    audit::entry_as(&sign_in_id(identity, user_id), action)
}

fn sign_in_id(identity: &ExternalIdentity, user_id: &str) -> String {
    format!("{user_id}/{}", identity.signed_in_at)
}

/// Takes over what the provider says of the person. A name or an address that is invalid here is left out.
fn profile(identity: &ExternalIdentity) -> Profile {
    let email = identity.email.clone().filter(|email| is_email(email));
    Profile {
        name: identity.name.clone().filter(|name| is_name(name)),
        email_verified: email.is_some() && identity.email_verified,
        email,
        ..Profile::default()
    }
}
