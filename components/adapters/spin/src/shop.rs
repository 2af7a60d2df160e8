//! What the services of the shop declare.

use std::collections::BTreeMap;

use mercato_ports::documents::Failure;
use mercato_ports::manifest::ShopManifest;
use mercato_sql::outbox::Subscriptions;
use mercato_sql::{Collection, schema};

/// The manifests of all services, whichever of them are in a composition.
const MANIFEST: &str = include_str!(concat!(env!("OUT_DIR"), "/shop.json"));

/// A shop's collections, and who subscribes to what.
pub struct Shop {
    collections: BTreeMap<String, Collection>,
    /// Who is told of which kind of event.
    pub subscriptions: Subscriptions,
    /// Another one where the schema has to be another.
    pub fingerprint: String,
}

impl Shop {
    /// This shop.
    ///
    /// # Errors
    /// What is wrong with its manifests.
    pub fn own() -> Result<Self, String> {
        let manifest = serde_json::from_str(MANIFEST)
            .map_err(|error| format!("the shop's manifest is wrong: {error}"))?;
        Self::new(&manifest)
    }

    /// The shop of a manifest.
    ///
    /// # Errors
    /// What is wrong with the manifest.
    pub fn new(manifest: &ShopManifest) -> Result<Self, String> {
        manifest.check()?;
        let declared = manifest.collections();
        let fingerprint = serde_json::to_string(&declared).map_err(|error| error.to_string())?;
        let collections = declared
            .iter()
            .map(|(name, declared)| (name.clone(), Collection::new(name, declared)))
            .collect();
        Ok(Self {
            collections,
            subscriptions: manifest.subscriptions(),
            fingerprint: format!("{} {fingerprint}", schema::FORMAT),
        })
    }

    /// All collections.
    pub fn collections(&self) -> impl Iterator<Item = &Collection> {
        self.collections.values()
    }

    /// The collection of this name.
    ///
    /// # Errors
    /// [`Failure::Invalid`] where there is none.
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
    fn the_shop_is_made_of_the_manifests_beside_the_services() {
        let shop = Shop::own().unwrap();
        assert!(shop.collection("catalog.products").is_ok());
        assert!(shop.collection("catalog.nothing").is_err());
        assert!(!shop.subscriptions.is_empty());
    }
}
