//! `cargo xtask spin`: the shop under Spin.

mod build;
mod check;
mod up;

use anyhow::Result;

pub use self::build::{build, consumer, manifest};
pub use self::check::check;
pub use self::up::available;
use crate::project::Project;

/// Run the shop under Spin
#[derive(Debug, clap::Subcommand)]
pub enum Spin {
    Up(up::Up),
    /// Compose the components that spin.toml names, as `spin build` does
    Build,
    /// Compose the components, and check them against Spin's interfaces and limits
    ///
    /// Prints the size of each component and what one instance of it takes. Spin need not be installed.
    Check,
}

impl Spin {
    /// Runs the task.
    ///
    /// # Errors
    /// A component can't be built or does not fit Spin, or Spin is not installed or does not start.
    pub fn run(self, project: &Project) -> Result<()> {
        match self {
            Self::Up(up) => up.run(project)?,
            Self::Build => {
                for file in build(project)? {
                    println!("{}", file.display());
                }
            }
            Self::Check => {
                for line in check(&build(project)?)? {
                    println!("{line}");
                }
            }
        }
        Ok(())
    }
}
