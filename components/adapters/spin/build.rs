//! Collects the manifests of all services. A component of Spin can't read its own custom sections, but every
//! component needs the subscribers of the whole shop.

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
    let file = Path::new(&std::env::var("OUT_DIR")?).join("shop.json");
    fs::write(file, shop.to_string())?;
    Ok(())
}
