//! A part of a composition: a component with its manifest.

use std::borrow::Cow;

use anyhow::{Context, Result};
use mercato_ports::manifest::{SERVICE_SECTION, ServiceManifest};
use wasm_encoder::{ComponentSection as _, CustomSection};

/// A component that was built, with its manifest.
#[derive(Debug)]
pub struct Part {
    /// The name of the part.
    pub name: String,
    /// The component.
    pub bytes: Vec<u8>,
    /// What the part needs from the platform.
    pub manifest: ServiceManifest,
}

impl Part {
    /// Parses the text of a part's `service.toml` and appends it to the component as a custom section, which
    /// every composition keeps.
    ///
    /// # Errors
    /// The text is not a service manifest.
    pub fn new(name: &str, component: Vec<u8>, manifest: &str) -> Result<Self> {
        let manifest: ServiceManifest =
            toml::from_str(manifest).with_context(|| format!("the manifest of `{name}` is invalid"))?;
        let mut bytes = component;
        append_section(&mut bytes, SERVICE_SECTION, &serde_json::to_vec(&manifest)?);
        Ok(Self {
            name: name.to_owned(),
            bytes,
            manifest,
        })
    }
}

/// Appends a custom section to a component.
pub fn append_section(component: &mut Vec<u8>, name: &str, data: &[u8]) {
    CustomSection {
        name: Cow::Borrowed(name),
        data: Cow::Borrowed(data),
    }
    .append_to_component(component);
}
