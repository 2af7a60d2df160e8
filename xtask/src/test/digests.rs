//! What runs on a lattice is what runs in one process.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};
use sha2::{Digest, Sha256};
use wasmparser::{Parser, Payload};

use crate::project::Project;

/// The services that are components of their own on a lattice.
const SERVICES: [&str; 8] = [
    "gateway",
    "accounts",
    "carts",
    "catalog",
    "notifications",
    "orders",
    "payments",
    "webhooks",
];

/// Each service's component is in the composition of the whole shop and in that of the lattice, to the byte.
///
/// # Errors
/// One is not, or a file can't be read.
pub fn same_everywhere(project: &Project, shop: &Path, images: &Path) -> Result<()> {
    let shop = components(shop)?;
    for service in SERVICES {
        let part = project
            .target
            .join("shop/parts")
            .join(service)
            .with_extension("wasm");
        let digest = digest(&fs::read(&part).with_context(|| format!("{} can't be read", part.display()))?);
        let image = images.join(service).with_extension("wasm");
        for (file, there) in [("shop.wasm", &shop), ("the lattice's", &components(&image)?)] {
            if !there.contains(&digest) {
                bail!("{file} {service} is not the component of digest {digest}");
            }
        }
    }
    Ok(())
}

/// The components within a composition by their digests.
fn components(file: &Path) -> Result<BTreeSet<String>> {
    let bytes = fs::read(file).with_context(|| format!("{} can't be read", file.display()))?;
    let mut components = BTreeSet::new();
    for payload in Parser::new(0).parse_all(&bytes) {
        if let Payload::ComponentSection { unchecked_range, .. } = payload? {
            let range = usize::try_from(unchecked_range.start)?..usize::try_from(unchecked_range.end)?;
            let component = bytes.get(range).context("a component that ends too early")?;
            components.insert(digest(component));
        }
    }
    Ok(components)
}

fn digest(bytes: &[u8]) -> String {
    format!("{:x}", Sha256::digest(bytes))
}
