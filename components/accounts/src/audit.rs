//! The audit log: who did what to whom. Entries are written in the commit of what they tell, and never changed.
//!
//! It holds ids and nothing else of a person, so that it can stay when a person is erased.

use mercato_common::accounts::{AuditAction, AuditEdge, AuditEntry, AuditFilter, AuditOutcome, AuditPage};
use mercato_common::collection::{Collection, Stored};
use mercato_common::types::{Caller, Error, Page};
use mercato_common::{cursor, id};
use mercato_ports::documents::{Comparison, Condition, Direction, Query, Scalar, Sort, Write};
use serde::{Deserialize, Serialize};

use crate::service::{AccountsService, Platform};

const AUDIT: Collection<Entry> = Collection::new("accounts.audit");

/// The name of the only sort that the log has.
const NEWEST_FIRST: &str = "-time";

/// All actions.
const ACTIONS: [AuditAction; 8] = [
    AuditAction::Register,
    AuditAction::SignIn,
    AuditAction::SignOut,
    AuditAction::SessionRevocation,
    AuditAction::RefreshTokenReuse,
    AuditAction::PasswordChange,
    AuditAction::RoleChange,
    AuditAction::Erasure,
];

/// Something that happened.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Entry {
    time: u64,
    action: String,
    success: bool,
    actor: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    subject: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    detail: Option<String>,
}

impl Entry {
    /// Something that this caller did now.
    pub fn of(caller: &Caller, action: AuditAction) -> Self {
        let actor = match caller {
            Caller::Anonymous => "anonymous",
            Caller::ApiKey => "api-key",
            Caller::User(user) => &user.user_id,
        };
        Self::by(actor, action)
    }

    /// Something that the user of this id did now.
    pub fn by(actor: &str, action: AuditAction) -> Self {
        Self {
            time: id::now(),
            action: name(action).into(),
            success: true,
            actor: actor.into(),
            subject: None,
            detail: None,
        }
    }

    /// To the user of this id.
    pub fn on(mut self, user_id: &str) -> Self {
        self.subject = Some(user_id.into());
        self
    }

    /// In vain.
    pub const fn failed(mut self) -> Self {
        self.success = false;
        self
    }

    /// With something else to tell. Never a secret.
    pub fn detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = Some(detail.into());
        self
    }

    /// The write that adds it to the log.
    pub fn write(&self) -> Result<Write, Error> {
        AUDIT.insert(&id::new(), self)
    }
}

impl<P: Platform> AccountsService<P> {
    pub(crate) fn read_audit_log(
        &self,
        caller: &Caller,
        filter: &AuditFilter,
        page: &Page,
    ) -> Result<AuditPage, Error> {
        caller.require_admin()?;
        self.page_of_log(filter, page)
    }

    /// A page of the log, whoever wants it.
    pub(crate) fn page_of_log(&self, filter: &AuditFilter, page: &Page) -> Result<AuditPage, Error> {
        let mut query = newest_first();
        let conditions = [
            ("action", filter.action.map(name)),
            ("actor", filter.actor.as_deref()),
            ("subject", filter.subject.as_deref()),
        ];
        let given = conditions
            .into_iter()
            .filter_map(|(field, value)| Some(equal(field, value?)));
        query.conditions.extend(given);
        cursor::apply(page, NEWEST_FIRST, &mut query)?;
        let mut entries = AUDIT.find(&self.ports, &query)?;
        let has_next = cursor::split(page, &mut entries);
        let edge = |stored: Stored<Entry>| {
            let time = Scalar::Integer(i64::try_from(stored.body.time).unwrap_or(i64::MAX));
            Ok(AuditEdge {
                cursor: cursor::encode(NEWEST_FIRST, Some(time), &stored.id)?,
                entry: to_entry(stored)?,
            })
        };
        Ok(AuditPage {
            edges: entries.into_iter().map(edge).collect::<Result<_, Error>>()?,
            has_next,
        })
    }
}

fn newest_first() -> Query {
    let mut query = AUDIT.query(0);
    query.sort = Some(Sort {
        field: "time".into(),
        direction: Direction::Descending,
    });
    query
}

fn equal(field: &str, value: &str) -> Condition {
    Condition {
        field: field.into(),
        comparison: Comparison::Equal,
        value: Scalar::Text(value.into()),
    }
}

/// As it is stored.
pub const fn name(action: AuditAction) -> &'static str {
    match action {
        AuditAction::Register => "register",
        AuditAction::SignIn => "sign-in",
        AuditAction::SignOut => "sign-out",
        AuditAction::SessionRevocation => "session-revocation",
        AuditAction::RefreshTokenReuse => "refresh-token-reuse",
        AuditAction::PasswordChange => "password-change",
        AuditAction::RoleChange => "role-change",
        AuditAction::Erasure => "erasure",
    }
}

fn to_entry(stored: Stored<Entry>) -> Result<AuditEntry, Error> {
    let Entry {
        time,
        action,
        success,
        actor,
        subject,
        detail,
    } = stored.body;
    let action = ACTIONS
        .into_iter()
        .find(|known| name(*known) == action)
        .ok_or_else(|| Error::Internal(format!("the audit log has an unknown action: {action}")))?;
    Ok(AuditEntry {
        id: stored.id,
        time,
        action,
        outcome: if success {
            AuditOutcome::Success
        } else {
            AuditOutcome::Failure
        },
        actor,
        subject,
        detail,
    })
}
