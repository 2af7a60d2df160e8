//! `deploy` and `undeploy`: deploys manifests by wadm, and waits for the result.

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

/// The interval of status requests.
const POLL_INTERVAL: Duration = Duration::from_millis(500);

/// How long an application may take to stop.
const STOP_TIMEOUT: Duration = Duration::from_secs(60);

/// Writes a manifest to wadm, deploys its version, and waits until all of its components and providers run.
///
/// # Errors
/// - The manifest is malformed, or its version exists with other content.
/// - wadm or a host does not answer.
/// - A component or provider does not run in time.
pub async fn deploy(lattice: &Lattice, options: &Deploy) -> Result<()> {
    let text = std::fs::read(&options.file)
        .with_context(|| format!("cannot read the manifest {}", options.file.display()))?;
    let mut manifest: Manifest = serde_yaml::from_slice(&text)
        .with_context(|| format!("{} is not a manifest of wadm", options.file.display()))?;
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
        Ok(existing) if existing == manifest => {}
        Ok(_) => bail!(
            "version {version} of `{name}` exists with other content: raise the annotation `version` \
             in the manifest, or pass --version"
        ),
        Err(wadm_client::error::ClientError::NotFound(_)) => {
            wadm.put_manifest(&manifest)
                .await
                .map_err(|error| anyhow!("wadm rejects the manifest: {error}"))?;
        }
        Err(error) => return Err(anyhow!("wadm does not answer: {error}")),
    }
    let hosts = lattice.hosts().await?;
    links::put(&hosts, &manifest).await?;
    wadm.deploy_manifest(name, Some(version))
        .await
        .map_err(|error| anyhow!("cannot deploy `{name}`: {error}"))?;

    let deadline = Instant::now() + Duration::from_secs(options.timeout);
    loop {
        let status = wadm.get_manifest_status(name).await;
        // wadm reports the status of the previous version until it has processed the new one. So the hosts
        // are asked too.
        let missing = match missing(&hosts, &manifest).await {
            Ok(missing) => missing,
            // A host that compiles components may answer late.
            Err(error) => vec![error.to_string()],
        };
        let deployed = status
            .as_ref()
            .is_ok_and(|status| status.info.status_type == StatusType::Deployed);
        if deployed && missing.is_empty() {
            println!("deployed {name} {version}");
            return Ok(());
        }
        if Instant::now() > deadline {
            let wadm = status.map_or_else(|error| error.to_string(), |status| reasons(&status));
            let time = options.timeout;
            let missing = missing.join(", ");
            bail!(
                "`{name}` does not run after {time} s. Status in wadm: {wadm}. Missing: {missing}. \
                 Look for the reason in the logs of the hosts"
            );
        }
        sleep(POLL_INTERVAL).await;
    }
}

/// Deletes the manifest of an application, and waits until it has stopped.
///
/// # Errors
/// If the application does not exist, or does not stop in time.
pub async fn undeploy(lattice: &Lattice, name: &str) -> Result<()> {
    let wadm = lattice.wadm().await?;
    let existed = wadm
        .delete_manifest(name, None)
        .await
        .map_err(|error| anyhow!("cannot undeploy `{name}`: {error}"))?;
    if !existed {
        bail!("the application `{name}` does not exist");
    }
    let hosts = lattice.hosts().await?;
    let deadline = Instant::now() + STOP_TIMEOUT;
    loop {
        let running = running(&hosts, name).await?;
        if running.is_empty() {
            println!("undeployed {name}");
            return Ok(());
        }
        if Instant::now() > deadline {
            let ids = running
                .into_iter()
                .map(|item| item.id)
                .collect::<Vec<_>>()
                .join(", ");
            bail!("the manifest of `{name}` is deleted, but these still run: {ids}");
        }
        sleep(POLL_INTERVAL).await;
    }
}

/// Returns the components and providers that do not run with the image and the number of instances of the
/// manifest.
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
        let expected = properties.find_map(scale).unwrap_or(1);
        let found = running
            .iter()
            .filter(|item| item.id == id && location(&item.image) == image)
            .map(|item| item.instances)
            .sum::<usize>();
        if found != expected {
            missing.push(format!("{} ({found} of {expected})", component.name));
        }
    }
    Ok(missing)
}

/// A component or provider of an application on a host.
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

/// Returns an image without its scheme, which hosts omit for providers.
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
