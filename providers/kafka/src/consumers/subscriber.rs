//! The subscribers.

use std::collections::BTreeSet;

use mercato_ports::manifest::ShopManifest;

use crate::options::KafkaOptions;
use crate::topics::Topic;

/// A subscriber and the kinds of its events.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subscriber {
    /// The name in the manifest.
    pub name: String,
    /// The kinds of events that the subscriber handles. Other events are skipped.
    pub kinds: BTreeSet<String>,
    /// The kinds that arrive in batches.
    pub batches: BTreeSet<String>,
}

impl Subscriber {
    /// Returns all subscribers of a manifest.
    #[must_use]
    pub fn all(shop: &ShopManifest) -> Vec<Self> {
        let services = shop.services.iter();
        services
            .filter(|(_, service)| !service.handles.is_empty())
            .map(|(name, service)| Self {
                name: name.clone(),
                kinds: service.handles.iter().cloned().collect(),
                batches: service.batches.iter().cloned().collect(),
            })
            .collect()
    }

    /// Returns the topics with events for this subscriber.
    pub(super) fn topics(&self, options: &KafkaOptions) -> BTreeSet<Topic> {
        let kinds = self.kinds.iter().map(|kind| Topic::of_kind(options, kind));
        kinds.chain([Topic::replay(options, &self.name)]).collect()
    }
}
