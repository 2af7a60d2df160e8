//! Checks that a lattice runs the same components as one process.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};
use sha2::{Digest, Sha256};
use wasmparser::{Parser, Payload};

use crate::project::Project;
use crate::services::Services;

/// Checks that each service's component is in the whole shop and in the service's image for the lattice, byte
/// for byte.
///
/// # Errors
/// A component differs, or a file can't be read.
pub fn same_everywhere(project: &Project, shop: &Path, images: &Path) -> Result<()> {
    let shop = components(shop)?;
    for service in Services::read(project)?.names() {
        let part = project
            .target
            .join("shop/parts")
            .join(service)
            .with_extension("wasm");
        let digest = digest(&fs::read(&part).with_context(|| format!("can't read {}", part.display()))?);
        let image = components(&images.join(service).with_extension("wasm"))?;
        for (file, found) in [("shop.wasm", &shop), ("the image for the lattice", &image)] {
            if !found.contains(&digest) {
                bail!("{file} holds another component of {service} than target/shop/parts");
            }
        }
    }
    Ok(())
}

/// Returns the digests of the components within a composition.
fn components(file: &Path) -> Result<BTreeSet<String>> {
    let bytes = fs::read(file).with_context(|| format!("can't read {}", file.display()))?;
    let mut components = BTreeSet::new();
    for payload in Parser::new(0).parse_all(&bytes) {
        if let Payload::ComponentSection { unchecked_range, .. } = payload? {
            let range = usize::try_from(unchecked_range.start)?..usize::try_from(unchecked_range.end)?;
            let component = bytes.get(range).context("a component ends too early")?;
            components.insert(digest(component));
        }
    }
    Ok(components)
}

fn digest(bytes: &[u8]) -> String {
    format!("{:x}", Sha256::digest(bytes))
}
