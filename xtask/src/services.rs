//! The services of the shop: the folders of `components` that hold a `service.toml`, and their worlds in
//! `wit/shop`.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use anyhow::{Context, Result, bail};
use mercato_ports::manifest::ServiceManifest;

use crate::project::Project;
use crate::wit::{self, World};

/// The service that answers HTTP requests.
pub const GATEWAY: &str = "gateway";

/// All services by their names.
#[derive(Debug)]
pub struct Services(BTreeMap<String, Service>);

/// One service.
#[derive(Debug)]
pub struct Service {
    /// The name: its folder in `components`.
    pub name: String,
    /// The text of its `service.toml`.
    pub text: String,
    /// The content of its `service.toml`.
    pub manifest: ServiceManifest,
    /// The interfaces that its world imports and exports.
    pub world: World,
}

impl Services {
    /// Reads the manifest and the world of each service.
    ///
    /// # Errors
    /// A file can't be read or parsed, or a service has no world.
    pub fn read(project: &Project) -> Result<Self> {
        let mut worlds = wit::worlds(&project.root.join("wit"))?;
        let components = project.root.join("components");
        let mut services = BTreeMap::new();
        for entry in
            fs::read_dir(&components).with_context(|| format!("can't read {}", components.display()))?
        {
            let entry = entry?;
            let file = entry.path().join("service.toml");
            if !file.is_file() {
                continue;
            }
            let name = entry.file_name().to_string_lossy().into_owned();
            let text = fs::read_to_string(&file).with_context(|| format!("can't read {}", file.display()))?;
            let manifest = toml::from_str(&text)
                .with_context(|| format!("{} is not a service manifest", file.display()))?;
            let world = worlds
                .remove(&format!("{name}-service"))
                .with_context(|| format!("wit/shop has no world `{name}-service`"))?;
            services.insert(
                name.clone(),
                Service {
                    name,
                    text,
                    manifest,
                    world,
                },
            );
        }
        if !services.contains_key(GATEWAY) {
            bail!("{} has no service `{GATEWAY}`", components.display());
        }
        Ok(Self(services))
    }

    /// Iterates over the services in the order of their names.
    pub fn iter(&self) -> impl Iterator<Item = &Service> + Clone {
        self.0.values()
    }

    /// Returns the names in alphabetical order.
    pub fn names(&self) -> Vec<&str> {
        self.0.keys().map(String::as_str).collect()
    }

    /// Iterates over the services that subscribe to events.
    pub fn subscribers(&self) -> impl Iterator<Item = &Service> + Clone {
        self.iter().filter(|service| !service.manifest.handles.is_empty())
    }

    /// Returns the service that exports an interface.
    pub fn exporter(&self, interface: &str) -> Option<&Service> {
        self.iter()
            .find(|service| service.world.exports.contains(interface))
    }

    /// Returns a service, followed by all services that it calls, directly or through others.
    pub fn with_dependencies<'a>(&'a self, service: &'a Service) -> Vec<&'a Service> {
        let mut found = vec![service];
        let mut seen = BTreeSet::from([service.name.as_str()]);
        let mut next = 0;
        while let Some(service) = found.get(next).copied() {
            next += 1;
            let imports = service.world.imports.iter();
            for other in imports.filter_map(|interface| self.exporter(interface)) {
                if seen.insert(other.name.as_str()) {
                    found.push(other);
                }
            }
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_services_that_a_service_calls() {
        let services = Services::read(&Project::find().unwrap()).unwrap();
        let names = |name: &str| -> Vec<_> {
            let service = services.iter().find(|service| service.name == name).unwrap();
            let found = services.with_dependencies(service);
            found.into_iter().map(|service| service.name.as_str()).collect()
        };
        assert_eq!(names("catalog"), ["catalog"]);
        assert_eq!(names("payments"), ["payments", "orders", "catalog"]);
    }

    #[test]
    fn reads_the_gateway_and_the_subscribers() {
        let services = Services::read(&Project::find().unwrap()).unwrap();
        assert!(services.names().contains(&GATEWAY));
        assert!(!services.names().contains(&"adapters"));
        assert!(services.subscribers().any(|service| service.name == "orders"));
        assert!(services.subscribers().all(|service| service.name != GATEWAY));
    }
}
