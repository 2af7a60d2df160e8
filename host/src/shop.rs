//! The shop file: a composed component with the manifest of its services in a custom section.

use std::io::ErrorKind;
use std::path::Path;

use mercato_ports::manifest::{SHOP_SECTION, ShopManifest};
use wasmparser::{Parser, Payload};

use crate::command_error::{Code, CommandError};

/// A shop that was read from its file and is not compiled yet.
#[derive(Debug)]
pub struct Shop {
    /// The binary of the component.
    pub wasm: Vec<u8>,
    /// The manifest of its services.
    pub manifest: ShopManifest,
    /// The size of one instance.
    pub size: Size,
}

/// The maximum numbers of parts of one instance. They determine the size of the instance pool.
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
    /// If the file is missing, unreadable, or not a composed shop.
    pub fn read(path: &Path) -> Result<Self, CommandError> {
        let wasm = std::fs::read(path).map_err(|error| match error.kind() {
            ErrorKind::NotFound => CommandError::new(
                Code::NoInput,
                format!(
                    "the shop file {} does not exist: build it with `cargo xtask compose`, \
                     or name another file with --shop",
                    path.display()
                ),
            ),
            _ => CommandError::new(
                Code::NoInput,
                format!("cannot read the shop file {}: {error}", path.display()),
            ),
        })?;
        Self::parse(wasm).map_err(|reason| {
            let advice = "build it again with `cargo xtask compose`, or name another file with --shop";
            CommandError::new(
                Code::Data,
                format!("{} is not a composed shop: {reason}; {advice}", path.display()),
            )
        })
    }

    /// Parses the binary of a shop.
    ///
    /// # Errors
    /// If it is not a composed shop, with the reason.
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
                    manifest = Some(parsed.map_err(|error| format!("its manifest is malformed ({error})"))?);
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
