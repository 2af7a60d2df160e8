//! The tables of a report.

use std::collections::BTreeSet;
use std::fmt::{self, Display};

use super::Report;
use super::row::{Row, workloads};

/// The place of a figure that there is not.
const NONE: &str = "-";

impl Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for workload in workloads(&self.rows) {
            let rows: Vec<_> = self.rows.iter().filter(|row| row.workload == workload).collect();
            let connections = rows.first().map_or(0, |row| row.connections);
            writeln!(f, "\n{workload}, {connections} connections")?;
            self.write_table(f, &rows)?;
        }
        if !self.starts.is_empty() {
            writeln!(f, "\nstarts")?;
            let mut lines = vec![
                ["contender", "first answer ms", "MiB at rest"]
                    .map(str::to_owned)
                    .to_vec(),
            ];
            lines.extend(self.starts.iter().map(|start| {
                let millis = start.cold_start.as_millis().to_string();
                vec![start.contender.to_owned(), millis, start.memory.to_string()]
            }));
            write_lines(f, &lines)?;
            for start in &self.starts {
                writeln!(f, "{}: {}", start.contender, start.about)?;
            }
        }
        for (name, reason) in &self.skipped {
            writeln!(f, "skipped {name}: {reason}")?;
        }
        for (name, reason) in &self.failed {
            writeln!(f, "FAILED {name}: {reason}")?;
        }
        Ok(())
    }
}

impl Report {
    fn write_table(&self, f: &mut fmt::Formatter<'_>, rows: &[&Row]) -> fmt::Result {
        let base = rows
            .iter()
            .find(|row| Some(row.contender) == self.base.as_deref())
            .or(rows.first());
        let base = base.map_or(f64::NAN, |row| row.rps);
        let servers: BTreeSet<_> = rows
            .iter()
            .flat_map(|row| row.server_cpu_us_per_request.keys())
            .collect();
        let mut header = [
            "contender",
            "req/s",
            "ratio",
            "p50 ms",
            "p99 ms",
            "p99.9",
            "p99 half",
            "errors",
            "cpu us shop",
        ]
        .map(str::to_owned)
        .to_vec();
        header.extend(servers.iter().map(|name| (**name).to_owned()));
        header.extend(["generator", "to mongod", "to NATS", "peak MiB", "events s"].map(str::to_owned));
        let mut lines = vec![header];
        for row in rows {
            let mut line = vec![row.contender.to_owned()];
            line.extend([
                format!("{:.0}", row.rps),
                format!("{:.2}", row.rps / base),
                milliseconds(row.p50_ms),
                milliseconds(row.p99_ms),
                milliseconds(row.p999_ms),
                row.p99_at_half_load_ms
                    .map_or_else(|| NONE.to_owned(), milliseconds),
                row.errors.to_string(),
                format!("{:.0}", row.cpu_us_per_request),
            ]);
            line.extend(servers.iter().map(|name| {
                let micros = row.server_cpu_us_per_request.get(**name);
                micros.map_or_else(|| NONE.to_owned(), |micros| format!("{micros:.0}"))
            }));
            line.extend([
                format!("{:.0}", row.generator_cpu_us_per_request),
                short(row.store_requests_per_request),
                short(row.nats_messages_per_request),
                row.rss_mib.to_string(),
                short(row.events_seconds),
            ]);
            lines.push(line);
        }
        write_lines(f, &lines)
    }
}

fn milliseconds(value: f64) -> String {
    let digits = if value < 10.0 { 2 } else { 0 };
    format!("{value:.digits$}")
}

fn short(value: Option<f64>) -> String {
    value.map_or_else(|| NONE.to_owned(), |value| format!("{value:.1}"))
}

/// Writes lines with equal columns: the first one to the left, the others to the right.
fn write_lines(f: &mut fmt::Formatter<'_>, lines: &[Vec<String>]) -> fmt::Result {
    let columns = lines.first().map_or(0, Vec::len);
    let width = |column: usize| {
        lines
            .iter()
            .filter_map(|line| line.get(column))
            .map(String::len)
            .max()
    };
    let widths: Vec<_> = (0..columns).map(|column| width(column).unwrap_or(0)).collect();
    for line in lines {
        for (index, (cell, width)) in line.iter().zip(&widths).enumerate() {
            match index {
                0 => write!(f, "{cell:<width$}")?,
                _ => write!(f, "  {cell:>width$}")?,
            }
        }
        writeln!(f)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn a_table_compares_each_contender_with_the_base() {
        let row = |contender, rps| Row {
            workload: "list-20",
            contender,
            rps,
            ..Row::default()
        };
        let on_servers = Row {
            server_cpu_us_per_request: BTreeMap::from([("mongod", 700.4)]),
            ..row("node", 1_000.0)
        };
        let report = Report {
            rows: vec![row("embedded", 12_345.6), on_servers],
            base: Some("node".to_owned()),
            skipped: vec![("spin", "no reason".to_owned())],
            ..Report::default()
        };
        let text = report.to_string();
        let lines: Vec<Vec<_>> = text
            .lines()
            .map(|line| line.split_whitespace().collect())
            .collect();
        assert!(lines[2].contains(&"mongod"));
        assert_eq!(lines[3][..3], ["embedded", "12346", "12.35"]);
        assert_eq!((lines[4][2], lines[4].contains(&"700")), ("1.00", true));
        assert!(text.contains("skipped spin: no reason"));
    }
}
