//! Joining components: from a list of parts to one component.

mod composition;
mod graph;
mod names;
mod part;
mod runtime;

use anyhow::{Context, Result, anyhow};
use mercato_ports::manifest::{SHOP_SECTION, ShopManifest};
use wasmparser::{Validator, WasmFeatures};

pub use self::composition::Composition;
pub use self::names::Names;
pub use self::part::Part;
pub use self::runtime::Runtime;

/// Joins the parts, appends their manifests, and validates the component.
///
/// # Errors
/// A manifest names another service's collection, the parts can't be joined (see [`graph::join`]), or the
/// component is not valid.
pub fn compose(parts: &[Part], runtime: Option<Runtime>) -> Result<Vec<u8>> {
    let services = parts
        .iter()
        .map(|part| (part.name.clone(), part.manifest.clone()))
        .collect();
    let manifest = ShopManifest { services };
    manifest
        .check()
        .map_err(|error| anyhow!("a manifest is invalid: {error}"))?;
    let mut shop = graph::join(parts, runtime)?;
    part::append_section(&mut shop, SHOP_SECTION, &serde_json::to_vec(&manifest)?);
    Validator::new_with_features(WasmFeatures::default())
        .validate_all(&shop)
        .context("the composed component is not valid")?;
    Ok(shop)
}

#[cfg(test)]
mod tests;
