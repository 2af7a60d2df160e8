//! Replaces the images of a manifest by local files.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use wadm_types::{Manifest, Properties};

/// Replaces each image by a file in a folder: `registry/NAME:tag` by `NAME.wasm` for a component, or by
/// `NAME.par` for a provider. The providers that are built into the host are not replaced.
///
/// # Errors
/// If a file is missing.
pub fn from_folder(manifest: &mut Manifest, folder: &Path) -> Result<()> {
    let folder = folder
        .canonicalize()
        .with_context(|| format!("cannot read the folder {}", folder.display()))?;
    for component in &mut manifest.spec.components {
        let (image, kind) = match &mut component.properties {
            Properties::Component { properties } => (&mut properties.image, "wasm"),
            Properties::Capability { properties } => (&mut properties.image, "par"),
        };
        if let Some(image) = image
            && !image.starts_with("wasmcloud+builtin://")
        {
            let file = file(&folder, image, kind);
            if !file.is_file() {
                let (image, file) = (image, file.display());
                bail!("{file} does not exist: build it, because it replaces the image {image}");
            }
            *image = format!("file://{}", file.display());
        }
    }
    Ok(())
}

fn file(folder: &Path, image: &str, kind: &str) -> PathBuf {
    let last = image.rsplit('/').next().unwrap_or(image);
    let name = last.split([':', '@']).next().unwrap_or(last);
    folder.join(name).with_extension(kind)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_a_file_after_the_last_part_of_an_image_without_its_tag() {
        let folder = Path::new("/f");
        for image in [
            "registry:5000/mercato/gateway:0.1.0",
            "gateway",
            "example.com/gateway@sha256:00",
        ] {
            assert_eq!(file(folder, image, "wasm"), Path::new("/f/gateway.wasm"));
        }
    }
}
