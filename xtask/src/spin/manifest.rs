//! What `spin.toml` says, as far as it is checked here.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result};
use serde::Deserialize;
use serde::de::IgnoredAny;

/// The manifest of an application.
#[derive(Debug, Deserialize)]
pub struct Manifest {
    #[serde(default)]
    variables: BTreeMap<String, Variable>,
    trigger: Triggers,
    /// Its components by their ids.
    pub component: BTreeMap<String, Component>,
}

#[derive(Debug, Deserialize)]
struct Variable {
    #[serde(default)]
    secret: bool,
    default: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Triggers {
    http: Vec<Trigger>,
}

#[derive(Debug, Deserialize)]
struct Trigger {
    component: String,
    route: Route,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Route {
    Private { private: bool },
    Public(IgnoredAny),
}

/// A component with what it is permitted.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Component {
    /// Where its WebAssembly is, from the manifest's folder.
    pub source: String,
    /// Its variables.
    pub variables: BTreeMap<String, String>,
    /// Where it may connect to.
    pub allowed_outbound_hosts: Vec<String>,
    /// The key-value stores that it may open.
    pub key_value_stores: Vec<String>,
    /// The databases that it may open.
    pub sqlite_databases: Vec<String>,
}

impl Manifest {
    /// Reads a manifest.
    ///
    /// # Errors
    /// It can't be read, or is none.
    pub fn read(file: &Path) -> Result<Self> {
        let text =
            std::fs::read_to_string(file).with_context(|| format!("{} can't be read", file.display()))?;
        toml::from_str(&text).with_context(|| format!("{} is no manifest of Spin", file.display()))
    }

    /// What is wrong with it by itself.
    pub fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        for (name, variable) in &self.variables {
            let secret = ["key", "password", "secret", "url"]
                .iter()
                .any(|word| name.split('_').any(|part| part == *word));
            let told = variable
                .default
                .as_deref()
                .is_some_and(|default| !default.is_empty());
            if secret && (!variable.secret || told) {
                faults.push(format!(
                    "the variable `{name}` must be marked `secret`, and have no default but an empty one"
                ));
            }
        }
        for (name, component) in &self.component {
            for host in &component.allowed_outbound_hosts {
                if host.contains('*') {
                    faults.push(format!(
                        "component `{name}` may connect to {host}: name the one it needs"
                    ));
                }
            }
            if !self.trigger.http.iter().any(|trigger| trigger.component == *name) {
                faults.push(format!(
                    "component `{name}` has no trigger, not even a private one"
                ));
            }
        }
        faults
    }

    /// What lacks for a service's events to be handed to it: a private component that those with a public route may reach.
    pub fn lacks_consumer(&self, subscriber: &str) -> Option<String> {
        let consumer = format!("{subscriber}-events");
        let route = self
            .trigger
            .http
            .iter()
            .find(|trigger| trigger.component == consumer);
        if !matches!(
            route,
            Some(Trigger {
                route: Route::Private { private: true },
                ..
            })
        ) {
            return Some(format!(
                "`{subscriber}` subscribes to events: it needs a private component `{consumer}`"
            ));
        }
        let host = format!("http://{consumer}.spin.internal");
        let public = self
            .trigger
            .http
            .iter()
            .filter(|trigger| matches!(trigger.route, Route::Public(_)));
        public
            .filter_map(|trigger| {
                self.component
                    .get(&trigger.component)
                    .map(|found| (trigger, found))
            })
            .find(|(_, component)| !component.allowed_outbound_hosts.contains(&host))
            .map(|(trigger, _)| {
                format!(
                    "component `{}` must be allowed to connect to {host}",
                    trigger.component
                )
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn manifest(change: impl Fn(&str) -> String) -> Manifest {
        let text = r#"
            [variables]
            api_secret = { required = true, secret = true }
            [[trigger.http]]
            route = "/..."
            component = "gateway"
            [[trigger.http]]
            route = { private = true }
            component = "orders-events"
            [component.gateway]
            source = "gateway.wasm"
            allowed_outbound_hosts = ["http://orders-events.spin.internal"]
            [component.orders-events]
            source = "orders-events.wasm"
        "#;
        toml::from_str(&change(text)).unwrap()
    }

    #[test]
    fn secrets_are_marked_and_hosts_are_named() {
        assert_eq!(manifest(str::to_owned).faults(), [""; 0]);
        let open = manifest(|text| {
            text.replace("secret = true", "default = 'x'")
                .replace("orders-events.spin", "*.spin")
        });
        assert_eq!(open.faults().len(), 2, "{:?}", open.faults());
    }

    #[test]
    fn a_subscriber_needs_a_private_component_that_may_be_reached() {
        assert_eq!(manifest(str::to_owned).lacks_consumer("orders"), None);
        assert!(manifest(str::to_owned).lacks_consumer("catalog").is_some());
        let public = manifest(|text| text.replace("{ private = true }", "'/events'"));
        assert!(public.lacks_consumer("orders").is_some());
        let closed = manifest(|text| text.replace("\"http://orders-events.spin.internal\"", ""));
        assert!(
            closed
                .lacks_consumer("orders")
                .unwrap()
                .contains("must be allowed")
        );
    }
}
