//! Endpoints: how an ADMIN or the API key creates, changes and deletes them.

pub mod subscription;
mod url;

use mercato_ports::documents::Write;
use mercato_shop::accounts::AuditAction;
use mercato_shop::collection::Stored;
use mercato_shop::id;
use mercato_shop::ports::Ports;
use mercato_shop::retry::retry_on_conflict;
use mercato_shop::types::{Caller, Error};
use mercato_shop::webhooks::{NewWebhook, SecretWebhook, Webhook, WebhookPatch};

use crate::audit;
use crate::repository::{
    ENDPOINTS, EndpointBody, PreviousSecret, read_endpoints, to_webhook, too_many_changes,
};
use crate::signature::Secret;

/// How many endpoints a shop can have. One commit creates the deliveries of an event to all of them.
const MAX_ENDPOINTS: usize = 50;

/// How long a previous secret signs deliveries, in milliseconds: a day.
const SECRET_GRACE: u64 = 24 * 3_600_000;

const MAX_PREVIOUS_SECRETS: usize = 5;

/// How long all deliveries may fail before the endpoint is disabled, in milliseconds: three days.
const MAX_FAILING: u64 = 3 * 24 * 3_600_000;

/// Creates an endpoint, and returns it with its secret.
///
/// # Errors
/// [`Error::Invalid`] if the URL or a subscription is invalid, [`Error::Conflict`] if the shop has too many
/// endpoints.
pub fn create(ports: &impl Ports, caller: &Caller, input: &NewWebhook) -> Result<SecretWebhook, Error> {
    caller.require_admin()?;
    let body = EndpointBody {
        url: url::check(ports, &input.url)?,
        events: subscription::check(&input.events)?,
        enabled: true,
        secret: Secret::generate()?,
        previous: Vec::new(),
        disabled_reason: None,
        failing_since: None,
        created_at: id::now(),
    };
    if read_endpoints(ports)?.len() >= MAX_ENDPOINTS {
        return Err(Error::Conflict(format!(
            "A shop can have at most {MAX_ENDPOINTS} webhooks. Delete one that is not needed any more."
        )));
    }
    let stored = Stored {
        id: id::new(),
        version: 1,
        body,
    };
    let insert = ENDPOINTS.insert(&stored.id, &stored.body)?;
    let act = audit::act(caller, AuditAction::WebhookCreate, &stored.id)?;
    ports.commit(&[insert], &[act])?;
    Ok(with_secret(&stored))
}

/// Changes an endpoint. Enabling it forgets its failures.
pub fn update(ports: &impl Ports, caller: &Caller, id: &str, patch: &WebhookPatch) -> Result<Webhook, Error> {
    caller.require_admin()?;
    let url = patch
        .url
        .as_deref()
        .map(|url| url::check(ports, url))
        .transpose()?;
    let events = patch.events.as_deref().map(subscription::check).transpose()?;
    let stored = change(ports, (caller, AuditAction::WebhookUpdate), id, |stored| {
        let body = &mut stored.body;
        if let Some(url) = &url
            && body.url != *url
        {
            body.url.clone_from(url);
            body.failing_since = None;
        }
        if let Some(events) = &events {
            body.events.clone_from(events);
        }
        match patch.enabled {
            Some(true) => {
                body.enabled = true;
                body.disabled_reason = None;
                body.failing_since = None;
            }
            Some(false) => body.enabled = false,
            None => {}
        }
        ENDPOINTS.replace(stored)
    })?;
    Ok(to_webhook(&stored))
}

/// Deletes an endpoint. Its pending deliveries are not sent any more.
pub fn delete(ports: &impl Ports, caller: &Caller, id: &str) -> Result<Webhook, Error> {
    caller.require_admin()?;
    let stored = change(ports, (caller, AuditAction::WebhookDelete), id, |stored| {
        Ok(ENDPOINTS.delete(stored))
    })?;
    Ok(to_webhook(&stored))
}

/// Replaces the secret of an endpoint, and returns the new one. The previous secret signs for one more day.
pub fn rotate_secret(ports: &impl Ports, caller: &Caller, id: &str) -> Result<SecretWebhook, Error> {
    caller.require_admin()?;
    let secret = Secret::generate()?;
    let stored = change(ports, (caller, AuditAction::WebhookSecretRotate), id, |stored| {
        stored.body.rotate(secret.clone(), id::now());
        ENDPOINTS.replace(stored)
    })?;
    Ok(with_secret(&stored))
}

/// Lists all endpoints, oldest first.
pub fn list(ports: &impl Ports, caller: &Caller) -> Result<Vec<Webhook>, Error> {
    caller.require_admin()?;
    Ok(read_endpoints(ports)?.iter().map(to_webhook).collect())
}

/// Changes an endpoint, and repeats the change if another request was faster.
fn change(
    ports: &impl Ports,
    (caller, action): (&Caller, AuditAction),
    id: &str,
    change: impl Fn(&mut Stored<EndpointBody>) -> Result<Write, Error>,
) -> Result<Stored<EndpointBody>, Error> {
    let missing = || Error::NotFound(format!("There is no webhook {id}."));
    if !id::is_valid(id) {
        return Err(missing());
    }
    retry_on_conflict(too_many_changes, || {
        let mut stored = ENDPOINTS.get(ports, id)?.ok_or_else(missing)?;
        let write = change(&mut stored)?;
        ports.commit(&[write], &[audit::act(caller, action, id)?])?;
        Ok(stored)
    })
}

impl EndpointBody {
    /// Whether events of this kind are sent to the endpoint.
    pub fn subscribes_to(&self, kind: &str) -> bool {
        self.enabled
            && self
                .events
                .iter()
                .any(|pattern| subscription::covers(pattern, kind))
    }

    /// Returns the secrets that sign a delivery now, newest first.
    pub fn secrets(&self, now: u64) -> impl Iterator<Item = &Secret> {
        let previous = self.previous.iter().filter(move |previous| now < previous.until);
        [&self.secret]
            .into_iter()
            .chain(previous.map(|previous| &previous.secret))
    }

    /// Replaces the secret. Several previous secrets can be valid at once. If the answer to a rotation is
    /// lost and the client repeats it, the endpoint still has the first secret.
    fn rotate(&mut self, secret: Secret, now: u64) {
        let secret = std::mem::replace(&mut self.secret, secret);
        self.previous.retain(|previous| now < previous.until);
        self.previous.truncate(MAX_PREVIOUS_SECRETS - 1);
        let until = now.saturating_add(SECRET_GRACE);
        self.previous.insert(0, PreviousSecret { secret, until });
    }

    /// Disables the endpoint for a reason.
    pub fn disable(&mut self, reason: &str) {
        self.enabled = false;
        self.disabled_reason = Some(reason.into());
    }

    /// Records a failed delivery, and disables the endpoint if all deliveries have failed for too long.
    pub fn record_failure(&mut self, now: u64) {
        let since = *self.failing_since.get_or_insert(now);
        if self.enabled && now.saturating_sub(since) >= MAX_FAILING {
            self.disable("All deliveries have failed for three days.");
        }
    }
}

fn with_secret(stored: &Stored<EndpointBody>) -> SecretWebhook {
    SecretWebhook {
        webhook: to_webhook(stored),
        secret: stored.body.secret.reveal().into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn disables_an_endpoint_after_three_days_of_failures() {
        let day = 86_400_000;
        let is_disabled = |since: u64, now: u64| {
            let text = format!(
                r#"{{"url":"","events":[],"enabled":true,"secret":"","failingSince":{since},"createdAt":0}}"#
            );
            let mut body: EndpointBody = serde_json::from_str(&text).unwrap();
            body.record_failure(now);
            !body.enabled
        };
        assert!(!is_disabled(1, 3 * day));
        assert!(is_disabled(1, 3 * day + 1));
        assert!(!is_disabled(5, 0), "the clock was set back");
    }
}
