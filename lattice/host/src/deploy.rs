//! Manifests: into wadm, and until everything in them runs.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};
use tokio::time::{Instant, sleep};
use wadm::APP_SPEC_ANNOTATION;
use wadm_types::api::{Status, StatusType};
use wadm_types::{Manifest, Properties, TraitProperty, VERSION_ANNOTATION_KEY};
use wasmcloud_control_interface::Client as Hosts;

use crate::cli::{Deploy, Lattice};
use crate::images;
use crate::links;
use crate::status::inventories;

/// How long between two looks at what became of a manifest.
const LOOK: Duration = Duration::from_millis(500);

/// How long an application may take to end.
const END: Duration = Duration::from_secs(60);

/// Puts a manifest into wadm, deploys its version, and waits until wadm and the hosts say that everything in it runs.
///
/// # Errors
/// The manifest is wrong, its version is there with another content, or something in it does not run in time.
pub async fn deploy(lattice: &Lattice, options: &Deploy) -> Result<()> {
    let text = std::fs::read(&options.file)
        .with_context(|| format!("the manifest {} can't be read", options.file.display()))?;
    let mut manifest: Manifest = serde_yaml::from_slice(&text)
        .with_context(|| format!("{} is no manifest of wadm", options.file.display()))?;
    if let Some(version) = &options.version {
        manifest
            .metadata
            .annotations
            .insert(VERSION_ANNOTATION_KEY.to_owned(), version.clone());
    }
    if let Some(folder) = &options.images {
        images::from_folder(&mut manifest, folder)?;
    }

    let wadm = lattice.wadm().await?;
    let (name, version) = (manifest.metadata.name.as_str(), manifest.version());
    match wadm.get_manifest(name, Some(version)).await {
        Ok(known) if known == manifest => {}
        Ok(_) => bail!(
            "version {version} of `{name}` is there already, with another content: raise the annotation `version` in the \
             manifest, or give --version"
        ),
        Err(wadm_client::error::ClientError::NotFound(_)) => {
            wadm.put_manifest(&manifest)
                .await
                .map_err(|error| anyhow!("wadm refuses the manifest: {error}"))?;
        }
        Err(error) => return Err(anyhow!("wadm does not answer: {error}")),
    }
    let hosts = lattice.hosts().await?;
    links::put(&hosts, &manifest).await?;
    wadm.deploy_manifest(name, Some(version))
        .await
        .map_err(|error| anyhow!("`{name}` can't be deployed: {error}"))?;

    let end = Instant::now() + Duration::from_secs(options.timeout);
    loop {
        let status = wadm.get_manifest_status(name).await;
        // Until wadm looked at a new version, it tells the state of the one before: the hosts know better.
        let missing = match missing(&hosts, &manifest).await {
            Ok(missing) => missing,
            // A host that compiles components may be late with its answer.
            Err(error) => vec![error.to_string()],
        };
        let deployed = status
            .as_ref()
            .is_ok_and(|status| status.info.status_type == StatusType::Deployed);
        if deployed && missing.is_empty() {
            println!("{name} {version} is deployed");
            return Ok(());
        }
        if Instant::now() > end {
            let wadm = status.map_or_else(|error| error.to_string(), |status| reasons(&status));
            let time = options.timeout;
            let missing = missing.join(", ");
            bail!(
                "`{name}` does not run after {time} s. wadm says: {wadm}. Not where it should be: {missing}. The logs of the \
                 hosts may tell why"
            );
        }
        sleep(LOOK).await;
    }
}

/// Ends an application, forgets its manifest, and waits until nothing of it runs.
///
/// # Errors
/// There is no such application, or it does not end.
pub async fn undeploy(lattice: &Lattice, name: &str) -> Result<()> {
    let wadm = lattice.wadm().await?;
    let known = wadm
        .delete_manifest(name, None)
        .await
        .map_err(|error| anyhow!("`{name}` can't be ended: {error}"))?;
    if !known {
        bail!("there is no application `{name}`");
    }
    let hosts = lattice.hosts().await?;
    let end = Instant::now() + END;
    loop {
        let left = running(&hosts, name).await?;
        if left.is_empty() {
            println!("{name} is ended");
            return Ok(());
        }
        if Instant::now() > end {
            let left = left
                .into_iter()
                .map(|part| part.id)
                .collect::<Vec<_>>()
                .join(", ");
            bail!("`{name}` is forgotten, but still running: {left}");
        }
        sleep(LOOK).await;
    }
}

/// Which components and providers do not run as often as the manifest says, from its images.
async fn missing(hosts: &Hosts, manifest: &Manifest) -> Result<Vec<String>> {
    let running = running(hosts, &manifest.metadata.name).await?;
    let mut missing = Vec::new();
    for component in &manifest.spec.components {
        let image = match &component.properties {
            Properties::Component { properties } => &properties.image,
            Properties::Capability { properties } => &properties.image,
        };
        let id = links::id(manifest, &component.name).unwrap_or_default();
        let image = location(image.as_deref().unwrap_or_default());
        let scale = |property: &TraitProperty| match property {
            TraitProperty::SpreadScaler(spread) => Some(spread.instances),
            _ => None,
        };
        let mut properties = component.traits.iter().flatten().map(|item| &item.properties);
        let wanted = properties.find_map(scale).unwrap_or(1);
        let found = running
            .iter()
            .filter(|part| part.id == id && location(&part.image) == image)
            .map(|part| part.instances)
            .sum::<usize>();
        if found != wanted {
            missing.push(format!("{} ({found} of {wanted})", component.name));
        }
    }
    Ok(missing)
}

/// What a host runs for an application.
struct Running {
    id: String,
    image: String,
    instances: usize,
}

async fn running(hosts: &Hosts, application: &str) -> Result<Vec<Running>> {
    let mut running = Vec::new();
    for host in inventories(hosts).await? {
        for component in host.components() {
            if belongs(component.annotations(), application) {
                running.push(Running {
                    id: component.id().to_owned(),
                    image: component.image_ref().to_owned(),
                    instances: usize::try_from(component.max_instances())?,
                });
            }
        }
        for provider in host.providers() {
            if belongs(provider.annotations(), application) {
                running.push(Running {
                    id: provider.id().to_owned(),
                    image: provider.image_ref().unwrap_or_default().to_owned(),
                    instances: 1,
                });
            }
        }
    }
    Ok(running)
}

fn belongs(annotations: Option<&BTreeMap<String, String>>, application: &str) -> bool {
    annotations
        .and_then(|annotations| annotations.get(APP_SPEC_ANNOTATION))
        .is_some_and(|name| name == application)
}

/// An image without its scheme, which hosts leave out for providers.
fn location(image: &str) -> &str {
    image.split_once("://").map_or(image, |(_, rest)| rest)
}

fn reasons(status: &Status) -> String {
    let mut reasons = status
        .scalers
        .iter()
        .filter(|scaler| scaler.info.status_type != StatusType::Deployed)
        .map(|scaler| {
            format!(
                "{} {:?} {}",
                scaler.name, scaler.info.status_type, scaler.info.message
            )
        })
        .collect::<Vec<_>>();
    if reasons.is_empty() {
        reasons.push(format!("{:?} {}", status.info.status_type, status.info.message));
    }
    reasons.join("; ")
}
