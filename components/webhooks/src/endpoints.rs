//! The endpoints, as those who keep the shop make, change and end them.

use mercato_ports::documents::{CommitFailure, Write};
use mercato_shop::accounts::AuditAction;
use mercato_shop::collection::Stored;
use mercato_shop::id;
use mercato_shop::ports::Ports;
use mercato_shop::types::{Caller, Error};
use mercato_shop::webhooks::{NewWebhook, SecretWebhook, WebhookPatch};

use crate::endpoint::{ENDPOINTS, EndpointBody, to_webhook};
use crate::service::{MOST_READ, TRIES, WebhooksService, act, busy};
use crate::signature::Secret;
use crate::{subscription, url};

/// How many endpoints a shop may have: an event is one commit for all of them.
const MOST: usize = 50;

impl<P: Ports> WebhooksService<P> {
    pub(crate) fn endpoints(&self) -> Result<Vec<Stored<EndpointBody>>, Error> {
        ENDPOINTS.find(&self.ports, &ENDPOINTS.query(MOST_READ))
    }

    pub(crate) fn add(&self, caller: &Caller, input: &NewWebhook) -> Result<SecretWebhook, Error> {
        let body = EndpointBody {
            url: url::checked(&self.ports, &input.url)?,
            events: subscription::checked(&input.events)?,
            enabled: true,
            secret: Secret::generate()?,
            previous: Vec::new(),
            disabled_reason: None,
            failing_since: None,
            created_at: id::now(),
        };
        if self.endpoints()?.len() >= MOST {
            return Err(Error::Conflict(format!(
                "There are {MOST} webhooks already. Delete one that is not needed any more."
            )));
        }
        let stored = Stored {
            id: id::new(),
            version: 1,
            body,
        };
        let insert = ENDPOINTS.insert(&stored.id, &stored.body)?;
        let act = act(caller, AuditAction::WebhookCreate, &stored.id)?;
        self.ports.commit(&[insert], &[act])?;
        Ok(with_secret(&stored))
    }

    pub(crate) fn edit(
        &self,
        caller: &Caller,
        id: &str,
        patch: &WebhookPatch,
    ) -> Result<Stored<EndpointBody>, Error> {
        let target = patch.url.as_deref().map(|url| url::checked(&self.ports, url));
        let (target, events) = (
            target.transpose()?,
            patch.events.as_deref().map(subscription::checked).transpose()?,
        );
        self.change((caller, AuditAction::WebhookUpdate), id, |stored| {
            let body = &mut stored.body;
            if let Some(target) = &target
                && body.url != *target
            {
                body.url.clone_from(target);
                body.failing_since = None;
            }
            if let Some(events) = &events {
                body.events.clone_from(events);
            }
            match patch.enabled {
                Some(true) => body.enable(),
                Some(false) => body.enabled = false,
                None => {}
            }
            ENDPOINTS.replace(stored)
        })
    }

    pub(crate) fn remove(&self, caller: &Caller, id: &str) -> Result<Stored<EndpointBody>, Error> {
        self.change((caller, AuditAction::WebhookDelete), id, |stored| {
            Ok(ENDPOINTS.delete(stored))
        })
    }

    pub(crate) fn rotate(&self, caller: &Caller, id: &str) -> Result<SecretWebhook, Error> {
        let secret = Secret::generate()?;
        let stored = self.change((caller, AuditAction::WebhookSecretRotate), id, |stored| {
            stored.body.rotate(secret.clone(), id::now());
            ENDPOINTS.replace(stored)
        })?;
        Ok(with_secret(&stored))
    }

    /// Changes an endpoint at its version, anew where somebody else was faster.
    fn change(
        &self,
        (caller, action): (&Caller, AuditAction),
        id: &str,
        change: impl Fn(&mut Stored<EndpointBody>) -> Result<Write, Error>,
    ) -> Result<Stored<EndpointBody>, Error> {
        let missing = || Error::NotFound(format!("There is no webhook {id}."));
        if !id::is_valid(id) {
            return Err(missing());
        }
        for _ in 0..TRIES {
            let mut stored = ENDPOINTS.get(&self.ports, id)?.ok_or_else(missing)?;
            let write = change(&mut stored)?;
            match self.ports.commit(&[write], &[act(caller, action, id)?]) {
                Ok(()) => return Ok(stored),
                Err(CommitFailure::Refused(_)) => {}
                Err(failure) => return Err(failure.into()),
            }
        }
        Err(busy())
    }
}

fn with_secret(stored: &Stored<EndpointBody>) -> SecretWebhook {
    SecretWebhook {
        webhook: to_webhook(stored),
        secret: stored.body.secret.reveal().into(),
    }
}
