//! Tests of the manifests of the lattice: wadm accepts them, and they match the manifests of the services.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "tests fail by panicking"
)]

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs;
use std::path::{Path, PathBuf};

use mercato_ports::manifest::ServiceManifest;
use mercato_wasmcloud::{Subscription, services};
use wadm_types::validation::{ValidationFailureLevel, validate_manifest, validate_raw_yaml};
use wadm_types::{Component, ConfigProperty, LinkProperty, Manifest, Properties, TraitProperty};
use wit_parser::{Resolve, WorldKey};

/// The names of configurations whose values must not be in a file.
const HIDDEN: [&str; 11] = [
    "mercato-http-a",
    "mercato-http-b",
    "mercato-http-client",
    "mercato-kafka",
    "mercato-mongodb",
    "mercato-notifications",
    "mercato-payments",
    "mercato-redis",
    "mercato-secret",
    "mercato-settings",
    "mercato-smtp",
];

/// The services of a lattice.
const SERVICES: [&str; 8] = [
    "accounts",
    "carts",
    "catalog",
    "gateway",
    "notifications",
    "orders",
    "payments",
    "webhooks",
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn manifests() -> [(&'static str, Manifest); 2] {
    ["wadm.yaml", "wadm-composed.yaml"].map(|file| {
        let text = fs::read_to_string(root().join(file)).unwrap();
        (file, serde_yaml::from_str(&text).unwrap())
    })
}

/// The manifests that the services declare.
fn service_manifests() -> BTreeMap<String, ServiceManifest> {
    let read =
        |service: &str| fs::read_to_string(root().join("components").join(service).join("service.toml"));
    let parse = |service: &str| {
        (
            service.to_owned(),
            toml::from_str(&read(service).unwrap()).unwrap(),
        )
    };
    SERVICES.map(parse).into()
}

fn links(component: &Component) -> impl Iterator<Item = &LinkProperty> {
    component
        .traits
        .iter()
        .flatten()
        .filter_map(|item| match &item.properties {
            TraitProperty::Link(link) => Some(link),
            _ => None,
        })
}

fn configs(component: &Component) -> &[ConfigProperty] {
    match &component.properties {
        Properties::Component { properties } => &properties.config,
        Properties::Capability { properties } => &properties.config,
    }
}

fn values(configs: &[ConfigProperty]) -> HashMap<String, String> {
    configs
        .iter()
        .filter_map(|config| config.properties.clone())
        .flatten()
        .collect()
}

#[tokio::test]
async fn wadm_accepts_the_manifests() {
    for (file, manifest) in manifests() {
        let text = fs::read(root().join(file)).unwrap();
        let mut faults = validate_raw_yaml(&text).unwrap();
        faults.extend(validate_manifest(&manifest).await.unwrap());
        // wadm warns of interfaces that it does not know.
        faults.retain(|fault| fault.level == ValidationFailureLevel::Error);
        assert!(faults.is_empty(), "{file}: {faults:?}");
    }
}

#[test]
fn the_links_have_the_manifests_of_the_services() {
    for (file, manifest) in manifests() {
        let mut declared = BTreeMap::new();
        for link in manifest.components().flat_map(links) {
            if link.interfaces == ["documents"] {
                declared.extend(services(&values(&link.target.config)).unwrap());
            }
        }
        assert_eq!(declared, service_manifests(), "{file}");
    }
}

#[test]
fn the_links_have_the_kinds_that_the_services_handle() {
    for (file, manifest) in manifests() {
        let mut linked = BTreeMap::new();
        for link in manifest.components().flat_map(links) {
            if link.interfaces == ["handler"] {
                let source = link.source.as_ref().unwrap();
                let subscription = Subscription::parse(&values(&source.config)).unwrap();
                assert_eq!(
                    subscription.export,
                    format!("{}-events", subscription.subscriber),
                    "{file}"
                );
                linked.insert(
                    subscription.subscriber,
                    (subscription.kinds, subscription.batches),
                );
            }
        }
        let handles = service_manifests()
            .into_iter()
            .map(|(name, service)| (name, (service.handles, service.batches)));
        let handles = handles.filter(|(_, (kinds, _))| !kinds.is_empty()).collect();
        assert_eq!(linked, handles, "{file}");
    }
}

#[test]
fn secrets_and_addresses_have_no_values() {
    for (file, manifest) in manifests() {
        let mut hidden = BTreeSet::new();
        for component in manifest.components() {
            let sources =
                links(component).flat_map(|link| link.source.iter().flat_map(|source| &source.config));
            let targets = links(component).flat_map(|link| &link.target.config);
            for config in configs(component).iter().chain(sources).chain(targets) {
                match &config.properties {
                    None => drop(hidden.insert(config.name.as_str())),
                    Some(_) => assert!(!HIDDEN.contains(&config.name.as_str()), "{file}: {}", config.name),
                }
            }
        }
        assert_eq!(hidden, HIDDEN.into(), "{file}");
    }
}

/// The last of two values overrides the first.
#[test]
fn settings_of_operators_override_the_manifest() {
    for (file, manifest) in manifests() {
        for component in manifest.wasm_components() {
            let last = configs(component).last().unwrap();
            assert_eq!(last.name, "mercato-settings", "{file}: {}", component.name);
        }
    }
}

#[test]
fn every_setting_belongs_to_a_service() {
    for (file, manifest) in manifests() {
        let known = SERVICES.map(|service| {
            let file = root().join("components").join(service).join("service.toml");
            toml::from_str::<ServiceManifest>(&fs::read_to_string(file).unwrap())
                .unwrap()
                .config
        });
        let known = known.into_iter().flatten().collect::<BTreeSet<_>>();
        for component in manifest.wasm_components() {
            for name in values(configs(component)).into_keys() {
                assert!(known.contains(&name), "{file}: {name}");
            }
        }
    }
}

/// Returns the imports of the services' worlds, without versions and without interfaces of types only.
fn imports() -> BTreeMap<String, BTreeSet<String>> {
    let mut resolve = Resolve::default();
    for package in ["platform", "shop"] {
        resolve.push_dir(root().join("wit").join(package)).unwrap();
    }
    let mut imports = BTreeMap::new();
    for (_, world) in &resolve.worlds {
        let Some(service) = world.name.strip_suffix("-service") else {
            continue;
        };
        let interfaces = world.imports.keys().filter_map(|key| match key {
            WorldKey::Interface(id) if !resolve.interfaces[*id].functions.is_empty() => resolve.id_of(*id),
            _ => None,
        });
        let interfaces = interfaces.map(|name| name.split('@').next().unwrap().to_owned());
        imports.insert(service.to_owned(), interfaces.collect());
    }
    imports
}

#[test]
fn every_import_of_a_service_has_a_link() {
    let mut services = imports();
    assert_eq!(services.len(), SERVICES.len());
    for imports in services.values_mut() {
        assert!(
            imports.remove("mercato:platform/config"),
            "the adapter for the configuration is not needed"
        );
        // The adapter fills this port by an interface of its own.
        if imports.remove("mercato:platform/cache") {
            imports.insert("mercato:lattice/cache".to_owned());
        }
    }
    let mut composed = services.values().flatten().cloned().collect::<BTreeSet<_>>();
    composed.retain(|interface| !interface.starts_with("mercato:shop/"));
    services.insert("shop".to_owned(), composed);
    for (file, manifest) in manifests() {
        for component in manifest.wasm_components() {
            let linked = links(component).flat_map(|link| {
                let package = format!("{}:{}", link.namespace, link.package);
                link.interfaces
                    .iter()
                    .map(move |name| format!("{package}/{name}"))
            });
            assert_eq!(
                linked.collect::<BTreeSet<_>>(),
                services[&component.name],
                "{file}: {}",
                component.name
            );
        }
    }
}

#[test]
fn the_publisher_of_events_exists() {
    for (file, manifest) in manifests() {
        let publishers = manifest
            .components()
            .filter_map(|part| values(configs(part)).remove("publisher"));
        let ids = manifest
            .capability_providers()
            .filter_map(|part| match &part.properties {
                Properties::Capability { properties } => properties.id.clone(),
                Properties::Component { .. } => None,
            });
        assert_eq!(publishers.collect::<Vec<_>>(), ids.collect::<Vec<_>>(), "{file}");
    }
}

#[test]
fn everything_runs_in_both_zones() {
    for (file, manifest) in manifests() {
        for component in manifest
            .components()
            .filter(|component| !component.name.starts_with("http-"))
        {
            let spread = component
                .traits
                .iter()
                .flatten()
                .find_map(|item| match &item.properties {
                    TraitProperty::SpreadScaler(spread) => Some(spread),
                    _ => None,
                });
            let zones = spread
                .unwrap()
                .spread
                .iter()
                .map(|spread| spread.requirements["zone"].as_str());
            assert_eq!(
                zones.collect::<Vec<_>>(),
                ["a", "b"],
                "{file}: {}",
                component.name
            );
        }
    }
}
