//! Compositions: from a short file that names parts to one component.

mod graph;
mod offers;

use std::borrow::Cow;
use std::path::Path;

use anyhow::{Context, Result, anyhow, bail};
use mercato_ports::manifest::{SERVICE_SECTION, SHOP_SECTION, ServiceManifest, ShopManifest};
use serde::Deserialize;
use wasm_encoder::{ComponentSection as _, CustomSection};
use wasmparser::{Validator, WasmFeatures};

pub use self::offers::Runtime;

/// What is composed: the content of a file such as `deploy/compositions/shop.toml`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Composition {
    /// The runtime that it is for; its imports are not checked where there is none.
    pub runtime: Option<Runtime>,
    /// The parts, by their folders' names in `components`.
    pub parts: Vec<String>,
}

/// A service that is built.
#[derive(Debug)]
pub struct Part {
    /// The name of the service.
    pub name: String,
    /// The component.
    pub bytes: Vec<u8>,
    /// What it asks of the platform.
    pub manifest: ServiceManifest,
}

impl Composition {
    /// Reads a composition's file.
    ///
    /// # Errors
    /// The file can't be read, is no such TOML, names no part or one part twice.
    pub fn read(file: &Path) -> Result<Self> {
        let text =
            std::fs::read_to_string(file).with_context(|| format!("{} can't be read", file.display()))?;
        Self::parse(&text).with_context(|| format!("{} is no composition", file.display()))
    }

    fn parse(text: &str) -> Result<Self> {
        let composition: Self = toml::from_str(text)?;
        if composition.parts.is_empty() {
            bail!("it names no parts");
        }
        for (index, part) in composition.parts.iter().enumerate() {
            if composition
                .parts
                .iter()
                .skip(index + 1)
                .any(|other| other == part)
            {
                bail!("it names `{part}` twice");
            }
        }
        Ok(composition)
    }
}

impl Part {
    /// Makes a part of a component and the text of its service's `service.toml`, and puts the manifest into
    /// the component, where it stays in every composition.
    ///
    /// # Errors
    /// The manifest is no such TOML.
    pub fn new(name: &str, component: Vec<u8>, manifest: &str) -> Result<Self> {
        let manifest: ServiceManifest =
            toml::from_str(manifest).with_context(|| format!("the manifest of `{name}` is wrong"))?;
        let mut bytes = component;
        append_section(&mut bytes, SERVICE_SECTION, &serde_json::to_vec(&manifest)?);
        Ok(Self {
            name: name.to_owned(),
            bytes,
            manifest,
        })
    }
}

/// Composes the parts, adds what they ask of the platform, and validates the result.
///
/// # Errors
/// A manifest names what is not the service's own, the parts can't be joined (see [`graph::join`]), or the result is not valid.
pub fn compose(parts: &[Part], runtime: Option<Runtime>) -> Result<Vec<u8>> {
    let services = parts
        .iter()
        .map(|part| (part.name.clone(), part.manifest.clone()))
        .collect();
    let manifest = ShopManifest { services };
    manifest
        .check()
        .map_err(|fault| anyhow!("a manifest is wrong: {fault}"))?;
    let mut shop = graph::join(parts, runtime)?;
    append_section(&mut shop, SHOP_SECTION, &serde_json::to_vec(&manifest)?);
    Validator::new_with_features(WasmFeatures::default())
        .validate_all(&shop)
        .context("the composed component is not valid")?;
    Ok(shop)
}

fn append_section(component: &mut Vec<u8>, name: &str, data: &[u8]) {
    CustomSection {
        name: Cow::Borrowed(name),
        data: Cow::Borrowed(data),
    }
    .append_to_component(component);
}

#[cfg(test)]
mod tests;
