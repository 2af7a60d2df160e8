//! Provider archives: what hosts load providers from.

use std::env::consts::{ARCH, OS};

use anyhow::{Context, Result, anyhow};
use provider_archive::ProviderArchive;
use wascap::prelude::KeyPair;

use crate::cli::Archive;

/// Puts an executable into an archive that is signed with keys made for it.
///
/// # Errors
/// The executable can't be read, or the archive can't be written.
pub async fn run(options: &Archive) -> Result<()> {
    let binary = std::fs::read(&options.binary)
        .with_context(|| format!("the executable {} can't be read", options.binary.display()))?;
    let version = env!("CARGO_PKG_VERSION").to_owned();
    let mut archive = ProviderArchive::new(&options.name, "mercato", None, Some(version));
    let failed = |error: Box<dyn std::error::Error + Send + Sync>| {
        anyhow!("the archive {} can't be made: {error}", options.out.display())
    };
    archive
        .add_library(&format!("{ARCH}-{OS}"), &binary)
        .map_err(failed)?;
    // A host looks at the signature only to tell archives apart; who may publish is the business of a policy.
    let (issuer, subject) = (KeyPair::new_account(), KeyPair::new_service());
    archive
        .write(&options.out, &issuer, &subject, false)
        .await
        .map_err(failed)?;
    println!("{}", options.out.display());
    Ok(())
}
