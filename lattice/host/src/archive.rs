//! `archive`: creates provider archives, from which hosts load providers.

use std::env::consts::{ARCH, OS};

use anyhow::{Context, Result, anyhow};
use provider_archive::ProviderArchive;
use wascap::prelude::KeyPair;

use crate::cli::Archive;

/// Creates an archive of an executable, signed with new keys.
///
/// # Errors
/// If the executable cannot be read, or if the archive cannot be written.
pub async fn run(options: &Archive) -> Result<()> {
    let binary = std::fs::read(&options.binary)
        .with_context(|| format!("cannot read the executable {}", options.binary.display()))?;
    let version = env!("CARGO_PKG_VERSION").to_owned();
    let mut archive = ProviderArchive::new(&options.name, "mercato", None, Some(version));
    let failed = |error: Box<dyn std::error::Error + Send + Sync>| {
        anyhow!("cannot create the archive {}: {error}", options.out.display())
    };
    archive
        .add_library(&format!("{ARCH}-{OS}"), &binary)
        .map_err(failed)?;
    // Hosts use the signature only to distinguish archives. A policy, not the signature, decides which
    // archives may run.
    let (issuer, subject) = (KeyPair::new_account(), KeyPair::new_service());
    archive
        .write(&options.out, &issuer, &subject, false)
        .await
        .map_err(failed)?;
    println!("{}", options.out.display());
    Ok(())
}
