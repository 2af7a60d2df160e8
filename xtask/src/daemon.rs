//! Programs that run beside xtask and end with it, even if xtask is killed.

use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, OnceLock};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow};
use rustix::process::{Pid, Signal, WaitOptions, kill_process, kill_process_group, waitpid};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

use mercato_wasm_toolchain::process::shown;

/// The time in which a program must end after SIGTERM, unless the caller of [`Daemon::stop`] gives another.
const STOP_LIMIT: Duration = Duration::from_secs(20);

/// Waits until its standard input is closed, which happens when xtask ends in any way. Then stops process $1
/// and the processes that it started, and removes folder $2.
const GUARD: &str = r#"
read -r _
kill -s TERM "$1" 2>/dev/null
tenths=0
while kill -0 "$1" 2>/dev/null && [ $tenths -lt 200 ]; do
    tenths=$((tenths + 1))
    sleep 0.1
done
kill -s KILL -- "-$1" 2>/dev/null
[ -z "$2" ] || rm -rf "$2"
"#;

/// The programs to stop when xtask receives a signal.
static RUNNING: Mutex<Vec<Pid>> = Mutex::new(Vec::new());
/// Whether the task itself stops its programs, in an order of its own.
static IN_ORDER: AtomicBool = AtomicBool::new(false);
/// Whether a signal has asked the task to stop.
static STOPPING: AtomicBool = AtomicBool::new(false);

/// Leaves the reaction to the first signal to the caller: the signal only makes [`is_stopping`] true.
pub fn stop_in_order() {
    IN_ORDER.store(true, Ordering::SeqCst);
}

/// Checks whether a signal has asked xtask to stop, after [`stop_in_order`].
pub fn is_stopping() -> bool {
    STOPPING.load(Ordering::SeqCst)
}

/// A running program. It is stopped when dropped.
#[derive(Debug)]
pub struct Daemon {
    child: Child,
    guard: Child,
    pid: Pid,
}

impl Daemon {
    /// Starts a program in a process group of its own, which the terminal sends no signals. `folder` is
    /// removed if xtask ends before the program.
    ///
    /// # Errors
    /// The program can't be started.
    pub fn spawn(command: &mut Command, folder: Option<&Path>) -> Result<Self> {
        handle_signals()?;
        let line = shown(command);
        let mut child = command
            .stdin(Stdio::null())
            .process_group(0)
            .spawn()
            .with_context(|| format!("can't start `{line}`"))?;
        let guarded = Pid::from_raw(i32::try_from(child.id())?)
            .context("the process has no id")
            .and_then(|pid| Ok((pid, guard(pid, folder)?)));
        match guarded {
            Ok((pid, guard)) => {
                running()?.push(pid);
                Ok(Self { child, guard, pid })
            }
            Err(error) => {
                child.kill()?;
                child.wait()?;
                Err(error)
            }
        }
    }

    /// Returns the process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Takes the standard output, if the command pipes it.
    pub fn stdout(&mut self) -> Option<ChildStdout> {
        self.child.stdout.take()
    }

    /// Returns the exit status, if the program has ended.
    ///
    /// # Errors
    /// The state of the process can't be read.
    pub fn ended(&mut self) -> Result<Option<ExitStatus>> {
        Ok(self.child.try_wait()?)
    }

    /// Sends SIGTERM, waits until the program ends, and kills the processes that it started. Returns `None`
    /// if the program did not end within the limit and was killed.
    ///
    /// # Errors
    /// The process can't be signalled.
    pub fn stop(&mut self, limit: Duration) -> Result<Option<ExitStatus>> {
        if self.ended()?.is_none() {
            kill_process(self.pid, Signal::TERM)?;
        }
        let started = Instant::now();
        let status = loop {
            let status = self.ended()?;
            if status.is_some() || started.elapsed() > limit {
                break status;
            }
            std::thread::sleep(Duration::from_millis(20));
        };
        // Fails if no process of the group is left.
        let _ = kill_process_group(self.pid, Signal::KILL);
        self.child.wait()?;
        Ok(status)
    }

    /// Kills the program, but not the processes that it started.
    ///
    /// # Errors
    /// The process can't be killed.
    pub fn kill(&mut self) -> Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // Fails if the program has already ended.
        let _ = self.stop(STOP_LIMIT);
        if let Ok(mut running) = running() {
            running.retain(|other| *other != self.pid);
        }
        let _ = self.guard.kill();
        let _ = self.guard.wait();
    }
}

fn guard(pid: Pid, folder: Option<&Path>) -> Result<Child> {
    let mut guard = Command::new("sh");
    guard.args(["-c", GUARD, "guard", &pid.as_raw_nonzero().to_string()]);
    guard
        .args(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .process_group(0)
        .spawn()
        .context("can't start `sh`")
}

fn running() -> Result<std::sync::MutexGuard<'static, Vec<Pid>>> {
    RUNNING
        .lock()
        .map_err(|_| anyhow!("the list of running programs is poisoned"))
}

/// Makes a signal that stops xtask stop the running programs first.
fn handle_signals() -> Result<()> {
    static LISTENING: OnceLock<()> = OnceLock::new();
    if LISTENING.set(()).is_err() {
        return Ok(());
    }
    let mut signals = signal_hook::iterator::Signals::new([SIGHUP, SIGINT, SIGTERM])?;
    std::thread::spawn(move || {
        for signal in signals.forever() {
            // The second signal does not wait for the task.
            if !IN_ORDER.load(Ordering::SeqCst) || STOPPING.swap(true, Ordering::SeqCst) {
                stop_all();
                // The guards remove the folders.
                std::process::exit(128 + signal);
            }
        }
    });
    Ok(())
}

fn stop_all() {
    let pids: Vec<Pid> = RUNNING
        .lock()
        .iter()
        .flat_map(|list| list.iter().copied())
        .collect();
    for pid in &pids {
        // Fails if the program has already ended.
        let _ = kill_process(*pid, Signal::TERM);
    }
    let started = Instant::now();
    for pid in pids {
        while matches!(waitpid(Some(pid), WaitOptions::NOHANG), Ok(None)) {
            if started.elapsed() > STOP_LIMIT {
                let _ = kill_process(pid, Signal::KILL);
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        // Fails if no process of the group is left.
        let _ = kill_process_group(pid, Signal::KILL);
    }
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead as _, BufReader, Read as _};

    use super::*;

    /// Starts a program that starts another one. Returns the id of the other one, and the output, which ends
    /// with the last of them.
    fn program_with_child(folder: Option<&Path>) -> (Daemon, Pid, BufReader<ChildStdout>) {
        let mut command = Command::new("sh");
        command
            .args(["-c", "(sleep 20; echo late) & echo $!; wait"])
            .stdout(Stdio::piped());
        let mut daemon = Daemon::spawn(&mut command, folder).unwrap();
        let mut output = BufReader::new(daemon.stdout().unwrap());
        let mut line = String::new();
        output.read_line(&mut line).unwrap();
        let other = Pid::from_raw(line.trim().parse().unwrap()).unwrap();
        (daemon, other, output)
    }

    #[test]
    fn stops_a_program_and_its_children_when_xtask_ends() {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        std::fs::create_dir(&data).unwrap();
        let (mut daemon, _, mut output) = program_with_child(Some(&data));
        assert_eq!(daemon.ended().unwrap(), None);
        // The system does the same when xtask ends.
        drop(daemon.guard.stdin.take());
        assert!(!daemon.child.wait().unwrap().success());
        assert!(daemon.guard.wait().unwrap().success());
        assert!(!data.exists());
        assert_eq!(output.read(&mut [0]).unwrap(), 0);
    }

    #[test]
    fn kills_a_program_that_ignores_sigterm() {
        let mut command = Command::new("sh");
        command
            .args(["-c", "trap '' TERM; echo; exec sleep 600"])
            .stdout(Stdio::piped());
        let mut daemon = Daemon::spawn(&mut command, None).unwrap();
        let mut line = [0; 1];
        daemon.stdout().unwrap().read_exact(&mut line).unwrap();
        assert_eq!(daemon.stop(Duration::from_millis(100)).unwrap(), None);
        assert!(daemon.ended().unwrap().is_some());
    }

    #[test]
    fn stop_kills_the_children_of_a_killed_program() {
        let (mut daemon, other, mut output) = program_with_child(None);
        daemon.kill().unwrap();
        kill_process(other, Signal::CONT).unwrap();
        daemon.stop(Duration::ZERO).unwrap();
        assert_eq!(output.read(&mut [0]).unwrap(), 0);
    }

    #[test]
    fn stops_a_program_that_is_dropped() {
        let daemon = Daemon::spawn(Command::new("sleep").arg("600"), None).unwrap();
        let pid = daemon.pid;
        drop(daemon);
        assert!(kill_process(pid, Signal::TERM).is_err());
        assert!(!running().unwrap().contains(&pid));
    }
}
