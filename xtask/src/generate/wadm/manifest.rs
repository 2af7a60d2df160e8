//! The parts of a wadm manifest that this project uses.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::lattice::ZONES;

/// Names of interfaces in one package.
pub type Interfaces = Vec<String>;

/// Configuration values by their names.
pub type Values = BTreeMap<String, String>;

/// A whole manifest.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Application {
    pub api_version: &'static str,
    pub kind: &'static str,
    pub metadata: Metadata,
    pub spec: Spec,
}

#[derive(Serialize)]
pub struct Metadata {
    pub name: &'static str,
    pub annotations: BTreeMap<&'static str, &'static str>,
}

#[derive(Serialize)]
pub struct Spec {
    pub components: Vec<Part>,
}

/// A component or a provider.
#[derive(Serialize)]
pub struct Part {
    pub name: String,
    pub r#type: &'static str,
    pub properties: Properties,
    pub traits: Vec<Trait>,
}

#[derive(Serialize)]
pub struct Properties {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<&'static str>,
    pub image: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub config: Vec<Config>,
}

/// A named configuration; without values, one that operators put.
#[derive(Serialize)]
pub struct Config {
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    properties: Option<Values>,
}

#[derive(Serialize)]
#[serde(tag = "type", content = "properties", rename_all = "lowercase")]
pub enum Trait {
    Spreadscaler { instances: u32, spread: Vec<Spread> },
    Link(Link),
}

/// A share of the instances, and the hosts that run it.
#[derive(Serialize)]
pub struct Spread {
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    weight: Option<u32>,
    requirements: BTreeMap<&'static str, String>,
}

#[derive(Serialize)]
pub struct Link {
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    namespace: &'static str,
    package: &'static str,
    interfaces: Interfaces,
    #[serde(skip_serializing_if = "Option::is_none")]
    source: Option<Source>,
    target: Target,
}

#[derive(Serialize)]
struct Source {
    config: Vec<Config>,
}

#[derive(Serialize)]
pub struct Target {
    pub name: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub config: Vec<Config>,
}

impl Part {
    /// Returns a component of this project.
    pub fn component(name: &str, config: Vec<Config>, traits: Vec<Trait>) -> Self {
        Self {
            name: name.to_owned(),
            r#type: "component",
            properties: Properties {
                id: None,
                image: image(name),
                config,
            },
            traits,
        }
    }

    /// Returns a provider of this project.
    pub fn provider(name: &str, id: Option<&'static str>, config: Vec<Config>, traits: Vec<Trait>) -> Self {
        Self {
            name: name.to_owned(),
            r#type: "capability",
            properties: Properties {
                id,
                image: image(name),
                config,
            },
            traits,
        }
    }
}

impl Config {
    /// Returns a configuration that operators put.
    pub fn named(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            properties: None,
        }
    }

    /// Returns a configuration with its values.
    pub fn with_values(name: impl Into<String>, values: Values) -> Self {
        Self {
            name: name.into(),
            properties: Some(values),
        }
    }
}

impl Link {
    /// Returns a link without a name or a configuration of its source.
    pub fn new<T: ToString>(
        namespace: &'static str,
        package: &'static str,
        interfaces: impl IntoIterator<Item = T>,
        target: Target,
    ) -> Self {
        Self {
            name: None,
            namespace,
            package,
            interfaces: interfaces.into_iter().map(|name| name.to_string()).collect(),
            source: None,
            target,
        }
    }

    /// Adds a name, which distinguishes links between the same components.
    pub fn named(self, name: &str) -> Self {
        Self {
            name: Some(name.to_owned()),
            ..self
        }
    }

    /// Adds the configuration of the source.
    pub fn configured(self, config: Config) -> Self {
        Self {
            source: Some(Source { config: vec![config] }),
            ..self
        }
    }
}

impl Target {
    /// Returns a target without a configuration.
    pub fn plain(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            config: Vec::new(),
        }
    }
}

/// Spreads the instances evenly over the zones.
pub fn evenly() -> Vec<Spread> {
    ZONES.map(|zone| in_zone(zone, Some(50))).into()
}

/// Puts instances on the hosts of a zone. The weight is the share in percent.
pub fn in_zone(zone: &str, weight: Option<u32>) -> Spread {
    Spread {
        name: format!("zone-{zone}"),
        weight,
        requirements: [("zone", zone.to_owned())].into(),
    }
}

fn image(name: &str) -> String {
    format!("registry:5000/mercato/{name}:{}", env!("CARGO_PKG_VERSION"))
}
