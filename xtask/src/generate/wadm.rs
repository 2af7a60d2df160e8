//! `wadm.yaml` and `wadm-composed.yaml`: the shop on a wasmCloud lattice.

mod component;
mod head;
mod manifest;

use anyhow::Result;

use self::component::{SHOP, calls, component};
use self::head::head;
use self::manifest::{Application, Config, Link, Metadata, Part, Spec, Target, Trait, evenly, in_zone};
use crate::lattice::{PROVIDERS, ZONES};
use crate::services::{GATEWAY, Service, Services};
use crate::settings::Settings;

/// The id by which the provider of documents finds the provider of events.
const PUBLISHER: &str = "mercato-kafka";

/// Returns the text of `wadm.yaml`, in which each service is a component.
///
/// # Errors
/// The manifest can't be written as YAML.
pub fn separate(services: &Services, settings: &Settings) -> Result<String> {
    let components = services.iter().map(|service| {
        let calls = calls(service, services);
        component(&service.name, &[service], calls, settings)
    });
    let mut parts: Vec<_> = components.collect();
    parts.extend(surroundings(services, GATEWAY, |service| &service.name));
    let text = application("Mercato, each service a component of its own", parts)?;
    Ok(head("wadm.yaml", settings) + &text)
}

/// Returns the text of `wadm-composed.yaml`, in which one component holds all services.
///
/// # Errors
/// The manifest can't be written as YAML.
pub fn composed(services: &Services, settings: &Settings) -> Result<String> {
    let all: Vec<_> = services.iter().collect();
    let mut parts = vec![component(SHOP, &all, Vec::new(), settings)];
    parts.extend(surroundings(services, SHOP, |_| SHOP));
    let text = application("Mercato, its services composed in one component", parts)?;
    Ok(head("wadm-composed.yaml", settings) + &text)
}

fn application(description: &'static str, components: Vec<Part>) -> Result<String> {
    let version = env!("CARGO_PKG_VERSION");
    let application = Application {
        api_version: "core.oam.dev/v1beta1",
        kind: "Application",
        metadata: Metadata {
            name: "mercato",
            annotations: [("version", version), ("description", description)].into(),
        },
        spec: Spec { components },
    };
    let text = serde_norway::to_string(&application)?;
    // Without quotes, parsers of YAML 1.1 read these words as booleans.
    Ok(text
        .replace(": on\n", ": \"on\"\n")
        .replace(": off\n", ": \"off\"\n"))
}

/// The providers and the HTTP servers. `gateway` names the component that answers requests, `target` the
/// component that a service is in.
fn surroundings<'a>(
    services: &'a Services,
    gateway: &str,
    target: impl Fn(&'a Service) -> &'a str,
) -> Vec<Part> {
    let providers = PROVIDERS.iter().map(|name| provider(name, services, &target));
    let servers = ZONES.iter().map(|zone| http_server(zone, gateway));
    providers.chain(servers).collect()
}

/// A provider of ports. `target` names the component that a service is in.
fn provider<'a>(name: &str, services: &'a Services, target: impl Fn(&'a Service) -> &'a str) -> Part {
    let mut config = match name {
        "http" => vec![Config::named("mercato-http-client".to_owned())],
        "passwords" => Vec::new(),
        name => vec![Config::named(format!("mercato-{name}"))],
    };
    let mut traits = vec![Trait::Spreadscaler {
        instances: 2,
        spread: evenly(),
    }];
    let mut id = None;
    match name {
        // wadm can't link one provider to another, so the provider of documents is given an id.
        "mongodb" => {
            let values = [("publisher".to_owned(), PUBLISHER.to_owned())];
            config.push(Config::with_values("relay", values.into()));
        }
        "kafka" => {
            id = Some(PUBLISHER);
            traits.extend(
                services
                    .subscribers()
                    .map(|service| Trait::Link(subscription(service, Target::plain(target(service))))),
            );
        }
        _ => {}
    }
    Part::provider(name, id, config, traits)
}

/// The link by which the provider of events hands them to a service.
fn subscription(service: &Service, target: Target) -> Link {
    let values = [
        ("subscriber", service.name.clone()),
        ("kinds", service.manifest.handles.join(",")),
        ("batches", service.manifest.batches.join(",")),
        ("export", format!("{}-events", service.name)),
    ];
    let values = values.into_iter().filter(|(_, value)| !value.is_empty());
    let values = values.map(|(name, value)| (name.to_owned(), value));
    let config = Config::with_values(format!("{}-subscription", service.name), values.collect());
    Link::new("mercato", "platform", ["handler"], target)
        .named(&service.name)
        .configured(config)
}

/// The HTTP server of a zone, which passes requests to a component.
fn http_server(zone: &str, gateway: &str) -> Part {
    let config = Config::named(format!("mercato-http-{zone}"));
    let link = Link::new("wasi", "http", ["incoming-handler"], Target::plain(gateway)).configured(config);
    let spread = vec![in_zone(zone, None)];
    let traits = vec![Trait::Spreadscaler { instances: 1, spread }, Trait::Link(link)];
    let mut server = Part::provider(&format!("http-{zone}"), None, Vec::new(), traits);
    server.properties.image = "wasmcloud+builtin://http-server".to_owned();
    server
}
