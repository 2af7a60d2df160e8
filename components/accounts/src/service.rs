//! What the accounts service does.

use mercato_common::accounts::{Credentials, Session, User, UserEdge, UserPage};
use mercato_common::collection::{Stored, event};
use mercato_common::ports::Ports;
use mercato_common::services::Accounts;
use mercato_common::types::{Caller, Error, Page};
use mercato_common::{cursor, id};
use mercato_ports::documents::{CommitFailure, Comparison, Condition, RefusalReason, Scalar};
use serde::Serialize;

use crate::user::{StoredRole, USERNAMES, USERS, UserBody, UsernameClaim, to_user};
use crate::{credentials, password, token};

/// The name of the only sort that the list of users has: by id, which is by registration.
const BY_REGISTRATION: &str = "registered";

/// The accounts service over its ports.
#[derive(Clone, Copy, Debug)]
pub struct AccountsService<P> {
    ports: P,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct UserRegistered<'a> {
    user_id: &'a str,
    username: &'a str,
}

impl<P: Ports> AccountsService<P> {
    /// The service over these ports.
    pub const fn new(ports: P) -> Self {
        Self { ports }
    }

    fn session(&self, user: User) -> Result<Session, Error> {
        Ok(Session {
            access_token: token::issue(&self.ports, &user)?,
            user,
        })
    }
}

impl<P: Ports> Accounts for AccountsService<P> {
    fn register(&self, input: Credentials) -> Result<Session, Error> {
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
                username_key: key.clone(),
                password_hash: password::hash(&input.password)?,
                role: StoredRole::Customer,
                created_at: id::now(),
            },
        };
        let writes = [
            USERNAMES.insert(
                &key,
                &UsernameClaim {
                    user_id: user.id.clone(),
                },
            )?,
            USERS.insert(&user.id, &user.body)?,
        ];
        let registered = UserRegistered {
            user_id: &user.id,
            username: &user.body.username,
        };
        let event = event(
            "mercato.accounts.user-registered",
            format!("user/{}", user.id),
            &registered,
        )?;
        match self.ports.commit(&writes, &[event]) {
            Ok(()) => self.session(to_user(user)),
            Err(CommitFailure::Refused(refusals))
                if refusals
                    .iter()
                    .any(|refusal| refusal.reason == RefusalReason::Exists) =>
            {
                Err(taken(&user.body.username))
            }
            Err(failure) => Err(failure.into()),
        }
    }

    fn login(&self, input: Credentials) -> Result<Session, Error> {
        let mut query = USERS.query(1);
        query.conditions.push(Condition {
            field: "usernameKey".into(),
            comparison: Comparison::Equal,
            value: Scalar::Text(credentials::username_key(&input.username)),
        });
        let refused = || Error::Unauthenticated("The user name or the password is wrong.".into());
        let Some(user) = USERS.find(&self.ports, &query)?.pop() else {
            password::verify_nothing(&input.password)?;
            return Err(refused());
        };
        if !password::verify(&input.password, &user.body.password_hash)? {
            return Err(refused());
        }
        self.session(to_user(user))
    }

    fn get_many(&self, caller: &Caller, ids: &[String]) -> Result<Vec<Result<User, Error>>, Error> {
        caller.require_known()?;
        let mine = |id: &String| caller.is_admin() || caller.user_id() == Some(id);
        let wanted: Vec<_> = ids.iter().filter(|id| mine(id)).cloned().collect();
        let mut users = USERS.get_many(&self.ports, &wanted)?.into_iter();
        let answer = |id| {
            if !mine(id) {
                return Err(Error::Forbidden(
                    "A customer sees only the own user record.".into(),
                ));
            }
            users
                .next()
                .flatten()
                .map(to_user)
                .ok_or_else(|| Error::NotFound(format!("There is no user {id}.")))
        };
        Ok(ids.iter().map(answer).collect())
    }

    fn list(&self, caller: &Caller, page: &Page) -> Result<UserPage, Error> {
        caller.require_known()?;
        let mut query = USERS.query(0);
        cursor::apply(page, BY_REGISTRATION, &mut query)?;
        let mut users = match caller.user_id() {
            Some(own) if !caller.is_admin() => {
                // The one own record comes after no cursor but those of older users.
                let after = query.after.is_none_or(|position| position.id.as_str() < own);
                USERS
                    .get(&self.ports, own)?
                    .into_iter()
                    .filter(|_| after)
                    .collect()
            }
            _ => USERS.find(&self.ports, &query)?,
        };
        let has_next = cursor::split(page, &mut users);
        let edge = |stored: Stored<UserBody>| {
            Ok(UserEdge {
                cursor: cursor::encode(BY_REGISTRATION, None, &stored.id)?,
                user: to_user(stored),
            })
        };
        Ok(UserPage {
            edges: users.into_iter().map(edge).collect::<Result<_, Error>>()?,
            has_next,
        })
    }
}

fn taken(username: &str) -> Error {
    Error::Conflict(format!("The user name {username} is taken. Choose another one."))
}
