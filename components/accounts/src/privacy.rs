//! What a person may ask of a shop that keeps their data: to have all of it, and to have it taken away.

use mercato_shop::accounts::{AuditAction, AuditEntry, AuditFilter, AuditOutcome, User};
use mercato_shop::collection::event;
use mercato_shop::types::{Caller, Error, Page};
use mercato_shop::{audit, cursor, id};
use serde::Serialize;
use serde_json::{Value, json};

use crate::audit::Entry;
use crate::code::{self, VERIFICATIONS};
use crate::service::{AccountsService, Platform};
use crate::sessions::is_live;
use crate::user::{Profile, StoredRole, USERNAMES, USERS, to_user};

/// What an erased user is called: it has a space in it, so that nobody can register it.
const ERASED: &str = "erased user";

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct UserErased<'a> {
    user_id: &'a str,
}

impl<P: Platform> AccountsService<P> {
    pub(crate) fn all_of(&self, caller: &Caller, id: &str) -> Result<String, Error> {
        caller.require_admin_or(id, "A customer exports only the own data.")?;
        let user = self.user(id)?;
        let mut sessions = self.sessions_of(id)?;
        sessions.retain(|session| is_live(&session.body, user.body.epoch));
        let sessions: Vec<_> = sessions
            .into_iter()
            .map(|session| {
                json!({
                    "id": session.id, "createdAt": session.body.created_at, "lastUsedAt": session.body.last_used_at,
                    "expiresAt": session.body.expires_at, "address": session.body.address,
                    "userAgent": session.body.user_agent,
                })
            })
            .collect();
        let verifications: Vec<_> = self
            .verifications_of(id)?
            .into_iter()
            .map(|(channel, kept)| {
                json!({
                    "channel": code::name(channel), "sentAt": kept.body.sent_at,
                    "expiresAt": kept.body.expires_at,
                })
            })
            .collect();
        let export = json!({
            "user": {
                "id": user.id, "username": user.body.username, "role": user.body.role, "version": user.version,
                "createdAt": user.body.created_at, "erasedAt": user.body.erased_at, "profile": user.body.profile,
                "signsInAt": user.body.external.as_ref().map(|external| &external.issuer),
            },
            "sessions": sessions,
            "verifications": verifications,
            "auditLog": self.log_of(id)?,
        });
        if caller.user_id() != Some(id) {
            let entry = Entry::of(caller, AuditAction::DataExport).on(id);
            self.ports.commit(&[entry.write()?], &[])?;
        }
        Ok(export.to_string())
    }

    pub(crate) fn forget(&self, caller: &Caller, id: &str) -> Result<User, Error> {
        caller.require_admin_or(id, "A customer erases only the own data.")?;
        let mut user = self.user(id)?;
        if user.body.erased_at.is_none() {
            let mut writes = vec![Entry::of(caller, AuditAction::Erasure).on(id).write()?];
            if let Some(key) = user.body.username_key.take()
                && let Some(claim) = USERNAMES.get(&self.ports, &key)?
            {
                writes.push(USERNAMES.delete(&claim));
            }
            let external = user.body.external.take().map(|external| external.id());
            if let Some(external) = &external {
                writes.extend(self.give_up(external, id)?);
            }
            let verifications = self.verifications_of(id)?;
            writes.extend(verifications.iter().map(|(_, kept)| VERIFICATIONS.delete(kept)));
            user.body.username = ERASED.into();
            user.body.password_hash = None;
            user.body.role = StoredRole::Customer;
            user.body.profile = Profile::default();
            user.body.epoch += 1;
            user.body.erased_at = Some(id::now());
            writes.push(USERS.replace(&user)?);
            let erased = event(
                "mercato.accounts.user-erased",
                format!("user/{id}"),
                &UserErased { user_id: id },
            )?;
            self.ports.commit(&writes, &[erased])?;
            if let Some(external) = external {
                external.forget(&self.ports);
            }
            user.version += 1;
        }
        // Also of a user who was erased before: what an interrupted erasure has left.
        self.end_others(id, None)?;
        Ok(to_user(user))
    }

    /// All that the audit log tells of a user, by whomever it was done, or whoever it was done to.
    fn log_of(&self, id: &str) -> Result<Vec<Value>, Error> {
        let filter = |actor: Option<&str>, subject: Option<&str>| AuditFilter {
            action: None,
            actor: actor.map(str::to_owned),
            subject: subject.map(str::to_owned),
            since: None,
            until: None,
        };
        let mut log = self.whole_log(&filter(None, Some(id)))?;
        log.extend(
            self.whole_log(&filter(Some(id), None))?
                .into_iter()
                .filter(|entry| entry.subject.as_deref() != Some(id)),
        );
        log.sort_by(|a, b| (a.time, &a.id).cmp(&(b.time, &b.id)));
        let tell = |entry: AuditEntry| {
            json!({
                "time": entry.time, "action": audit::name(entry.action),
                "success": entry.outcome == AuditOutcome::Success,
                "actor": entry.actor, "subject": entry.subject, "detail": entry.detail,
            })
        };
        Ok(log.into_iter().map(tell).collect())
    }

    fn whole_log(&self, filter: &AuditFilter) -> Result<Vec<AuditEntry>, Error> {
        let mut log = Vec::new();
        let mut page = Page {
            first: cursor::MAX_PAGE,
            after: None,
        };
        loop {
            let part = self.page_of_log(filter, &page)?;
            page.after = part.edges.last().map(|edge| edge.cursor.clone());
            log.extend(part.edges.into_iter().map(|edge| edge.entry));
            if !part.has_next {
                return Ok(log);
            }
        }
    }
}
