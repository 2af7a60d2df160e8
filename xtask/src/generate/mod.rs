//! `cargo xtask generate`: the files that are made from the services and their settings.

mod capabilities;
mod documents;
mod spin;
mod table;
#[cfg(test)]
mod threats;
mod wadm;

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result, bail};

use self::documents::Files;
use crate::project::Project;
use crate::services::Services;
use crate::settings::Settings;
use mercato_wasm_toolchain::process::progress;

/// Write the generated files
///
/// These are wadm.yaml, wadm-composed.yaml, spin.toml, the tables in docs/configuration.md and docs/security.md, and
/// the documents in docs/api.
#[derive(Debug, clap::Args)]
pub struct Generate {
    /// Write nothing, and fail if a file is not current
    #[arg(long)]
    check: bool,
}

impl Generate {
    /// Writes or checks the files.
    ///
    /// # Errors
    /// A source can't be read, a file can't be written, or a checked file is not current.
    pub fn run(self, project: &Project) -> Result<()> {
        let services = Services::read(project)?;
        let settings = Settings::read(project)?;
        let mut files = Files::from([
            ("wadm.yaml".into(), wadm::separate(&services, &settings)?),
            ("wadm-composed.yaml".into(), wadm::composed(&services, &settings)?),
            ("spin.toml".into(), spin::manifest(&services, &settings)),
            (table::FILE.into(), table::insert(project, &settings)?),
            (
                capabilities::FILE.into(),
                capabilities::insert(project, &services, &settings)?,
            ),
        ]);
        files.extend(documents::all(project)?);

        let is_stale = |(path, text): &(&PathBuf, &String)| {
            fs::read_to_string(project.root.join(path)).ok().as_ref() != Some(*text)
        };
        let stale: Vec<_> = files.iter().filter(is_stale).collect();
        let outdated = documents::outdated(project, &files)?;
        let names = stale.iter().map(|(path, _)| *path).chain(&outdated);
        let names: Vec<_> = names.map(|path| path.display().to_string()).collect();
        if self.check && !names.is_empty() {
            bail!(
                "these files are not current: {}. Run `cargo xtask generate` and commit the result.",
                names.join(", ")
            );
        }
        for (path, text) in stale {
            let file = project.root.join(path);
            let folder = file.parent().unwrap_or(&project.root);
            fs::create_dir_all(folder)
                .and_then(|()| fs::write(&file, text))
                .with_context(|| format!("can't write {}", file.display()))?;
            progress(format_args!("wrote {}", path.display()));
        }
        for path in outdated {
            fs::remove_file(project.root.join(&path))?;
            progress(format_args!("removed {}", path.display()));
        }
        Ok(())
    }
}
