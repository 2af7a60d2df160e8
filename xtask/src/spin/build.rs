//! Composing the components that spin.toml names.

use std::path::PathBuf;

use anyhow::Result;

use crate::compose::Composition;
use crate::project::Project;
use crate::services::{GATEWAY, Services};
use crate::shop;

/// Returns the file of the manifest.
pub fn manifest(project: &Project) -> PathBuf {
    project.root.join("spin.toml")
}

/// Returns the name of the component that handles a service's events.
pub fn consumer(service: &str) -> String {
    format!("{service}-events")
}

/// Composes the components that the manifest names, and returns their files.
///
/// # Errors
/// A component can't be built or composed.
pub fn build(project: &Project) -> Result<Vec<PathBuf>> {
    let services = Services::read(project)?;
    let gateway = (GATEWAY.to_owned(), Composition::spin_gateway(&services));
    let consumers = services.subscribers().map(|service| {
        let composition = Composition::spin_consumer(service, &services);
        (consumer(&service.name), composition)
    });
    let mut files = Vec::new();
    for (name, composition) in std::iter::once(gateway).chain(consumers) {
        // Where spin.toml expects it.
        let file = project.root.join("target/spin").join(name).with_extension("wasm");
        shop::composed(project, &composition, &file)?;
        files.push(file);
    }
    Ok(files)
}
