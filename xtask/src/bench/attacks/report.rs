//! The report: a table for each kind of measurement.

use serde::Serialize;

/// The figures of one attack.
#[derive(Debug, Serialize)]
pub struct AttackRow {
    /// The attack.
    pub attack: String,
    /// Latencies of the honest client in milliseconds: before, and during the attack.
    pub quiet_p50: f64,
    pub quiet_p99: f64,
    pub p50: f64,
    pub p99: f64,
    /// The requests of the honest client that were not answered well.
    pub refused: usize,
    /// The requests of attackers that got status 200, and those that did not, a second.
    pub granted: f64,
    pub denied: f64,
    /// Seconds until the median was as before. None after 20 seconds.
    pub recovery: Option<f64>,
    /// The resident memory in MiB: before, the peak, and ten seconds after.
    pub memory_before: u64,
    pub memory_peak: u64,
    pub memory_after: u64,
}

/// The figures of one offered load.
#[derive(Debug, Serialize)]
pub struct LoadRow {
    /// The request.
    pub request: &'static str,
    /// The offered load, as a multiple of what is served without overload.
    pub factor: u32,
    /// The connections, or the requests a second, that were offered.
    pub offered: String,
    /// The good answers a second.
    pub good: f64,
    /// Good answers as percent of the peak.
    pub percent: f64,
    /// The other answers a second.
    pub refused: f64,
    /// The median latency of all answers, in milliseconds.
    pub p50: f64,
}

/// The time until an honest client is served as before, after ten times the load.
#[derive(Debug, Serialize)]
pub struct RecoveryRow {
    /// The request of the load.
    pub request: &'static str,
    /// Seconds. None after 20 seconds.
    pub seconds: Option<f64>,
}

/// All figures.
#[derive(Debug, Default, Serialize)]
pub struct Report {
    pub machine: String,
    pub attacks: Vec<AttackRow>,
    pub overload: Vec<LoadRow>,
    pub recovery: Vec<RecoveryRow>,
}

impl Report {
    /// Writes the tables as Markdown.
    pub fn tables(&self) -> String {
        let mut text = format!("{}\n", self.machine);
        if !self.attacks.is_empty() {
            text += "\n| attack | list p50 ms, quiet | during | × | list p99 ms, quiet | during | refused | 200 to attackers/s \
                | others/s | recovery s | MiB before | peak | 10 s after |\n|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|\n";
        }
        for row in &self.attacks {
            text += &format!(
                "| {} | {:.2} | {:.2} | {:.1} | {:.2} | {:.2} | {} | {:.0} | {:.0} | {} | {} | {} | {} |\n",
                row.attack,
                row.quiet_p50,
                row.p50,
                row.p50 / row.quiet_p50,
                row.quiet_p99,
                row.p99,
                row.refused,
                row.granted,
                row.denied,
                seconds(row.recovery),
                row.memory_before,
                row.memory_peak,
                row.memory_after,
            );
        }
        if !self.overload.is_empty() {
            text += "\n| request | load | offered | good/s | % of peak | refused/s | p50 ms |\n|---|--:|--:|--:|--:|--:|--:|\n";
        }
        for row in &self.overload {
            text += &format!(
                "| {} | {} × | {} | {:.0} | {:.0} | {:.0} | {:.1} |\n",
                row.request, row.factor, row.offered, row.good, row.percent, row.refused, row.p50
            );
        }
        for row in &self.recovery {
            text += &format!("\nRecovery after {}: {} s\n", row.request, seconds(row.seconds));
        }
        text
    }
}

fn seconds(time: Option<f64>) -> String {
    time.map_or_else(|| "more than 20".to_owned(), |time| format!("{time:.1}"))
}
