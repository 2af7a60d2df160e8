//! The report of a run: tables, a file for programs, and a chart.

mod chart;
mod row;
mod table;

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

pub use self::row::{Row, StartRow};

/// The report of a run.
#[derive(Default)]
pub struct Report {
    /// What was measured, in the order of the measurements.
    pub rows: Vec<Row>,
    /// The starts of the contenders.
    pub starts: Vec<StartRow>,
    /// The names of contenders that can't run here, and the reasons.
    pub skipped: Vec<(&'static str, String)>,
    /// What failed, and why.
    pub failed: Vec<(String, String)>,
    /// The contender that the others are compared with. By default, it is the first one of each table.
    pub base: Option<String>,
}

impl Report {
    /// Writes `report.json` and `report.svg` into a folder.
    ///
    /// # Errors
    /// A file can't be written.
    pub fn write(&self, folder: &Path) -> Result<()> {
        fs::create_dir_all(folder)?;
        let file = folder.join("report.json");
        fs::write(&file, serde_json::to_vec_pretty(&self.rows)?)
            .with_context(|| format!("can't write {}", file.display()))?;
        if !self.rows.is_empty() {
            chart::draw(&self.rows, &folder.join("report.svg"))?;
        }
        Ok(())
    }
}
