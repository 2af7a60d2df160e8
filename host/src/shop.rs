//! The shop file: a composed component, with the manifest of its services in a custom section.

use std::io::ErrorKind;
use std::path::Path;

use mercato_ports::manifest::{SHOP_SECTION, ShopManifest};
use wasmparser::{Parser, Payload};

use crate::exit::{Code, Failure};

/// A shop as it was read from its file; not compiled yet.
#[derive(Debug)]
pub struct Shop {
    /// The component's binary.
    pub wasm: Vec<u8>,
    /// What its services ask for.
    pub manifest: ShopManifest,
    /// What one instance of it takes.
    pub size: Size,
}

/// How many of each an instance of the shop has at most; what the instance pool is dimensioned by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Size {
    /// Core instances.
    pub instances: u32,
    /// Linear memories.
    pub memories: u32,
    /// Tables.
    pub tables: u32,
}

impl Shop {
    /// Reads a shop from its file.
    ///
    /// # Errors
    /// Where the file is missing, unreadable, or not a composed shop.
    pub fn read(path: &Path) -> Result<Self, Failure> {
        let wasm = std::fs::read(path).map_err(|error| match error.kind() {
            ErrorKind::NotFound => Failure::new(
                Code::NoInput,
                format!("there is no shop file {}: build it with `cargo xtask compose`, or name another with --shop", path.display()),
            ),
            _ => Failure::new(Code::NoInput, format!("can't read the shop file {}: {error}", path.display())),
        })?;
        Self::parse(wasm).map_err(|why| {
            let advice = "rebuild it with `cargo xtask compose`, or name another with --shop";
            Failure::new(
                Code::Data,
                format!("{} is not a shop that can run: {why}; {advice}", path.display()),
            )
        })
    }

    /// Reads a shop from its binary.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(wasm: Vec<u8>) -> Result<Self, String> {
        if !Parser::is_component(&wasm) {
            return Err("it is not a WebAssembly component".into());
        }
        let mut manifest = None;
        let mut size = Size::default();
        for payload in Parser::new(0).parse_all(&wasm) {
            match payload.map_err(|error| format!("it is damaged ({error})"))? {
                Payload::CustomSection(section) if section.name() == SHOP_SECTION => {
                    let parsed = serde_json::from_slice(section.data());
                    manifest = Some(parsed.map_err(|error| format!("its manifest can't be read ({error})"))?);
                }
                Payload::InstanceSection(section) => size.instances += section.count(),
                Payload::MemorySection(section) => size.memories += section.count(),
                Payload::TableSection(section) => size.tables += section.count(),
                _ => {}
            }
        }
        let manifest =
            manifest.ok_or_else(|| format!("it has no manifest (custom section `{SHOP_SECTION}`)"))?;
        Ok(Self { wasm, manifest, size })
    }
}
