//! A composed component, held against Spin: what it imports, what it exports, how much an instance of it takes, and what it is permitted.

use std::collections::BTreeSet;
use std::fmt;

use anyhow::{Context, Result};
use mercato_ports::manifest::{SHOP_SECTION, ShopManifest};
use wasmparser::{Instance, Parser, Payload};

use super::manifest::Component;
use crate::compose::Runtime;

/// What an instance may take at most: core instances, memories, tables.
const LIMITS: [u32; 3] = [200, 32, 64];

/// How many core instances, memories and tables there are for all instances together, unless `SPIN_MAX_INSTANCE_COUNT` says so.
const TOTALS: [u32; 3] = [4_000, 1_000, 2_000];

/// By what Spin knows a component that answers requests.
const HANDLER: &str = "wasi:http/incoming-handler@0.2";

/// Variables of the adapter itself, for mail.
const MAIL: [&str; 2] = ["mail_from", "smtp_server"];

/// A composed component.
#[derive(Debug)]
pub struct Composed {
    imports: Vec<String>,
    exports: Vec<String>,
    manifest: ShopManifest,
    /// Core instances, memories, tables.
    takes: [u32; 3],
}

impl Composed {
    /// Reads a component.
    ///
    /// # Errors
    /// It is none, or was not composed by this program.
    pub fn parse(bytes: &[u8]) -> Result<Self> {
        let (mut imports, mut exports, mut manifest) = (Vec::new(), Vec::new(), None);
        let [mut instances, mut memories, mut tables] = [0; 3];
        let mut depth = 0_u32;
        for payload in Parser::new(0).parse_all(bytes) {
            match payload? {
                Payload::ComponentSection { .. } | Payload::ModuleSection { .. } => depth += 1,
                Payload::End(_) => depth = depth.saturating_sub(1),
                Payload::ComponentImportSection(section) if depth == 0 => {
                    for import in section {
                        imports.push(import?.name.name.to_owned());
                    }
                }
                Payload::ComponentExportSection(section) if depth == 0 => {
                    for export in section {
                        exports.push(export?.name.name.to_owned());
                    }
                }
                Payload::CustomSection(section) if depth == 0 && section.name() == SHOP_SECTION => {
                    manifest = Some(serde_json::from_slice(section.data())?);
                }
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
            imports,
            exports,
            manifest: manifest.context("it was not composed here: it holds no manifest")?,
            takes: [instances, memories, tables],
        })
    }

    /// The services in it that subscribe to events.
    pub fn subscribers(&self) -> impl Iterator<Item = &str> {
        let services = self.manifest.services.iter();
        services
            .filter(|(_, service)| !service.handles.is_empty())
            .map(|(name, _)| name.as_str())
    }

    /// How many instances there can be at a time with Spin's own settings, if there are no others.
    fn concurrency(&self) -> u32 {
        let shares = TOTALS
            .iter()
            .zip(&self.takes)
            .map(|(total, own)| total / own.max(&1));
        shares.min().unwrap_or_default()
    }

    /// What does not fit, given what it is permitted.
    pub fn faults(&self, permitted: &Component) -> impl Iterator<Item = String> {
        let mut faults = Vec::new();
        for import in self.imports.iter().filter(|import| !Runtime::Spin.offers(import)) {
            // Only types are left of it, which nobody has to offer.
            if !import.starts_with("mercato:") {
                faults.push(format!("it imports {import}, which Spin does not offer"));
            }
        }
        if self
            .exports
            .iter()
            .filter(|export| export.starts_with(HANDLER))
            .count()
            != 1
        {
            faults.push(format!("it must export {HANDLER}.x once"));
        }
        for ((name, limit), own) in ["core instances", "memories", "tables"]
            .iter()
            .zip(LIMITS)
            .zip(self.takes)
        {
            if own > limit {
                faults.push(format!("it takes {own} {name}, and Spin allows {limit}"));
            }
        }
        for (interface, granted, key) in [
            (
                "fermyon:spin/sqlite",
                !permitted.sqlite_databases.is_empty(),
                "sqlite_databases",
            ),
            (
                "wasi:keyvalue/",
                !permitted.key_value_stores.is_empty(),
                "key_value_stores",
            ),
        ] {
            let needed = self.imports.iter().any(|import| import.starts_with(interface));
            if needed != granted {
                let (is, should) = if needed {
                    ("imports", "name one")
                } else {
                    ("does not import", "be empty")
                };
                faults.push(format!("it {is} {interface}: {key} should {should}"));
            }
        }
        let read = self
            .manifest
            .config_names()
            .map(str::to_ascii_lowercase)
            .collect::<BTreeSet<_>>();
        for name in read
            .iter()
            .filter(|name| !permitted.variables.contains_key(*name))
        {
            faults.push(format!("it reads the variable `{name}`, which it is not given"));
        }
        for name in permitted.variables.keys() {
            if !read.contains(name) && !MAIL.contains(&name.as_str()) {
                faults.push(format!(
                    "it is given the variable `{name}`, which it does not read"
                ));
            }
        }
        faults.into_iter()
    }
}

impl fmt::Display for Composed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [instances, memories, tables] = self.takes;
        write!(
            f,
            "{instances} core instances, {memories} memories, {tables} tables: at most {} at a time",
            self.concurrency()
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compose::{Part, compose};

    fn composed(import: &str, export: &str, config: &str) -> Composed {
        let text = format!(
            r#"(component
                (import "{import}" (instance $i (export "run" (func (result u32)))))
                (export "{export}" (instance $i)))"#
        );
        let part = Part::new("orders", wat::parse_str(text).unwrap(), config).unwrap();
        Composed::parse(&compose(&[part], None).unwrap()).unwrap()
    }

    fn permitted() -> Component {
        Component {
            sqlite_databases: vec!["default".into()],
            variables: [("currency".to_owned(), "{{ currency }}".to_owned())].into(),
            ..Component::default()
        }
    }

    const SQLITE: &str = "fermyon:spin/sqlite@2.0.0";
    const HTTP: &str = "wasi:http/incoming-handler@0.2.12";
    const CONFIG: &str = "config = ['CURRENCY']\nhandles = ['a']";

    #[test]
    fn what_fits_has_no_faults() {
        let composed = composed(SQLITE, HTTP, CONFIG);
        assert_eq!(composed.faults(&permitted()).collect::<Vec<_>>(), [""; 0]);
        assert_eq!(composed.subscribers().collect::<Vec<_>>(), ["orders"]);
    }

    #[test]
    fn what_spin_does_not_offer_or_the_manifest_does_not_permit_is_told() {
        let faults = |import, export, config| composed(import, export, config).faults(&permitted()).count();
        // The import, and the database that nobody needs.
        assert_eq!(faults("wasi:logging/logging@0.1.0", HTTP, CONFIG), 2);
        assert_eq!(faults(SQLITE, "wasi:cli/run@0.2.0", CONFIG), 1);
        // A variable too many, and one too few.
        assert_eq!(faults(SQLITE, HTTP, "config = ['API_SECRET']"), 2);
        assert_eq!(
            composed(SQLITE, HTTP, CONFIG)
                .faults(&Component::default())
                .count(),
            2
        );
    }

    #[test]
    fn an_instance_that_takes_too_much_is_told() {
        let mut large = composed(SQLITE, HTTP, CONFIG);
        large.takes = [201, 33, 65];
        assert_eq!(large.faults(&permitted()).count(), 3);
        assert_eq!(large.concurrency(), 19);
    }
}
