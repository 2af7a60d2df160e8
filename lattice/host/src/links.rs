//! Writes the links of a manifest before its providers start.
//!
//! A provider receives the existing links when it starts. A link that is written a moment later is sent
//! before the provider listens, and is lost. wadm writes links while providers start, so
//! this module writes them first.

use anyhow::{Result, anyhow};
use wadm_types::{ConfigProperty, LinkProperty, Manifest, Properties, TraitProperty};
use wasmcloud_control_interface::{Client as Hosts, Link};

use crate::lattice::answer;

/// Writes the links of a manifest and their configurations, in the same way as wadm. Other links and
/// configurations are not changed.
///
/// # Errors
/// If no host answers, or if a host refuses a link or a configuration.
pub async fn put(hosts: &Hosts, manifest: &Manifest) -> Result<()> {
    for component in manifest.components() {
        for item in component.traits.iter().flatten() {
            if let TraitProperty::Link(link) = &item.properties {
                configs(hosts, manifest, link).await?;
                let link = resolved(manifest, &component.name, link)?;
                let failure = format!(
                    "cannot write the link from `{}` to `{}`",
                    link.source_id(),
                    link.target()
                );
                answer(hosts.put_link(link).await, &failure)?;
            }
        }
    }
    Ok(())
}

/// Returns the id in the lattice of a component or provider, or `None` if the manifest does not have it.
pub fn id(manifest: &Manifest, name: &str) -> Option<String> {
    let component = manifest.components().find(|component| component.name == name)?;
    let explicit = match &component.properties {
        Properties::Component { properties } => &properties.id,
        Properties::Capability { properties } => &properties.id,
    };
    Some(explicit.clone().unwrap_or_else(|| joined(manifest, name)))
}

async fn configs(hosts: &Hosts, manifest: &Manifest, link: &LinkProperty) -> Result<()> {
    let source = link.source.iter().flat_map(|source| &source.config);
    for config in source.chain(&link.target.config) {
        if let Some(values) = &config.properties {
            let failure = format!("cannot write the configuration `{}`", config.name);
            answer(
                hosts.put_config(&name(manifest, config), values.clone()).await,
                &failure,
            )?;
        }
    }
    Ok(())
}

fn resolved(manifest: &Manifest, source: &str, link: &LinkProperty) -> Result<Link> {
    let names = |configs: &[ConfigProperty]| configs.iter().map(|config| name(manifest, config)).collect();
    let target = &link.target.name;
    let id = |name: &str| id(manifest, name).ok_or_else(|| anyhow!("the manifest has no component `{name}`"));
    Link::builder()
        .source_id(&id(source)?)
        .target(&id(target)?)
        .name(link.name.as_deref().unwrap_or("default"))
        .wit_namespace(&link.namespace)
        .wit_package(&link.package)
        .interfaces(link.interfaces.clone())
        .source_config(
            link.source
                .as_ref()
                .map(|source| names(&source.config))
                .unwrap_or_default(),
        )
        .target_config(names(&link.target.config))
        .build()
        .map_err(|error| anyhow!("the link from `{source}` to `{target}` is invalid: {error}"))
}

/// Returns the name of a configuration in the lattice. A configuration with values in the manifest gets the
/// name of the application as prefix.
fn name(manifest: &Manifest, config: &ConfigProperty) -> String {
    match config.properties {
        Some(_) => joined(manifest, &config.name),
        None => config.name.clone(),
    }
}

fn joined(manifest: &Manifest, name: &str) -> String {
    format!("{}-{}", plain(&manifest.metadata.name), plain(name))
}

/// Converts a name to its form in an id, in the same way as wadm.
fn plain(name: &str) -> String {
    name.to_lowercase()
        .replace(|char: char| !char.is_ascii_alphanumeric(), "_")
}

#[cfg(test)]
mod tests {
    use super::*;

    const MANIFEST: &str = "
        apiVersion: core.oam.dev/v1beta1
        kind: Application
        metadata: {name: my shop, annotations: {version: 0.1.0}}
        spec:
          components:
            - name: kafka
              type: capability
              properties: {id: broker, image: kafka}
              traits:
                - type: link
                  properties:
                    name: orders
                    namespace: mercato
                    package: platform
                    interfaces: [handler]
                    source: {config: [{name: external}, {name: own-values, properties: {kinds: a}}]}
                    target: {name: Orders}
            - name: Orders
              type: component
              properties: {image: orders}
    ";

    #[test]
    fn names_a_link_in_the_same_way_as_wadm() {
        let manifest: Manifest = serde_yaml::from_str(MANIFEST).unwrap();
        let TraitProperty::Link(link) = &manifest.spec.components[0].traits.as_ref().unwrap()[0].properties
        else {
            panic!("the trait is not a link");
        };
        let link = resolved(&manifest, "kafka", link).unwrap();
        assert_eq!((link.source_id(), link.target()), ("broker", "my_shop-orders"));
        assert_eq!(link.source_config(), &["external", "my_shop-own_values"]);
        assert_eq!(link.name(), "orders");
    }

    #[test]
    fn returns_no_id_for_a_component_that_the_manifest_does_not_have() {
        let manifest: Manifest = serde_yaml::from_str(MANIFEST).unwrap();
        assert_eq!(id(&manifest, "mongodb"), None);
    }
}
