//! A composed component, compared with Spin: its imports, its exports, and what one instance of it takes.

use std::path::PathBuf;
use std::{fmt, fs};

use anyhow::{Context, Result, bail};
use wasmparser::{Instance, Parser, Payload};

use crate::compose::{Names, Runtime};

/// The resources that Spin limits for each instance.
const RESOURCES: [&str; 3] = ["core instances", "memories", "tables"];

/// The limits of one instance.
const LIMITS: [u32; 3] = [200, 32, 64];

/// The resources of all instances together, unless `SPIN_MAX_INSTANCE_COUNT` raises them.
const TOTALS: [u32; 3] = [4_000, 1_000, 2_000];

/// The interface by which a component answers HTTP requests.
const HANDLER: &str = "wasi:http/incoming-handler@0.2";

/// Checks composed components, and returns a line about each.
///
/// # Errors
/// A component can't be read or does not fit; the error lists all that is wrong.
pub fn check(files: &[PathBuf]) -> Result<Vec<String>> {
    let mut lines = Vec::new();
    let mut errors = Vec::new();
    for file in files {
        let name = file.file_stem().unwrap_or_default().display();
        let bytes = fs::read(file).with_context(|| format!("can't read {}", file.display()))?;
        let component = Component::parse(&bytes)?;
        lines.push(format!("{name}: {} KiB, {component}", bytes.len() / 1024));
        let found = component.errors().into_iter();
        errors.extend(found.map(|error| format!("component `{name}`: {error}")));
    }
    if !errors.is_empty() {
        bail!("the components do not fit Spin:\n{}", errors.join("\n"));
    }
    Ok(lines)
}

/// A composed component.
#[derive(Debug)]
struct Component {
    names: Names,
    /// How many of each of [`RESOURCES`] one instance takes.
    resources: [u32; 3],
}

impl Component {
    /// Parses a component.
    ///
    /// # Errors
    /// The bytes are not WebAssembly.
    fn parse(bytes: &[u8]) -> Result<Self> {
        let [mut instances, mut memories, mut tables] = [0; 3];
        for payload in Parser::new(0).parse_all(bytes) {
            match payload? {
                Payload::InstanceSection(section) => {
                    for instance in section {
                        instances += u32::from(matches!(instance?, Instance::Instantiate { .. }));
                    }
                }
                Payload::MemorySection(section) => memories += section.count(),
                Payload::TableSection(section) => tables += section.count(),
                _ => {}
            }
        }
        Ok(Self {
            names: Names::read(bytes)?,
            resources: [instances, memories, tables],
        })
    }

    /// Returns what does not fit Spin, a sentence each.
    fn errors(&self) -> Vec<String> {
        let mut errors = Vec::new();
        for import in self
            .names
            .imports
            .iter()
            .filter(|import| !Runtime::Spin.offers(import))
        {
            // The adapters export these interfaces. Only types are left, which need no provider.
            if !import.starts_with("mercato:") {
                errors.push(format!("it imports {import}, which Spin does not offer"));
            }
        }
        let handlers = self
            .names
            .exports
            .iter()
            .filter(|export| export.starts_with(HANDLER));
        if handlers.count() != 1 {
            errors.push(format!("it must export {HANDLER}.x once"));
        }
        for ((name, limit), taken) in RESOURCES.iter().zip(LIMITS).zip(self.resources) {
            if taken > limit {
                errors.push(format!(
                    "an instance takes {taken} {name}, and Spin allows {limit}"
                ));
            }
        }
        errors
    }

    /// How many instances can run at a time with Spin's defaults, if nothing else runs.
    fn concurrency(&self) -> u32 {
        let shares = TOTALS.iter().zip(&self.resources);
        let shares = shares.map(|(total, taken)| total / taken.max(&1));
        shares.min().unwrap_or_default()
    }
}

impl fmt::Display for Component {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [instances, memories, tables] = self.resources;
        write!(
            f,
            "{instances} core instances, {memories} memories, {tables} tables: at most {} run at a time",
            self.concurrency()
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SQLITE: &str = "fermyon:spin/sqlite@2.0.0";
    const HTTP: &str = "wasi:http/incoming-handler@0.2.12";

    fn component(import: &str, export: &str) -> Component {
        let text = format!(
            r#"(component
                (import "{import}" (instance $i (export "run" (func (result u32)))))
                (export "{export}" (instance $i)))"#
        );
        Component::parse(&wat::parse_str(text).unwrap()).unwrap()
    }

    #[test]
    fn accepts_a_component_that_fits() {
        assert_eq!(component(SQLITE, HTTP).errors(), [""; 0]);
    }

    #[test]
    fn reports_an_unknown_import_and_a_missing_export() {
        assert_eq!(component("wasi:logging/logging@0.1.0", HTTP).errors().len(), 1);
        assert_eq!(component(SQLITE, "wasi:cli/run@0.2.0").errors().len(), 1);
    }

    #[test]
    fn reports_an_instance_that_takes_too_much() {
        let mut large = component(SQLITE, HTTP);
        large.resources = [201, 33, 65];
        assert_eq!(large.errors().len(), 3);
        assert_eq!(large.concurrency(), 19);
    }
}
