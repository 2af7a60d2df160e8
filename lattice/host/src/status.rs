//! `status`: shows the hosts, links and applications of a lattice.

use std::io::{ErrorKind, Write};

use anyhow::{Result, anyhow};
use futures::future::join_all;
use serde_json::{Value, json};
use wasmcloud_control_interface::{Client as Hosts, HostInventory, Link};

use crate::cli::Lattice;
use crate::lattice::answer;
use crate::table::Table;

/// Shows the hosts with their components and providers, the links, and the applications.
///
/// # Errors
/// If NATS cannot be reached, or if a host does not answer.
pub async fn run(lattice: &Lattice, as_json: bool) -> Result<()> {
    let hosts = lattice.hosts().await?;
    let inventories = inventories(&hosts).await?;
    let links = match inventories.is_empty() {
        true => Vec::new(),
        false => answer(hosts.get_links().await, "cannot read the links")?.unwrap_or_default(),
    };
    let applications = applications(lattice).await?;
    let text = if as_json {
        let status = json!({
            "hosts": inventories.iter().map(host).collect::<Vec<_>>(),
            "links": links.iter().map(link).collect::<Vec<_>>(),
            "applications": applications,
        });
        serde_json::to_string_pretty(&status)? + "\n"
    } else {
        tables(&inventories, &links, &applications)
    };
    match std::io::stdout().write_all(text.as_bytes()) {
        // The reader of the output has closed it.
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        written => Ok(written?),
    }
}

/// Returns the inventories of all hosts, ordered by host id.
///
/// # Errors
/// If a host does not answer.
pub async fn inventories(hosts: &Hosts) -> Result<Vec<HostInventory>> {
    let answers = hosts
        .get_hosts()
        .await
        .map_err(|error| anyhow!("cannot list the hosts: {error}"))?;
    let ids = answers
        .into_iter()
        .filter_map(|host| host.into_data())
        .map(|host| host.id().to_owned());
    let requests = ids.map(|id| async move {
        let failure = format!("cannot read the inventory of the host {id}");
        answer(hosts.get_host_inventory(&id).await, &failure)
    });
    let mut inventories = join_all(requests)
        .await
        .into_iter()
        .filter_map(Result::transpose)
        .collect::<Result<Vec<_>>>()?;
    inventories.sort_by(|one, other| one.host_id().cmp(other.host_id()));
    Ok(inventories)
}

/// Returns the applications in wadm, or an empty list without wadm.
async fn applications(lattice: &Lattice) -> Result<Vec<Value>> {
    let summaries = lattice.wadm().await?.list_manifests().await.unwrap_or_default();
    let application = |summary: wadm_types::api::ModelSummary| {
        json!({
            "name": summary.name,
            "version": summary.version,
            "deployed": summary.deployed_version,
            "status": summary.detailed_status.info.status_type,
            "message": summary.detailed_status.info.message,
        })
    };
    Ok(summaries.into_iter().map(application).collect())
}

fn host(host: &HostInventory) -> Value {
    let components = host.components().iter().map(|component| {
        json!({
            "id": component.id(), "image": component.image_ref(), "instances": component.max_instances(),
        })
    });
    let providers = host
        .providers()
        .iter()
        .map(|provider| json!({"id": provider.id(), "image": provider.image_ref()}));
    json!({
        "id": host.host_id(),
        "name": host.friendly_name(),
        "labels": host.labels(),
        "uptime": host.uptime_seconds(),
        "components": components.collect::<Vec<_>>(),
        "providers": providers.collect::<Vec<_>>(),
    })
}

fn link(link: &Link) -> Value {
    json!({
        "source": link.source_id(),
        "target": link.target(),
        "interfaces": interfaces(link),
        "name": link.name(),
        "sourceConfig": link.source_config(),
        "targetConfig": link.target_config(),
    })
}

fn interfaces(link: &Link) -> Vec<String> {
    let package = format!("{}:{}", link.wit_namespace(), link.wit_package());
    let interfaces = link.interfaces().iter();
    interfaces.map(|name| format!("{package}/{name}")).collect()
}

fn tables(inventories: &[HostInventory], links: &[Link], applications: &[Value]) -> String {
    let mut hosts = Table::new(["HOST", "LABELS", "RUNS", "INSTANCES"]);
    for host in inventories {
        let custom = host
            .labels()
            .iter()
            .filter(|(key, _)| !key.starts_with("hostcore."));
        let labels = custom
            .map(|(key, value)| format!("{key}={value}"))
            .collect::<Vec<_>>();
        let mut runs = Vec::new();
        for component in host.components() {
            runs.push((component.id().to_owned(), component.max_instances().to_string()));
        }
        for provider in host.providers() {
            runs.push((provider.id().to_owned(), "provider".to_owned()));
        }
        runs.sort();
        if runs.is_empty() {
            runs.push(("nothing".to_owned(), String::new()));
        }
        for (id, instances) in runs {
            hosts.row([host.friendly_name().to_owned(), labels.join(" "), id, instances]);
        }
    }
    let mut text = hosts.paragraph();
    let mut table = Table::new(["LINK", "TO", "INTERFACES", "NAME"]);
    for link in links {
        let names = interfaces(link).join(" ");
        let (source, target) = (link.source_id().to_owned(), link.target().to_owned());
        table.row([source, target, names, link.name().to_owned()]);
    }
    text += &table.paragraph();
    let mut table = Table::new(["APPLICATION", "VERSION", "STATUS", "MESSAGE"]);
    for application in applications {
        let value = |key: &str| match application.get(key) {
            Some(Value::String(text)) => text.clone(),
            _ => String::new(),
        };
        table.row([
            value("name"),
            value("deployed"),
            value("status"),
            value("message"),
        ]);
    }
    text + &table.paragraph()
}
