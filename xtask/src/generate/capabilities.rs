//! The table in `docs/security.md`: what each component can reach.

use anyhow::Result;

use super::table;
use crate::project::Project;
use crate::services::{Service, Services};
use crate::settings::Settings;

/// The file that holds the table.
pub const FILE: &str = "docs/security.md";
const HEAD: &str =
    "| component | services | ports | collections | secrets | other settings |\n|---|---|---|---|---|---|\n";

/// Returns the text of the file with the current table between its markers.
///
/// # Errors
/// The file can't be read, or lacks a marker.
pub fn insert(project: &Project, services: &Services, settings: &Settings) -> Result<String> {
    let rows = services.iter().map(|service| row(service, settings));
    table::insert_into(project, FILE, &(HEAD.to_owned() + &rows.collect::<String>()))
}

fn row(service: &Service, settings: &Settings) -> String {
    let imports = |package: &'static str| {
        let names = service.world.imports.iter();
        names.filter_map(move |import| import.strip_prefix(package))
    };
    let is_secret = |name: &String| {
        let mut settings = settings.iter();
        settings.any(|setting| setting.secret && setting.name == *name)
    };
    let manifest = &service.manifest;
    let (secrets, others): (Vec<&String>, Vec<_>) = manifest.config.iter().partition(|name| is_secret(name));
    let prefix = format!("{}.", service.name);
    let collections = manifest
        .collections
        .keys()
        .map(|name| name.strip_prefix(&prefix).unwrap_or(name));
    format!(
        "| {} | {} | {} | {} | {} | {} |\n",
        service.name,
        codes(imports("mercato:shop/")),
        codes(imports("mercato:platform/")),
        codes(collections),
        codes(secrets),
        codes(others)
    )
}

fn codes<T: AsRef<str>>(names: impl IntoIterator<Item = T>) -> String {
    let names: Vec<_> = names
        .into_iter()
        .map(|name| format!("`{}`", name.as_ref()))
        .collect();
    if names.is_empty() {
        return "none".to_owned();
    }
    names.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_tells_secrets_from_other_settings() {
        let project = Project::find().unwrap();
        let (services, settings) = (
            Services::read(&project).unwrap(),
            Settings::read(&project).unwrap(),
        );
        let row_of = |name: &str| {
            row(
                services.iter().find(|service| service.name == name).unwrap(),
                &settings,
            )
        };
        let orders = row_of("orders");
        assert!(
            orders.starts_with("| orders | `inventory` | `config`, `documents` | "),
            "{orders}"
        );
        assert!(orders.contains(" | none | `CURRENCY`, "), "{orders}");
        let payments = row_of("payments");
        assert!(
            payments.contains(" | `STRIPE_SECRET_KEY`, `STRIPE_WEBHOOK_SECRET` | "),
            "{payments}"
        );
    }
}
