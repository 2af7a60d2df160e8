//! The links of a manifest, put before its providers start.
//!
//! A provider that starts is given the links that are there. One that is put a moment later is sent to it before it listens, and is
//! lost: so it must not be left to wadm, which puts links while providers start.

use anyhow::{Result, anyhow};
use wadm_types::{ConfigProperty, LinkProperty, Manifest, Properties, TraitProperty};
use wasmcloud_control_interface::{Client as Hosts, Link};

use crate::lattice::answer;

/// Puts the configurations that the links of a manifest refer to, and the links, as wadm would. What is there already stays.
///
/// # Errors
/// A host refuses one, or none answers.
pub async fn put(hosts: &Hosts, manifest: &Manifest) -> Result<()> {
    for component in manifest.components() {
        for item in component.traits.iter().flatten() {
            if let TraitProperty::Link(link) = &item.properties {
                configs(hosts, manifest, link).await?;
                let link = resolved(manifest, &component.name, link)?;
                let what = format!(
                    "the link from `{}` to `{}` can't be put",
                    link.source_id(),
                    link.target()
                );
                answer(hosts.put_link(link).await, &what)?;
            }
        }
    }
    Ok(())
}

/// The id by which a component or provider of a manifest is known in the lattice; none where the manifest does not name it.
pub fn id(manifest: &Manifest, name: &str) -> Option<String> {
    let component = manifest.components().find(|component| component.name == name)?;
    let own = match &component.properties {
        Properties::Component { properties } => &properties.id,
        Properties::Capability { properties } => &properties.id,
    };
    Some(own.clone().unwrap_or_else(|| joined(manifest, name)))
}

async fn configs(hosts: &Hosts, manifest: &Manifest, link: &LinkProperty) -> Result<()> {
    let source = link.source.iter().flat_map(|source| &source.config);
    for config in source.chain(&link.target.config) {
        if let Some(values) = &config.properties {
            let what = format!("the configuration `{}` can't be put", config.name);
            answer(
                hosts.put_config(&name(manifest, config), values.clone()).await,
                &what,
            )?;
        }
    }
    Ok(())
}

fn resolved(manifest: &Manifest, source: &str, link: &LinkProperty) -> Result<Link> {
    let names = |configs: &[ConfigProperty]| configs.iter().map(|config| name(manifest, config)).collect();
    let target = &link.target.name;
    let known =
        |name: &str| id(manifest, name).ok_or_else(|| anyhow!("the manifest has no component `{name}`"));
    Link::builder()
        .source_id(&known(source)?)
        .target(&known(target)?)
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
        .map_err(|error| anyhow!("the link from `{source}` to `{target}` is wrong: {error}"))
}

/// The name of a configuration in the lattice: one whose values the manifest has belongs to the application.
fn name(manifest: &Manifest, config: &ConfigProperty) -> String {
    match config.properties {
        Some(_) => joined(manifest, &config.name),
        None => config.name.clone(),
    }
}

fn joined(manifest: &Manifest, name: &str) -> String {
    format!("{}-{}", plain(&manifest.metadata.name), plain(name))
}

/// A name as wadm puts it into an id.
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
    fn a_link_is_named_as_wadm_names_it() {
        let manifest: Manifest = serde_yaml::from_str(MANIFEST).unwrap();
        let TraitProperty::Link(link) = &manifest.spec.components[0].traits.as_ref().unwrap()[0].properties
        else {
            panic!("a link is no link");
        };
        let link = resolved(&manifest, "kafka", link).unwrap();
        assert_eq!((link.source_id(), link.target()), ("broker", "my_shop-orders"));
        assert_eq!(link.source_config(), &["external", "my_shop-own_values"]);
        assert_eq!(link.name(), "orders");
    }

    #[test]
    fn what_a_manifest_does_not_name_has_no_id() {
        let manifest: Manifest = serde_yaml::from_str(MANIFEST).unwrap();
        assert_eq!(id(&manifest, "mongodb"), None);
    }
}
