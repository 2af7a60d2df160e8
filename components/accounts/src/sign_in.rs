//! Becoming a user, and signing in.

use mercato_ports::documents::{CommitFailure, Comparison, Condition, RefusalReason, Scalar, Write};
use mercato_ports::events::Event;
use mercato_shop::accounts::{AuditAction, Client, Credentials, SignIn};
use mercato_shop::collection::{Stored, event};
use mercato_shop::id;
use mercato_shop::pruning::prune;
use mercato_shop::settings::number;
use mercato_shop::types::{Caller, Error};
use serde::Serialize;

use crate::audit::Entry;
use crate::refresh_token::RefreshToken;
use crate::service::{AccountsService, Platform};
use crate::session::{SESSIONS, SessionBody};
use crate::throttle::{Origin, Verdict};
use crate::user::{Profile, StoredRole, USERNAMES, USERS, UserBody, UsernameClaim, to_user};
use crate::{credentials, password, token};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct UserRegistered<'a> {
    user_id: &'a str,
    username: &'a str,
}

/// The event of this user's registration.
pub fn registered(user: &Stored<UserBody>) -> Result<Event, Error> {
    event(
        "mercato.accounts.user-registered",
        format!("user/{}", user.id),
        &UserRegistered {
            user_id: &user.id,
            username: &user.body.username,
        },
    )
}

impl<P: Platform> AccountsService<P> {
    pub(crate) fn sign_up(&self, input: Credentials, client: Client) -> Result<SignIn, Error> {
        credentials::check(&input)?;
        let key = credentials::username_key(&input.username);
        // A look before the leap spares the hash; the insert below decides.
        if USERNAMES.get(&self.ports, &key)?.is_some() {
            return Err(taken(&input.username));
        }
        let user = Stored {
            id: id::new(),
            version: 1,
            body: UserBody {
                username: input.username,
                username_key: Some(key.clone()),
                password_hash: Some(password::hash(&input.password)?),
                external: None,
                role: StoredRole::Customer,
                created_at: id::now(),
                epoch: 0,
                profile: Profile::default(),
                erased_at: None,
            },
        };
        let claim = UsernameClaim {
            user_id: user.id.clone(),
        };
        let event = registered(&user)?;
        let mut writes = vec![
            USERNAMES.insert(&key, &claim)?,
            USERS.insert(&user.id, &user.body)?,
            Entry::by(&user.id, AuditAction::Register).on(&user.id).write()?,
        ];
        let username = user.body.username.clone();
        let signed_in = self.open_session(&id::new(), user, client, &mut writes)?;
        match self.ports.commit(&writes, &[event]) {
            Ok(()) => Ok(signed_in),
            Err(CommitFailure::Refused(refusals))
                if refusals
                    .iter()
                    .any(|refusal| refusal.reason == RefusalReason::Exists) =>
            {
                Err(taken(&username))
            }
            Err(failure) => Err(failure.into()),
        }
    }

    pub(crate) fn sign_in(
        &self,
        caller: &Caller,
        input: &Credentials,
        client: Client,
    ) -> Result<SignIn, Error> {
        let key = credentials::username_key(&input.username);
        let user = self.user_of(&key)?;
        let own = user
            .as_ref()
            .is_some_and(|user| caller.user_id() == Some(user.id.as_str()));
        let origin = if own {
            Origin::Owner
        } else {
            Origin::Address(client.address.as_deref())
        };
        let user_id = user.as_ref().map(|user| user.id.clone());
        let user_id = user_id.as_deref();
        let attempt = match self.attempt(&key, user_id, origin)? {
            Verdict::Go(attempt) => attempt,
            Verdict::Wait { seconds, news } => {
                if news {
                    let entry =
                        failed_sign_in(user_id).detail("too many failures: further ones are refused unheard");
                    self.ports.commit(&[entry.write()?], &[])?;
                }
                return Err(Error::RateLimited(seconds));
            }
        };
        let right = match user.as_ref().and_then(|user| user.body.password_hash.as_deref()) {
            Some(hash) => password::verify(&input.password, hash)?,
            None => password::verify_nothing(&input.password).map(|()| false)?,
        };
        let Some(user) = user.filter(|_| right) else {
            self.ports.commit(&[failed_sign_in(user_id).write()?], &[])?;
            return Err(Error::Unauthenticated(
                "The user name or the password is wrong.".into(),
            ));
        };
        attempt.forgive(&self.ports);
        let mut writes = vec![Entry::by(&user.id, AuditAction::SignIn).on(&user.id).write()?];
        let (user_id, epoch, session_id) = (user.id.clone(), user.body.epoch, id::new());
        let signed_in = self.open_session(&session_id, user, client, &mut writes)?;
        self.ports.commit(&writes, &[])?;
        self.overtaken(&user_id, epoch, &session_id)?;
        Ok(signed_in)
    }

    /// Ends a session that was opened just now, where all of the user's sessions from before were ended while the password was looked
    /// at: whoever did that need not have seen this one.
    fn overtaken(&self, user_id: &str, epoch: u64, session_id: &str) -> Result<(), Error> {
        if self.user(user_id)?.body.epoch == epoch {
            return Ok(());
        }
        if let Some(session) = SESSIONS.get(&self.ports, session_id)? {
            let entry = Entry::by(user_id, AuditAction::SessionRevocation)
                .on(user_id)
                .detail(format!("session {session_id}"));
            self.end(session, &entry)?;
        }
        Err(Error::Unauthenticated(
            "All sessions of this account were ended just now. Sign in again.".into(),
        ))
    }

    fn user_of(&self, username_key: &str) -> Result<Option<Stored<UserBody>>, Error> {
        let mut query = USERS.query(1);
        query.conditions.push(Condition {
            field: "usernameKey".into(),
            comparison: Comparison::Equal,
            value: Scalar::Text(username_key.into()),
        });
        Ok(USERS.find(&self.ports, &query)?.pop())
    }

    /// A new session of this user's, under this id, whose insert joins these writes.
    fn open_session(
        &self,
        id: &str,
        user: Stored<UserBody>,
        client: Client,
        writes: &mut Vec<Write>,
    ) -> Result<SignIn, Error> {
        let token = RefreshToken::first()?;
        let lifetime = self.session_lifetime()?;
        let body = SessionBody::open(&user.id, user.body.epoch, &token, lifetime, client);
        writes.push(SESSIONS.insert(id, &body)?);
        prune(&self.ports, &SESSIONS, ("expiresAt", id::now()), id, |_| true);
        self.pair(user, id, &token)
    }

    /// How long a session lives that nobody uses, in milliseconds.
    pub(crate) fn session_lifetime(&self) -> Result<u64, Error> {
        Ok(u64::from(number::REFRESH_TOKEN_SECONDS.of(&self.ports)?) * 1_000)
    }

    /// Both tokens for the user of this session.
    pub(crate) fn pair(
        &self,
        user: Stored<UserBody>,
        session_id: &str,
        token: &RefreshToken,
    ) -> Result<SignIn, Error> {
        let user = to_user(user);
        Ok(SignIn {
            access_token: token::issue(&self.ports, &user, session_id)?,
            refresh_token: token.text(),
            user,
        })
    }
}

fn failed_sign_in(user_id: Option<&str>) -> Entry {
    let entry = Entry::of(&Caller::Anonymous, AuditAction::SignIn).failed();
    match user_id {
        Some(id) => entry.on(id),
        None => entry,
    }
}

fn taken(username: &str) -> Error {
    Error::Conflict(format!("The user name {username} is taken. Choose another one."))
}
