//! The components of a manifest: one service each, or all services.

use std::collections::{BTreeMap, BTreeSet};

use super::manifest::{Config, Interfaces, Link, Part, Target, Trait, Values, evenly};
use crate::services::{GATEWAY, Service, Services};
use crate::settings::Settings;

/// The component that holds all services.
pub const SHOP: &str = "shop";
/// The named configuration that operators change while the shop runs. The later of two values wins, so it
/// comes last.
pub const SETTINGS: &str = "mercato-settings";

/// How many calls of a component run at once, over all hosts.
const INSTANCES: u32 = 32;
/// The components that have another number of instances.
const OTHER_INSTANCES: [(&str, u32); 4] = [
    // More than the calls that wait for passwords on the two providers.
    ("accounts", 64),
    (GATEWAY, 64),
    ("notifications", 16),
    (SHOP, 64),
];

/// The platform's interfaces, with the packages of the interfaces that they are linked by, and the providers.
/// The adapter for wasmCloud fills the port `cache` by an interface of its own.
const PLATFORM: [(&str, &str, &str); 5] = [
    ("cache", "lattice", "redis"),
    ("documents", "platform", "mongodb"),
    ("http-client", "platform", "http"),
    ("mailer", "platform", "smtp"),
    ("passwords", "platform", "passwords"),
];

/// Returns a component of services, which calls other components by the links `calls`.
pub fn component(name: &str, services: &[&Service], calls: Vec<Link>, settings: &Settings) -> Part {
    let instances = OTHER_INSTANCES.iter().find(|(other, _)| *other == name);
    let mut traits = vec![Trait::Spreadscaler {
        instances: instances.map_or(INSTANCES, |(_, instances)| *instances),
        spread: evenly(),
    }];
    traits.extend(calls.into_iter().map(Trait::Link));
    for (interface, package, provider) in PLATFORM {
        let import = format!("mercato:platform/{interface}");
        if !services
            .iter()
            .any(|service| service.world.imports.contains(&import))
        {
            continue;
        }
        let config = match interface {
            "documents" => vec![manifests(name, services)],
            _ => Vec::new(),
        };
        let target = Target {
            name: provider.to_owned(),
            config,
        };
        traits.push(Trait::Link(Link::new("mercato", package, [interface], target)));
    }
    Part::component(name, configuration(name, services, settings), traits)
}

/// Returns the links to the services that a service calls.
pub fn calls(service: &Service, services: &Services) -> Vec<Link> {
    let mut by_target = BTreeMap::<_, Interfaces>::new();
    for import in &service.world.imports {
        let name = import.strip_prefix("mercato:shop/");
        if let (Some(exporter), Some(name)) = (services.exporter(import), name) {
            by_target.entry(&exporter.name).or_default().push(name.to_owned());
        }
    }
    let link = |(target, interfaces): (&String, Interfaces)| {
        Link::new("mercato", "shop", interfaces, Target::plain(target))
    };
    by_target.into_iter().map(link).collect()
}

/// The named configurations of the settings that the services read, and the values that the manifest sets.
fn configuration(name: &str, services: &[&Service], settings: &Settings) -> Vec<Config> {
    let names: BTreeSet<_> = services
        .iter()
        .flat_map(|service| &service.manifest.config)
        .collect();
    let settings = settings.iter().filter(|setting| names.contains(&setting.name));
    let named: BTreeSet<_> = settings
        .clone()
        .filter_map(|setting| setting.configuration.clone())
        .collect();
    let values = settings.filter_map(|setting| Some((setting.name.clone(), setting.wadm.clone()?)));
    let values: Values = values.collect();
    let mut config: Vec<_> = named.into_iter().map(Config::named).collect();
    if !values.is_empty() {
        config.push(Config::with_values(format!("{name}-settings"), values));
    }
    config.push(Config::named(SETTINGS));
    config
}

/// The configuration that tells the provider of documents what the services declare.
fn manifests(name: &str, services: &[&Service]) -> Config {
    let values = services
        .iter()
        .map(|service| (format!("manifest.{}", service.name), service.text.clone()));
    let suffix = if services.len() == 1 {
        "manifest"
    } else {
        "manifests"
    };
    Config::with_values(format!("{name}-{suffix}"), values.collect())
}
