//! What users want to hear of, and how.

use std::collections::BTreeMap;

use mercato_ports::documents::{CommitFailure, Write};
use mercato_ports::events::Event;
use mercato_shop::accounts::AuditAction;
use mercato_shop::audit::Act;
use mercato_shop::collection::{Collection, Stored};
use mercato_shop::notifications::{Kind, Medium, Preference};
use mercato_shop::ports::Ports;
use mercato_shop::services::{Contacts, Orders};
use mercato_shop::types::{Caller, Error};
use serde::{Deserialize, Serialize};

use crate::names::Named;
use crate::service::{NotificationsService, Platform};

/// What users have chosen; the id is the user's.
pub const PREFERENCES: Collection<Choices> = Collection::new("notifications.preferences");

/// How often a change is made anew where somebody else is faster.
const TRIES: usize = 10;

/// What can be chosen. Codes always come, and what is not for customers is not theirs to choose.
const KINDS: [Kind; 5] = [
    Kind::Welcome,
    Kind::OrderPlaced,
    Kind::OrderPaid,
    Kind::OrderShipped,
    Kind::OrderCancelled,
];

/// What somebody has chosen; the rest is as it is for all.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Choices {
    chosen: BTreeMap<String, bool>,
}

impl Choices {
    /// Whether a kind is wanted by a medium: unless somebody has chosen otherwise, all by e-mail and nothing by SMS.
    pub fn wants(&self, kind: Kind, medium: Medium) -> bool {
        let chosen = self.chosen.get(&key(kind, medium)).copied();
        chosen.unwrap_or(medium == Medium::Email)
    }

    fn all(&self) -> Vec<Preference> {
        let preference = |kind, medium| Preference {
            kind,
            medium,
            enabled: self.wants(kind, medium),
        };
        KINDS
            .into_iter()
            .flat_map(|kind| [preference(kind, Medium::Email), preference(kind, Medium::Sms)])
            .collect()
    }

    fn choose(&mut self, choices: &[Preference]) {
        for choice in choices {
            self.chosen
                .insert(key(choice.kind, choice.medium), choice.enabled);
        }
    }
}

/// What a user has chosen.
pub fn of(ports: &impl Ports, user_id: &str) -> Result<Choices, Error> {
    let stored = PREFERENCES.get(ports, user_id)?;
    Ok(stored.map(|stored| stored.body).unwrap_or_default())
}

impl<P: Platform, C: Contacts, O: Orders> NotificationsService<P, C, O> {
    pub(crate) fn read_preferences(
        &self,
        caller: &Caller,
        user_id: Option<&str>,
    ) -> Result<Vec<Preference>, Error> {
        let user_id = self.whose(caller, user_id)?;
        Ok(of(&self.ports, user_id)?.all())
    }

    pub(crate) fn write_preferences(
        &self,
        caller: &Caller,
        user_id: Option<&str>,
        choices: &[Preference],
    ) -> Result<Vec<Preference>, Error> {
        let user_id = self.whose(caller, user_id)?;
        if let Some(index) = choices.iter().position(|choice| !KINDS.contains(&choice.kind)) {
            return Err(Error::invalid(
                format!("preferences[{index}].kind"),
                "This can't be chosen: what can be, is what notificationPreferences lists.",
            ));
        }
        for _ in 0..TRIES {
            let (write, chosen) = self.chosen(user_id, choices)?;
            let act = another_users(caller, user_id)?;
            match self.ports.commit(&[write], act.as_slice()) {
                Ok(()) => return Ok(chosen.all()),
                Err(CommitFailure::Refused(_)) => {}
                Err(failure) => return Err(failure.into()),
            }
        }
        Err(Error::Unavailable(
            "These preferences are changed by too many at once. Try again in a moment.".into(),
        ))
    }

    /// The write that adds these choices to what is there, and all that is chosen then.
    fn chosen(&self, user_id: &str, choices: &[Preference]) -> Result<(Write, Choices), Error> {
        match PREFERENCES.get(&self.ports, user_id)? {
            Some(mut stored) => {
                stored.body.choose(choices);
                Ok((PREFERENCES.replace(&stored)?, stored.body))
            }
            None => {
                let mut body = Choices::default();
                body.choose(choices);
                Ok((PREFERENCES.insert(user_id, &body)?, body))
            }
        }
    }

    /// Whose preferences are meant: the caller's own, or those of a user that is there.
    fn whose<'a>(&self, caller: &'a Caller, user_id: Option<&'a str>) -> Result<&'a str, Error> {
        let Some(user_id) = user_id else {
            return caller.require_user("The API key has no preferences. Name a user.");
        };
        caller.require_admin_or(user_id, "A customer sees and changes only the own preferences.")?;
        if caller.user_id() != Some(user_id) {
            let found = self.contacts.look_up(&[user_id.to_owned()])?;
            found
                .into_iter()
                .next()
                .flatten()
                .ok_or_else(|| Error::NotFound(format!("There is no user {user_id}.")))?;
        }
        Ok(user_id)
    }

    /// What is kept of a user's choices.
    pub(crate) fn kept_preferences(&self, user_id: &str) -> Result<Option<Stored<Choices>>, Error> {
        PREFERENCES.get(&self.ports, user_id)
    }
}

/// What the audit log is told where a caller chooses for another user.
fn another_users(caller: &Caller, user_id: &str) -> Result<Option<Event>, Error> {
    if caller.user_id() == Some(user_id) {
        return Ok(None);
    }
    let act = Act::by(caller.actor(), AuditAction::PreferencesChange).on(user_id);
    act.event("notifications").map(Some)
}

fn key(kind: Kind, medium: Medium) -> String {
    format!("{}/{}", kind.name(), medium.name())
}
