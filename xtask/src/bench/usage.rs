//! The processor time and memory of a process, from `/proc`.

use std::fs;
use std::time::Duration;

use anyhow::{Context, Result};

/// Returns the processor time that a process has used.
///
/// # Errors
/// The process does not exist.
pub fn cpu_time(id: u32) -> Result<Duration> {
    let stat = fs::read_to_string(format!("/proc/{id}/stat"))?;
    let ticks = cpu_ticks(&stat).context("/proc shows no processor time")?;
    Ok(Duration::from_secs_f64(
        ticks as f64 / rustix::param::clock_ticks_per_second() as f64,
    ))
}

/// Returns the peak memory of a process, in MiB.
///
/// # Errors
/// The process does not exist.
pub fn peak_memory(id: u32) -> Result<u64> {
    mebibytes(id, "VmHWM")
}

/// Makes the peak memory of a process its memory of now.
///
/// # Errors
/// The process does not exist, or belongs to another user.
pub fn reset_peak(id: u32) -> Result<()> {
    Ok(fs::write(format!("/proc/{id}/clear_refs"), "5")?)
}

/// Returns the resident memory of a process, in MiB.
///
/// # Errors
/// The process does not exist.
pub fn memory(id: u32) -> Result<u64> {
    mebibytes(id, "VmRSS")
}

fn mebibytes(id: u32, name: &str) -> Result<u64> {
    let status = fs::read_to_string(format!("/proc/{id}/status"))?;
    Ok(kibibytes(&status, name).context("/proc shows no memory")? / 1024)
}

/// Returns the children of a process.
///
/// # Errors
/// `/proc` can't be read.
pub fn children(id: u32) -> Result<Vec<u32>> {
    let mut children = Vec::new();
    for entry in fs::read_dir("/proc")? {
        let name = entry?.file_name();
        let Some(process) = name.to_str().and_then(|name| name.parse().ok()) else {
            continue;
        };
        // A process may have ended since the folder was read.
        let stat = fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
        if parent(&stat) == Some(id) {
            children.push(process);
        }
    }
    Ok(children)
}

/// Describes the processor and memory of the machine in one line.
pub fn machine() -> String {
    let cpus = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpus
        .lines()
        .find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    let memory = fs::read_to_string("/proc/meminfo")
        .ok()
        .and_then(|text| kibibytes(&text, "MemTotal"));
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    format!(
        "{cores} cores ({}), {} GiB of memory",
        model.map_or("unknown processor", |(_, name)| name),
        memory.map_or(0, |kibibytes| kibibytes.div_ceil(1024 * 1024))
    )
}

/// Parses user and system time from `/proc/<id>/stat` (see proc_pid_stat(5)). The second field, the program's
/// name, may hold spaces.
fn cpu_ticks(stat: &str) -> Option<u64> {
    let (_, fields) = stat.rsplit_once(") ")?;
    let mut fields = fields.split(' ').skip(11);
    Some(fields.next()?.parse::<u64>().ok()? + fields.next()?.parse::<u64>().ok()?)
}

/// Parses the parent: the second field after the name.
fn parent(stat: &str) -> Option<u32> {
    let (_, fields) = stat.rsplit_once(") ")?;
    fields.split(' ').nth(1)?.parse().ok()
}

/// Parses the value of `name` from lines such as `VmHWM:   1234 kB`.
fn kibibytes(text: &str, name: &str) -> Option<u64> {
    let value = text
        .lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
    value.trim().strip_suffix(" kB")?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_processor_time_for_any_name_of_the_program() {
        let stat = "42 (a ) b) S 1 42 42 0 -1 4194304 100 0 0 0 250 50 7 9 20 0 5 0 1000 0 0\n";
        assert_eq!(cpu_ticks(stat), Some(300));
        assert_eq!(parent(stat), Some(1));
    }

    #[test]
    fn lists_the_children_of_a_process() {
        let mut child = std::process::Command::new("sleep").arg("10").spawn().unwrap();
        let children = children(std::process::id()).unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(children.contains(&child.id()));
    }

    #[test]
    fn reads_the_usage_of_this_process() {
        let memory = memory(std::process::id()).unwrap();
        assert!(memory > 0 && peak_memory(std::process::id()).unwrap() >= memory);
        assert!(cpu_time(std::process::id()).is_ok());
    }
}
