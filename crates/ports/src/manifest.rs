//! Manifests: what a service needs from its platform. Each service declares it in its `service.toml`.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

/// The custom section of a component with its [`ServiceManifest`] as JSON.
pub const SERVICE_SECTION: &str = "mercato:service";

/// The custom section of a composed component with its [`ShopManifest`] as JSON.
pub const SHOP_SECTION: &str = "mercato:shop";

/// The needs of one service.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ServiceManifest {
    /// The names that the service may read through the port `config`.
    pub config: Vec<String>,
    /// The kinds of events that the service subscribes to.
    pub handles: Vec<String>,
    /// The kinds in `handles` that arrive in batches. They should be quick to handle, because the events of a
    /// batch wait for each other.
    pub batches: Vec<String>,
    /// The service's collections by name (`service.things`).
    pub collections: BTreeMap<String, Collection>,
}

/// A collection of documents.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Collection {
    /// The indexed top-level fields. Conditions and sorts may name only these.
    pub fields: Vec<String>,
    /// The top-level text fields whose tokens a search reads.
    pub search: Vec<String>,
}

/// The needs of all services of a composition.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ShopManifest {
    /// The manifests by the names of their services.
    pub services: BTreeMap<String, ServiceManifest>,
}

impl ShopManifest {
    /// Checks that every implementation supports all names, and that batches have only kinds that their
    /// service handles. A collection is named `service.things` after the service that declares it, in
    /// lower-case letters, digits and hyphens. A field has letters, digits and underscores.
    ///
    /// # Errors
    /// Names the first invalid name and the allowed form, as a sentence for the author of the service.
    pub fn check(&self) -> Result<(), String> {
        for (service, manifest) in &self.services {
            if let Some(kind) = manifest
                .batches
                .iter()
                .find(|kind| !manifest.handles.contains(kind))
            {
                return Err(format!(
                    "service `{service}` declares batches of `{kind}`: add this kind to `handles`, or remove it from \
                     `batches`"
                ));
            }
            for (name, collection) in &manifest.collections {
                let things = name
                    .strip_prefix(service.as_str())
                    .and_then(|rest| rest.strip_prefix('.'));
                if !things.is_some_and(|things| [service, things].into_iter().all(is_name)) {
                    return Err(format!(
                        "service `{service}` declares the collection `{name}`: its name must be `{service}.<things>`, in \
                         lower-case letters, digits and hyphens"
                    ));
                }
                for field in collection.fields.iter().chain(&collection.search) {
                    if !is_field(field) {
                        return Err(format!(
                            "the collection `{name}` declares the field `{field}`: its name must start with a letter and \
                             have only letters, digits and underscores"
                        ));
                    }
                }
            }
        }
        Ok(())
    }

    /// Returns the collections of all services.
    #[must_use]
    pub fn collections(&self) -> BTreeMap<String, Collection> {
        self.services
            .values()
            .flat_map(|service| service.collections.clone())
            .collect()
    }

    /// Returns the names of the subscribing services by kind of event.
    #[must_use]
    pub fn subscriptions(&self) -> BTreeMap<String, Vec<String>> {
        let mut subscriptions = BTreeMap::<String, Vec<String>>::new();
        for (name, service) in &self.services {
            for kind in &service.handles {
                subscriptions.entry(kind.clone()).or_default().push(name.clone());
            }
        }
        subscriptions
    }

    /// Returns the kinds of events that arrive in batches, by the names of the services.
    #[must_use]
    pub fn batches(&self) -> BTreeMap<String, BTreeSet<String>> {
        let services = self.services.iter();
        services
            .map(|(name, service)| (name.clone(), service.batches.iter().cloned().collect()))
            .collect()
    }

    /// Returns the configuration names that any of the services may read.
    pub fn config_names(&self) -> impl Iterator<Item = &str> {
        self.services
            .values()
            .flat_map(|service| service.config.iter().map(String::as_str))
    }
}

fn is_name(name: &str) -> bool {
    name.starts_with(|first: char| first.is_ascii_lowercase())
        && name
            .chars()
            .all(|char| char.is_ascii_lowercase() || char.is_ascii_digit() || char == '-')
}

fn is_field(field: &str) -> bool {
    field.starts_with(|first: char| first.is_ascii_alphabetic())
        && field
            .chars()
            .all(|char| char.is_ascii_alphanumeric() || char == '_')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn declaring(name: &str, field: &str) -> ShopManifest {
        let collection = Collection {
            fields: vec![field.into()],
            search: Vec::new(),
        };
        let service = ServiceManifest {
            collections: [(name.into(), collection)].into(),
            ..ServiceManifest::default()
        };
        ShopManifest {
            services: [("orders".into(), service)].into(),
        }
    }

    #[test]
    fn accepts_a_collection_of_the_service_itself() {
        assert_eq!(declaring("orders.idempotency-keys", "userId").check(), Ok(()));
    }

    #[test]
    fn rejects_a_collection_of_another_service() {
        assert!(
            declaring("catalog.products", "userId")
                .check()
                .unwrap_err()
                .contains("`orders.<things>`")
        );
        assert!(declaring("orders", "userId").check().is_err());
        assert!(declaring("ordersx.y", "userId").check().is_err());
    }

    #[test]
    fn rejects_batches_of_a_kind_that_the_service_does_not_handle() {
        let shop = |handles: &[&str]| ShopManifest {
            services: [(
                "orders".into(),
                ServiceManifest {
                    handles: handles.iter().map(ToString::to_string).collect(),
                    batches: vec!["mercato.orders.order-placed".into()],
                    ..ServiceManifest::default()
                },
            )]
            .into(),
        };
        assert_eq!(shop(&["mercato.orders.order-placed"]).check(), Ok(()));
        assert!(
            shop(&["mercato.orders.order-paid"])
                .check()
                .unwrap_err()
                .contains("`handles`")
        );
    }

    #[test]
    fn rejects_names_that_would_need_quoting() {
        for name in [
            "orders.",
            "orders.a b",
            "orders.A",
            "orders.a\"b",
            "orders.a.b",
            "orders.ä",
        ] {
            assert!(declaring(name, "userId").check().is_err(), "{name}");
        }
        for field in ["", "a.b", "a'b", "1a", "ä"] {
            assert!(declaring("orders.orders", field).check().is_err(), "{field}");
        }
    }
}
