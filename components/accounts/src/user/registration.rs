//! Registers users.

use mercato_ports::documents::{CommitFailure, RefusalReason, Write};
use mercato_shop::accounts::{AuditAction, Client, Credentials, SignIn};
use mercato_shop::audit::AuditedAction;
use mercato_shop::collection::Stored;
use mercato_shop::id;
use mercato_shop::ports::Ports;
use mercato_shop::types::{Error, Role};

use super::credentials::{self, username_key};
use super::hash;
use crate::repository::{Profile, USERNAMES, USERS, UserBody, UsernameClaim};
use crate::{audit, events, session};

/// Registers a customer with a password, and opens a session.
///
/// # Errors
/// [`Error::Invalid`] for a bad user name or password, [`Error::Conflict`] if the user name is taken.
pub fn register(ports: &impl Ports, input: &Credentials, client: &Client) -> Result<SignIn, Error> {
    credentials::check(input)?;
    let taken = || {
        Error::Conflict(format!(
            "The user name {} is taken. Choose another one.",
            input.username
        ))
    };
    // The insert below decides. Reading first only spares the hash.
    if USERNAMES.get(ports, &username_key(&input.username))?.is_some() {
        return Err(taken());
    }
    let (user, mut writes) = new_user(UserBody {
        password_hash: Some(hash::hash(&input.password)?),
        ..UserBody::new(&input.username)
    })?;
    let action = AuditedAction::by(&user.id, AuditAction::Register).on(&user.id);
    writes.push(audit::entry(action)?);
    let registered = events::user_registered(&user.id, &user.body.username)?;
    let signed_in = session::open(ports, &id::new(), user, client, &mut writes)?;
    match ports.commit(&writes, &[registered]) {
        Ok(()) => Ok(signed_in),
        Err(CommitFailure::Refused(refusals))
            if refusals
                .iter()
                .any(|refusal| refusal.reason == RefusalReason::Exists) =>
        {
            Err(taken())
        }
        Err(failure) => Err(failure.into()),
    }
}

/// Returns a user under a new id, with the writes that insert the user and claim the user name.
pub fn new_user(body: UserBody) -> Result<(Stored<UserBody>, Vec<Write>), Error> {
    let id = id::new();
    let claim = UsernameClaim { user_id: id.clone() };
    let writes = vec![
        USERNAMES.insert(&username_key(&body.username), &claim)?,
        USERS.insert(&id, &body)?,
    ];
    let version = 1;
    Ok((Stored { id, version, body }, writes))
}

impl UserBody {
    /// Creates a customer without a means to sign in.
    pub fn new(username: &str) -> Self {
        Self {
            username: username.into(),
            username_key: Some(username_key(username)),
            password_hash: None,
            external: None,
            role: Role::Customer,
            created_at: id::now(),
            epoch: 0,
            profile: Profile::default(),
            erased_at: None,
        }
    }
}
