//! Exports the data of a user.

use mercato_shop::accounts::{AuditAction, AuditEntry, AuditOutcome, Channel};
use mercato_shop::audit::{AuditedAction, action_name};
use mercato_shop::collection::Stored;
use mercato_shop::ports::Ports;
use mercato_shop::types::{Caller, Error};
use serde_json::{Value, json};

use crate::audit;
use crate::repository::{
    PASSWORD_RESETS, SessionBody, VerificationBody, channel_name, get_user, sessions_of, verifications_of,
};

/// Returns all data that this service has of a user, as a JSON object. The data are the caller's, or anyone's
/// for an ADMIN or the API key.
pub fn export(ports: &impl Ports, caller: &Caller, id: &str) -> Result<String, Error> {
    caller.require_admin_or(id, "You can export only your own data.")?;
    let user = get_user(ports, id)?;
    let mut sessions = sessions_of(ports, id)?;
    sessions.retain(|session| session.body.is_live(user.body.epoch));
    let export = json!({
        "user": {
            "id": user.id, "username": user.body.username, "role": user.body.role.name(),
            "version": user.version,
            "createdAt": user.body.created_at, "erasedAt": user.body.erased_at, "profile": user.body.profile,
            "signsInAt": user.body.external.as_ref().map(|external| &external.issuer),
        },
        "sessions": sessions.iter().map(session).collect::<Vec<_>>(),
        "verifications": verifications_of(ports, id)?.iter().map(verification).collect::<Vec<_>>(),
        "resetRequest": PASSWORD_RESETS.get(ports, id)?.map(|reset| {
            json!({ "sentAt": reset.body.sent_at, "expiresAt": reset.body.expires_at })
        }),
        "auditLog": audit::entries_about(ports, id)?.iter().map(entry).collect::<Vec<_>>(),
    });
    if caller.user_id() != Some(id) {
        let action = AuditedAction::by(caller.actor(), AuditAction::DataExport).on(id);
        ports.commit(&[audit::entry(action)?], &[])?;
    }
    Ok(export.to_string())
}

fn session(session: &Stored<SessionBody>) -> Value {
    json!({
        "id": session.id, "createdAt": session.body.created_at, "lastUsedAt": session.body.last_used_at,
        "expiresAt": session.body.expires_at, "address": session.body.address,
        "userAgent": session.body.user_agent,
    })
}

fn verification((channel, stored): &(Channel, Stored<VerificationBody>)) -> Value {
    json!({
        "channel": channel_name(*channel), "sentAt": stored.body.sent_at, "expiresAt": stored.body.expires_at,
    })
}

fn entry(entry: &AuditEntry) -> Value {
    json!({
        "time": entry.time, "action": action_name(entry.action),
        "success": entry.outcome == AuditOutcome::Success,
        "actor": entry.actor, "subject": entry.subject, "detail": entry.detail,
    })
}
