//! Local files in place of a manifest's images.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use wadm_types::{Manifest, Properties};

/// Makes each image a file in a folder: `NAME.wasm` for a component whose image is `registry/NAME:tag`, `NAME.par` for a provider.
/// What is built into the host stays.
///
/// # Errors
/// A file is missing.
pub fn from_folder(manifest: &mut Manifest, folder: &Path) -> Result<()> {
    let folder = folder
        .canonicalize()
        .with_context(|| format!("the folder {} can't be read", folder.display()))?;
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
                bail!("{file} is missing: it is to replace the image {image}");
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
    fn the_name_of_a_file_is_the_last_part_of_an_image_without_its_tag() {
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
