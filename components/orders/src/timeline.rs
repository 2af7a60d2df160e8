//! Who did what with an order, as it is stored.

use mercato_shop::orders::{Actor, StatusChange};
use mercato_shop::types::{Caller, Error, Role, SignedIn};
use serde::{Deserialize, Serialize};

use crate::status::{Named, gives_back};

/// One change of an order's status. Written in the commit that makes the change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Entry {
    at: u64,
    actor: StoredActor,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    before: Option<Named>,
    after: Named,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    note: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
enum StoredActor {
    Customer(String),
    Admin(String),
    ApiKey,
    Shop,
}

impl Entry {
    /// Whether the change sends what the order took back on hand.
    pub fn gives_back(&self) -> bool {
        self.before
            .is_some_and(|before| gives_back(before.0, self.after.0))
    }
}

impl From<StatusChange> for Entry {
    fn from(change: StatusChange) -> Self {
        Self {
            at: change.at,
            actor: match change.actor {
                Actor::Customer(id) => StoredActor::Customer(id),
                Actor::Admin(id) => StoredActor::Admin(id),
                Actor::ApiKey => StoredActor::ApiKey,
                Actor::Shop => StoredActor::Shop,
            },
            before: change.before.map(Named),
            after: Named(change.after),
            note: change.note,
        }
    }
}

impl From<Entry> for StatusChange {
    fn from(entry: Entry) -> Self {
        Self {
            at: entry.at,
            actor: match entry.actor {
                StoredActor::Customer(id) => Actor::Customer(id),
                StoredActor::Admin(id) => Actor::Admin(id),
                StoredActor::ApiKey => Actor::ApiKey,
                StoredActor::Shop => Actor::Shop,
            },
            before: entry.before.map(|status| status.0),
            after: entry.after.0,
            note: entry.note,
        }
    }
}

/// Who a caller is in a timeline.
///
/// # Errors
/// For the anonymous.
pub fn actor(caller: &Caller) -> Result<Actor, Error> {
    caller.require_known()?;
    Ok(match caller {
        Caller::User(SignedIn { user_id, role, .. }) => match role {
            Role::Customer => Actor::Customer(user_id.clone()),
            Role::Admin => Actor::Admin(user_id.clone()),
        },
        Caller::ApiKey | Caller::Anonymous => Actor::ApiKey,
    })
}
