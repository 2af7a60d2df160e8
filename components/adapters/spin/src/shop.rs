//! The manifests of the shop's services.

use std::collections::BTreeMap;

use mercato_ports::documents::Failure;
use mercato_ports::manifest::ShopManifest;
use mercato_sql::outbox::Subscriptions;
use mercato_sql::{Collection, FullText, schema};

/// The manifests of all services. A composition may have only some of the services.
const MANIFEST: &str = include_str!(concat!(env!("OUT_DIR"), "/shop.json"));

/// The collections of a shop, and the subscribers of its events.
pub struct Shop {
    collections: BTreeMap<String, Collection>,
    /// The subscribers of each kind of event.
    pub subscriptions: Subscriptions,
    /// Changes whenever the schema of the database must change.
    pub fingerprint: String,
}

impl Shop {
    /// Reads the manifests that were compiled into this component.
    ///
    /// # Errors
    /// The reason why a manifest is invalid.
    pub fn compiled_in() -> Result<Self, String> {
        let manifest = serde_json::from_str(MANIFEST)
            .map_err(|error| format!("the shop's manifest is invalid: {error}"))?;
        Self::new(&manifest)
    }

    /// Creates the shop of a manifest.
    ///
    /// # Errors
    /// The reason why the manifest is invalid.
    pub fn new(manifest: &ShopManifest) -> Result<Self, String> {
        manifest.check()?;
        let declared = manifest.collections();
        let fields = serde_json::to_string(&declared).map_err(|error| error.to_string())?;
        let collections = declared
            .iter()
            .map(|(name, declared)| (name.clone(), Collection::new(name, declared)))
            .collect::<BTreeMap<_, _>>();
        let search_tables = collections.values().flat_map(|collection| &collection.full_text);
        let search_tables = search_tables.map(FullText::create).collect::<String>();
        Ok(Self {
            collections,
            subscriptions: manifest.subscriptions(),
            fingerprint: format!("{} {fields} {search_tables}", schema::FORMAT),
        })
    }

    /// Returns all collections.
    pub fn collections(&self) -> impl Iterator<Item = &Collection> {
        self.collections.values()
    }

    /// Returns the collection of this name.
    ///
    /// # Errors
    /// [`Failure::Invalid`] if no service declares it.
    pub fn collection(&self, name: &str) -> Result<&Collection, Failure> {
        self.collections
            .get(name)
            .ok_or_else(|| Failure::Invalid(format!("no service declares the collection `{name}`")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_manifests_of_the_services() {
        let shop = Shop::compiled_in().unwrap();
        assert!(shop.collection("catalog.products").is_ok());
        assert!(shop.collection("catalog.nothing").is_err());
        assert!(!shop.subscriptions.is_empty());
        assert!(shop.fingerprint.contains("USING fts5"));
    }
}
