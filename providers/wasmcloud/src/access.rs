//! Which component may touch the collections of which services: what the links say.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, RwLock};

use mercato_ports::documents::Failure;
use mercato_ports::manifest::ServiceManifest;

/// In the configuration of a link, the name of a service follows this, and the value is the text of its manifest (`service.toml`).
const MANIFEST: &str = "manifest.";

/// The services whose manifests the configuration of a link holds.
///
/// # Errors
/// There is none, or one is no manifest; a sentence for the operator.
pub fn services(config: &HashMap<String, String>) -> Result<BTreeMap<String, ServiceManifest>, String> {
    let mut services = BTreeMap::new();
    for (key, text) in config {
        if let Some(name) = key.strip_prefix(MANIFEST) {
            let manifest = toml::from_str(text).map_err(|error| {
                format!("the link's configuration `{key}` is no service's manifest: {error}")
            })?;
            services.insert(name.to_owned(), manifest);
        }
    }
    if services.is_empty() {
        return Err(format!(
            "the link's target configuration has no manifest: put the text of a service's `service.toml` there, under \
             `{MANIFEST}<service>`"
        ));
    }
    Ok(services)
}

/// What the links grant. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct Access(Arc<RwLock<HashMap<String, Vec<String>>>>);

impl Access {
    /// Lets a component touch the collections of these services, and of no others.
    pub fn grant(&self, component: &str, services: impl IntoIterator<Item = String>) {
        let services = services.into_iter().collect();
        if let Ok(mut granted) = self.0.write() {
            granted.insert(component.to_owned(), services);
        }
    }

    /// Lets a component touch nothing any more.
    pub fn revoke(&self, component: &str) {
        if let Ok(mut granted) = self.0.write() {
            granted.remove(component);
        }
    }

    /// Whether a component may touch a collection.
    ///
    /// # Errors
    /// [`Failure::Invalid`] where the collection is another service's, [`Failure::Unavailable`] where no link is here (yet).
    pub fn check(&self, component: Option<&str>, collection: &str) -> Result<(), Failure> {
        let component = component.unwrap_or("a component without a name");
        let granted = self.0.read();
        let services = granted
            .ok()
            .and_then(|granted| granted.get(component).cloned())
            .ok_or_else(|| {
                Failure::Unavailable(format!("`{component}` has no link to this provider, or not yet"))
            })?;
        let (owner, _) = collection.split_once('.').unwrap_or((collection, ""));
        if services.iter().any(|service| service == owner) {
            Ok(())
        } else {
            Err(Failure::Invalid(format!(
                "`{component}` may not touch the collection `{collection}`: its link names the services {services:?} only"
            )))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(key: &str, text: &str) -> HashMap<String, String> {
        [(key.to_owned(), text.to_owned())].into()
    }

    #[test]
    fn manifests_are_found_by_their_services_names() {
        let found = services(&config("manifest.orders", "handles = [\"a\"]")).unwrap();
        assert_eq!(found["orders"].handles, ["a"]);
    }

    #[test]
    fn a_link_without_a_manifest_is_told_what_to_add() {
        let error = services(&config("orders", "")).unwrap_err();
        assert!(error.contains("`manifest.<service>`"), "{error}");
        let error = services(&config("manifest.orders", "nonsense")).unwrap_err();
        assert!(error.contains("`manifest.orders`"), "{error}");
    }

    #[test]
    fn a_component_touches_what_its_link_names_only() {
        let access = Access::default();
        access.grant("shop", ["orders".to_owned(), "catalog".to_owned()]);
        assert_eq!(access.check(Some("shop"), "orders.orders"), Ok(()));
        assert_eq!(access.check(Some("shop"), "catalog.products"), Ok(()));
        for collection in ["accounts.users", "orders2.orders", ""] {
            assert!(
                matches!(access.check(Some("shop"), collection), Err(Failure::Invalid(_))),
                "{collection}"
            );
        }
    }

    #[test]
    fn a_component_without_a_link_may_try_again() {
        let access = Access::default();
        access.grant("shop", ["orders".to_owned()]);
        access.revoke("shop");
        for component in [Some("shop"), None] {
            assert!(matches!(
                access.check(component, "orders.orders"),
                Err(Failure::Unavailable(_))
            ));
        }
    }
}
