//! An endpoint as it is stored.

use mercato_shop::collection::{Collection, Stored};
use mercato_shop::webhooks::Webhook;
use serde::{Deserialize, Deserializer, Serialize};

use crate::backoff;
use crate::signature::Secret;
use crate::subscription;

/// All endpoints.
pub const ENDPOINTS: Collection<EndpointBody> = Collection::new("webhooks.endpoints");

/// How long deliveries are signed by the old secret as well, in milliseconds: a day.
const GRACE: u64 = 24 * 3_600_000;

/// How many old secrets sign at the most.
const MOST_PREVIOUS: usize = 5;

/// An address that events are sent to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EndpointBody {
    pub url: String,
    pub events: Vec<String>,
    pub enabled: bool,
    pub secret: Secret,
    /// The secrets before it that still sign, the newest first.
    #[serde(
        default,
        skip_serializing_if = "Vec::is_empty",
        deserialize_with = "one_or_more"
    )]
    pub previous: Vec<Previous>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disabled_reason: Option<String>,
    /// The first failure since something has arrived.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failing_since: Option<u64>,
    pub created_at: u64,
}

/// A secret that was replaced.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Previous {
    secret: Secret,
    until: u64,
}

impl EndpointBody {
    /// Whether it is to be told of events of this kind.
    pub fn wants(&self, kind: &str) -> bool {
        self.enabled
            && self
                .events
                .iter()
                .any(|written| subscription::covers(written, kind))
    }

    /// What a delivery is signed with now, the newest first.
    pub fn secrets(&self, now: u64) -> impl Iterator<Item = &Secret> {
        let previous = self.previous.iter().filter(move |previous| now < previous.until);
        [&self.secret]
            .into_iter()
            .chain(previous.map(|previous| &previous.secret))
    }

    /// Takes another secret. Those before it sign for as long as each was promised to: who rotates twice, since an answer was lost, has
    /// told the endpoint of none of them yet but the first.
    pub fn rotate(&mut self, secret: Secret, now: u64) {
        let old = std::mem::replace(&mut self.secret, secret);
        self.previous.retain(|previous| now < previous.until);
        self.previous.truncate(MOST_PREVIOUS - 1);
        let until = now.saturating_add(GRACE);
        self.previous.insert(0, Previous { secret: old, until });
    }

    /// Is used again, whatever it did before.
    pub fn enable(&mut self) {
        self.enabled = true;
        self.disabled_reason = None;
        self.failing_since = None;
    }

    /// Is not used any more, for this reason.
    pub fn disable(&mut self, reason: &str) {
        self.enabled = false;
        self.disabled_reason = Some(reason.into());
    }

    /// Something did not arrive. What has only failed for too long is disabled.
    pub fn failed(&mut self, now: u64) {
        let since = *self.failing_since.get_or_insert(now);
        if self.enabled && backoff::is_over(since, now) {
            self.disable("Nothing has arrived there for three days.");
        }
    }
}

/// Reads the secrets before an endpoint's own, of which there once was one at the most.
fn one_or_more<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Previous>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Kept {
        One(Previous),
        More(Vec<Previous>),
    }
    Ok(match Kept::deserialize(deserializer)? {
        Kept::One(previous) => vec![previous],
        Kept::More(previous) => previous,
    })
}

/// What is told of an endpoint: all but its secrets.
pub fn to_webhook(stored: &Stored<EndpointBody>) -> Webhook {
    let body = &stored.body;
    Webhook {
        id: stored.id.clone(),
        url: body.url.clone(),
        events: body.events.clone(),
        enabled: body.enabled,
        disabled_reason: body.disabled_reason.clone(),
        failing_since: body.failing_since,
        created_at: body.created_at,
    }
}
