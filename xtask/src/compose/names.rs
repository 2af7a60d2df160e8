//! The names of a component's imports and exports.

use anyhow::Result;
use wasmparser::{Parser, Payload};

/// The imports and exports of a component, such as `mercato:shop/orders@0.1.0`.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Names {
    /// The imports.
    pub imports: Vec<String>,
    /// The exports.
    pub exports: Vec<String>,
}

impl Names {
    /// Reads the names of a component, without those of the components inside.
    ///
    /// # Errors
    /// The bytes are not a component.
    pub fn read(component: &[u8]) -> Result<Self> {
        let mut names = Self::default();
        let mut depth = 0_u32;
        for payload in Parser::new(0).parse_all(component) {
            match payload? {
                Payload::ComponentSection { .. } | Payload::ModuleSection { .. } => depth += 1,
                Payload::End(_) => depth = depth.saturating_sub(1),
                Payload::ComponentImportSection(section) if depth == 0 => {
                    for import in section {
                        names.imports.push(import?.name.name.to_owned());
                    }
                }
                Payload::ComponentExportSection(section) if depth == 0 => {
                    for export in section {
                        names.exports.push(export?.name.name.to_owned());
                    }
                }
                _ => {}
            }
        }
        Ok(names)
    }
}
