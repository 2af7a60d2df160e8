//! Collects the manifests of all services: in Spin a component can't read its own custom sections, and every one has to
//! know who subscribes to what in the whole shop.

use std::error::Error;
use std::fs;
use std::path::Path;

fn main() -> Result<(), Box<dyn Error>> {
    let components = Path::new("../..");
    println!("cargo::rerun-if-changed={}", components.display());
    let mut services = serde_json::Map::new();
    for entry in fs::read_dir(components)? {
        let folder = entry?.path();
        let manifest = folder.join("service.toml");
        if let Some(name) = folder.file_name()
            && manifest.is_file()
        {
            println!("cargo::rerun-if-changed={}", manifest.display());
            let declared: serde_json::Value = toml::from_str(&fs::read_to_string(&manifest)?)?;
            services.insert(name.to_string_lossy().into_owned(), declared);
        }
    }
    let shop = serde_json::json!({ "services": services });
    fs::write(
        Path::new(&std::env::var("OUT_DIR")?).join("shop.json"),
        shop.to_string(),
    )?;
    Ok(())
}
