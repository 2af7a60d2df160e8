//! The audit log: who did what to whom. Of this service, entries are written in the commit of what they tell; of the others, when their
//! events arrive. No function changes an entry, or takes one away.
//!
//! It holds ids and nothing else of a person, so that it can stay when a person is erased.

use mercato_ports::documents::{Comparison, Condition, Direction, Query, Scalar, Sort, Write};
use mercato_shop::accounts::{AuditAction, AuditEdge, AuditEntry, AuditFilter, AuditOutcome, AuditPage};
use mercato_shop::audit::{self, Act, name};
use mercato_shop::collection::{Collection, Stored};
use mercato_shop::ports::Ports;
use mercato_shop::types::{Caller, Error, Page};
use mercato_shop::{cursor, id};
use serde::{Deserialize, Serialize};

use crate::service::{AccountsService, Platform};

const AUDIT: Collection<Entry> = Collection::new("accounts.audit");

/// The name of the only sort that the log has.
const NEWEST_FIRST: &str = "-time";

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
        Self::by(caller.actor(), action)
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

    /// What was done in another service at this time.
    pub fn elsewhere(act: Act, time: u64) -> Self {
        Self {
            time,
            action: act.action,
            success: true,
            actor: act.actor,
            subject: act.subject,
            detail: act.detail,
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
        self.write_as(&id::new())
    }

    /// The same under the id of what it tells, so that it is told once.
    pub fn write_as(&self, id: &str) -> Result<Write, Error> {
        AUDIT.insert(id, self)
    }
}

/// Whether there is an entry of this id.
pub fn is_there(ports: &impl Ports, id: &str) -> Result<bool, Error> {
    Ok(AUDIT.get(ports, id)?.is_some())
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
        let times = [
            (Comparison::AtLeast, filter.since),
            (Comparison::Less, filter.until),
        ];
        let given = times.into_iter().filter_map(|(comparison, time)| {
            Some(Condition {
                field: "time".into(),
                comparison,
                value: integer(time?),
            })
        });
        query.conditions.extend(given);
        cursor::apply(page, NEWEST_FIRST, &mut query)?;
        let mut entries = AUDIT.find(&self.ports, &query)?;
        let has_next = cursor::split(page, &mut entries);
        let edge = |stored: Stored<Entry>| {
            Ok(AuditEdge {
                cursor: cursor::encode(NEWEST_FIRST, Some(integer(stored.body.time)), &stored.id)?,
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

fn integer(time: u64) -> Scalar {
    Scalar::Integer(i64::try_from(time).unwrap_or(i64::MAX))
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
    let action = audit::action(&action)
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
