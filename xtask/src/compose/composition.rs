//! Which parts are joined to one component.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};
use serde::Deserialize;

use super::Runtime;
use crate::services::{GATEWAY, Service, Services};

/// The adapters, as folders of `components`.
const HTTP: &str = "adapters/http";
const WASMCLOUD: &str = "adapters/wasmcloud";
const SPIN: &str = "adapters/spin";
const SPIN_GATEWAY: &str = "adapters/spin-gateway";
const SPIN_CONSUMER: &str = "adapters/spin-consumer";

/// The parts of a component, and the runtime that it is for: the content of a file such as
/// `deploy/compositions/shop.toml`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Composition {
    /// The runtime. Without one, imports are not checked.
    pub runtime: Option<Runtime>,
    /// The parts, as folders of `components`.
    pub parts: Vec<String>,
}

impl Composition {
    /// Reads a file. The part `*` stands for all services.
    ///
    /// # Errors
    /// The file can't be read, is not such TOML, names no part, or names a part twice.
    pub fn read(file: &Path, services: &Services) -> Result<Self> {
        let text = fs::read_to_string(file).with_context(|| format!("can't read {}", file.display()))?;
        Self::parse(&text, &services.names())
            .with_context(|| format!("{} is not a composition", file.display()))
    }

    fn parse(text: &str, services: &[&str]) -> Result<Self> {
        let mut composition: Self = toml::from_str(text)?;
        if composition.parts.is_empty() {
            bail!("it names no parts");
        }
        let expand = |part: String| match part.as_str() {
            "*" => services.iter().map(|&name| name.to_owned()).collect(),
            _ => vec![part],
        };
        composition.parts = composition.parts.into_iter().flat_map(expand).collect();
        for (index, part) in composition.parts.iter().enumerate() {
            if composition.parts.iter().take(index).any(|other| other == part) {
                bail!("it names `{part}` twice");
            }
        }
        Ok(composition)
    }

    /// Returns the composition of all services in one process.
    pub fn shop(services: &Services) -> Self {
        Self::new(Runtime::Mercato, services.names(), &[])
    }

    /// Returns the composition of these services as one component of a lattice.
    pub fn for_lattice(services: Vec<&str>) -> Self {
        let adapters: &[_] = match services.contains(&GATEWAY) {
            true => &[WASMCLOUD, HTTP],
            false => &[WASMCLOUD],
        };
        Self::new(Runtime::Wasmcloud, services, adapters)
    }

    /// Returns the composition of all services as Spin's public component.
    pub fn spin_gateway(services: &Services) -> Self {
        Self::new(Runtime::Spin, services.names(), &[SPIN, SPIN_GATEWAY])
    }

    /// Returns the composition that handles the events of a service under Spin. The adapter hands events to
    /// the first part that handles any.
    pub fn spin_consumer(service: &Service, services: &Services) -> Self {
        let parts = services.with_dependencies(service).into_iter();
        let names = parts.map(|service| service.name.as_str()).collect();
        Self::new(Runtime::Spin, names, &[SPIN, SPIN_CONSUMER])
    }

    fn new(runtime: Runtime, services: Vec<&str>, adapters: &[&str]) -> Self {
        let parts = services.iter().chain(adapters);
        Self {
            runtime: Some(runtime),
            parts: parts.map(|&part| part.to_owned()).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_gateway_on_a_lattice_needs_the_adapter_for_http() {
        let parts = |services| Composition::for_lattice(services).parts;
        assert_eq!(parts(vec!["catalog"]), ["catalog", WASMCLOUD]);
        assert_eq!(
            parts(vec!["catalog", GATEWAY]),
            ["catalog", GATEWAY, WASMCLOUD, HTTP]
        );
    }

    #[test]
    fn names_each_part_once() {
        let parse = |text| Composition::parse(text, &["catalog", "orders"]);
        let composition = parse("runtime = \"mercato\"\nparts = [\"*\", \"adapters/spin\"]").unwrap();
        assert_eq!(composition.parts, ["catalog", "orders", "adapters/spin"]);
        assert_eq!(composition.runtime, Some(Runtime::Mercato));
        let error = |text| format!("{:#}", parse(text).unwrap_err());
        assert!(error("parts = []").contains("names no parts"));
        assert!(error("parts = [\"orders\", \"*\"]").contains("`orders` twice"));
        assert!(error("runtime = \"mars\"\nparts = [\"orders\"]").contains("mars"));
    }
}
