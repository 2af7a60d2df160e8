//! The access of components to collections, which the links grant.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, RwLock};

use mercato_ports::documents::Failure;
use mercato_ports::manifest::ServiceManifest;

/// The prefix of the keys `manifest.<service>` in the configuration of a link. Their values are the texts of
/// `service.toml`.
const MANIFEST: &str = "manifest.";

/// Parses the manifests of services in the configuration of a link.
///
/// # Errors
/// Fails if there is no manifest or if one is invalid. The error is a sentence for the operator.
pub fn services(config: &HashMap<String, String>) -> Result<BTreeMap<String, ServiceManifest>, String> {
    let mut services = BTreeMap::new();
    for (key, text) in config {
        if let Some(name) = key.strip_prefix(MANIFEST) {
            let manifest = toml::from_str(text).map_err(|error| {
                format!("the link's configuration `{key}` must be a service's manifest: {error}")
            })?;
            services.insert(name.to_owned(), manifest);
        }
    }
    if services.is_empty() {
        return Err(format!(
            "the link's target configuration must have a manifest: add `{MANIFEST}<service>` with the text of the \
             service's `service.toml`"
        ));
    }
    Ok(services)
}

/// The granted access. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct Access(Arc<RwLock<HashMap<String, Vec<String>>>>);

impl Access {
    /// Grants a component access to the collections of these services, and revokes its access to all others.
    pub fn grant(&self, component: &str, services: impl IntoIterator<Item = String>) {
        let services = services.into_iter().collect();
        if let Ok(mut granted) = self.0.write() {
            granted.insert(component.to_owned(), services);
        }
    }

    /// Revokes the access of a component.
    pub fn revoke(&self, component: &str) {
        if let Ok(mut granted) = self.0.write() {
            granted.remove(component);
        }
    }

    /// Checks that a component may use a collection.
    ///
    /// # Errors
    /// [`Failure::Invalid`] if the collection belongs to another service. [`Failure::Unavailable`] if the
    /// component has no link yet.
    pub fn check(&self, component: Option<&str>, collection: &str) -> Result<(), Failure> {
        let component = component.unwrap_or("a component without a name");
        let granted = self.0.read();
        let services = granted
            .ok()
            .and_then(|granted| granted.get(component).cloned())
            .ok_or_else(|| Failure::Unavailable(format!("`{component}` has no link to this provider yet")))?;
        let (owner, _) = collection.split_once('.').unwrap_or((collection, ""));
        if services.iter().any(|service| service == owner) {
            Ok(())
        } else {
            Err(Failure::Invalid(format!(
                "`{component}` may not use the collection `{collection}`: its link names only the services {services:?}"
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
    fn parses_the_manifests_of_a_link() {
        let found = services(&config("manifest.orders", "handles = [\"a\"]")).unwrap();
        assert_eq!(found["orders"].handles, ["a"]);
    }

    #[test]
    fn rejects_a_link_without_a_manifest() {
        let error = services(&config("orders", "")).unwrap_err();
        assert!(error.contains("`manifest.<service>`"), "{error}");
        let error = services(&config("manifest.orders", "nonsense")).unwrap_err();
        assert!(error.contains("`manifest.orders`"), "{error}");
    }

    #[test]
    fn allows_only_the_services_of_the_link() {
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
    fn reports_a_component_without_a_link_as_unavailable() {
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
