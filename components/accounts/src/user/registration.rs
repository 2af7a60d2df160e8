//! Registers users.

use mercato_ports::documents::{CommitFailure, RefusalReason, Write};
use mercato_shop::accounts::{AuditAction, Client, Registration, SignIn};
use mercato_shop::audit::AuditedAction;
use mercato_shop::cache::Cache;
use mercato_shop::collection::Stored;
use mercato_shop::ports::{Passwords, Ports};
use mercato_shop::types::{Error, Role};
use mercato_shop::{id, text};

use super::credentials::NewPassword;
use super::profile;
use super::username::{self, possible_keys, username_key};
use crate::address_limit::{self, Kind};
use crate::repository::{Profile, USERNAMES, USERS, UserBody, UsernameClaim};
use crate::{audit, email, events, session};

/// Registers a customer with a password, and opens a session. Without a user name, one is generated from the
/// e-mail address.
///
/// # Errors
/// [`Error::Invalid`] for a bad user name, password, name or address. [`Error::Conflict`] if the user name is
/// taken, or if another user has verified the address. [`Error::RateLimited`] after too many registrations
/// from one address, or if too many passwords wait to be hashed.
pub fn register(
    ports: &(impl Ports + Cache + Passwords),
    input: &Registration,
    client: &Client,
) -> Result<SignIn, Error> {
    let address = text::trimmed(input.email.as_deref());
    let username = input.username.as_deref().filter(|name| !name.trim().is_empty());
    let username = match (username, address) {
        (Some(username), _) => username::check(username)?,
        (None, Some(_)) => username::generate(address),
        (None, None) => {
            return Err(Error::invalid("username", "`username` or `email` must be set."));
        }
    };
    let names = [Some(username.as_str()), address, input.name.as_deref()];
    let names: Vec<_> = names.into_iter().flatten().collect();
    let password = NewPassword::check("password", &input.password, &names)?;
    let profile = profile::new(input.name.as_deref(), address)?;
    address_limit::count(ports, Kind::Registration, client)?;
    let taken = || Error::Conflict(format!("The user name {username} is taken. Choose another one."));
    // The insert below decides about names of this version. Reading first spares the hash, and finds the names
    // of earlier versions.
    let claims = USERNAMES.get_many(ports, &possible_keys(&username))?;
    if claims.iter().any(Option::is_some) {
        return Err(taken());
    }
    let mut address_writes = match address {
        Some(address) => email::register(ports, address)?,
        None => Vec::new(),
    };
    let mut body = UserBody {
        password_hash: Some(password.hash(ports)?),
        registered_by_email: address.is_some(),
        profile,
        ..UserBody::new(&username)
    };
    body.set_login_email();
    let (user, mut writes) = new_user(body)?;
    writes.append(&mut address_writes);
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
    /// Returns the names that a password must not be made of.
    pub fn names(&self) -> Vec<&str> {
        let (email, name) = (self.profile.email.as_deref(), self.profile.name.as_deref());
        [Some(self.username.as_str()), email, name]
            .into_iter()
            .flatten()
            .collect()
    }

    /// Creates a customer without a means to sign in.
    pub fn new(username: &str) -> Self {
        Self {
            username: username.into(),
            username_key: Some(username_key(username)),
            login_email: None,
            registered_by_email: false,
            password_hash: None,
            external: None,
            role: Role::Customer,
            created_at: id::now(),
            epoch: 0,
            sessions_ended_at: None,
            role_is_set: false,
            profile: Profile::default(),
            erased_at: None,
        }
    }
}
