//! Programs that run beside xtask and never outlive it, however it ends.

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

/// How long a program may take to end when it is told to, unless its starter knows better.
const STOP_LIMIT: Duration = Duration::from_secs(20);

/// Ends process $1 with what it started, and removes folder $2 when its own input ends, which it does with xtask: even a killed one.
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

/// What is to be ended when xtask itself is told to stop.
static RUNNING: Mutex<Vec<Pid>> = Mutex::new(Vec::new());
/// Whether the task ends by itself what it started, in its own order.
static ORDERLY: AtomicBool = AtomicBool::new(false);
static STOPPED: AtomicBool = AtomicBool::new(false);

/// From now on, the first signal to stop does no more than to make [`stopped`] true: the caller ends what it started.
pub fn stop_orderly() {
    ORDERLY.store(true, Ordering::SeqCst);
}

/// Whether xtask was told to stop, after [`stop_orderly`].
pub fn stopped() -> bool {
    STOPPED.load(Ordering::SeqCst)
}

/// A running program; told to end, then killed, when it is dropped.
#[derive(Debug)]
pub struct Daemon {
    child: Child,
    guard: Child,
    pid: Pid,
}

impl Daemon {
    /// Starts a program, away from the terminal's signals. `folder` is removed if xtask ends without having ended
    /// the program.
    ///
    /// # Errors
    /// It can't be started.
    pub fn spawn(command: &mut Command, folder: Option<&Path>) -> Result<Self> {
        stop_with_xtask()?;
        let line = shown(command);
        let mut child = command
            .stdin(Stdio::null())
            .process_group(0)
            .spawn()
            .with_context(|| format!("`{line}` can't be started"))?;
        let guarded = Pid::from_raw(i32::try_from(child.id())?)
            .context("a process without an id")
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

    /// The id of its process.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// What it prints, if that was asked for; once.
    pub fn stdout(&mut self) -> Option<ChildStdout> {
        self.child.stdout.take()
    }

    /// How it ended, if it has.
    ///
    /// # Errors
    /// The system does not tell.
    pub fn ended(&mut self) -> Result<Option<ExitStatus>> {
        Ok(self.child.try_wait()?)
    }

    /// Tells it to end and waits for that; what it started ends then at the latest. `None` if it did not end within the
    /// limit, and was killed.
    ///
    /// # Errors
    /// The system does not let it be ended.
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
        // Fails where it left nobody behind.
        let _ = kill_process_group(self.pid, Signal::KILL);
        self.child.wait()?;
        Ok(status)
    }

    /// Ends it alone, at once, without a chance to save anything.
    ///
    /// # Errors
    /// The system does not let it be ended.
    pub fn kill(&mut self) -> Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // What fails here has ended already.
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
        .context("`sh` can't be started")
}

fn running() -> Result<std::sync::MutexGuard<'static, Vec<Pid>>> {
    RUNNING
        .lock()
        .map_err(|_| anyhow!("the list of running programs is broken"))
}

/// From now on, what stops xtask ends the running programs first.
fn stop_with_xtask() -> Result<()> {
    static LISTENING: OnceLock<()> = OnceLock::new();
    if LISTENING.set(()).is_err() {
        return Ok(());
    }
    let mut signals = signal_hook::iterator::Signals::new([SIGHUP, SIGINT, SIGTERM])?;
    std::thread::spawn(move || {
        for signal in signals.forever() {
            // Told again, it does not wait for order any more.
            if !ORDERLY.load(Ordering::SeqCst) || STOPPED.swap(true, Ordering::SeqCst) {
                end_all();
                // The guards remove the folders.
                std::process::exit(128 + signal);
            }
        }
    });
    Ok(())
}

fn end_all() {
    let pids: Vec<Pid> = RUNNING
        .lock()
        .iter()
        .flat_map(|list| list.iter().copied())
        .collect();
    for pid in &pids {
        // Fails where it has ended already.
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
        // Fails where it left nobody behind.
        let _ = kill_process_group(pid, Signal::KILL);
    }
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead as _, BufReader, Read as _};

    use super::*;

    /// A program that starts another, and the other's id; its output ends with the last of them.
    fn program_with_another(folder: Option<&Path>) -> (Daemon, Pid, BufReader<ChildStdout>) {
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
    fn a_program_what_it_started_and_its_folder_end_with_xtask() {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        std::fs::create_dir(&data).unwrap();
        let (mut daemon, _, mut output) = program_with_another(Some(&data));
        assert_eq!(daemon.ended().unwrap(), None);
        // As the system does when xtask ends in whatever way.
        drop(daemon.guard.stdin.take());
        assert!(!daemon.child.wait().unwrap().success());
        assert!(daemon.guard.wait().unwrap().success());
        assert!(!data.exists());
        assert_eq!(output.read(&mut [0]).unwrap(), 0);
    }

    #[test]
    fn a_program_that_does_not_end_is_killed() {
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
    fn what_a_killed_program_started_ends_with_the_next_stop() {
        let (mut daemon, other, mut output) = program_with_another(None);
        daemon.kill().unwrap();
        kill_process(other, Signal::CONT).unwrap();
        daemon.stop(Duration::ZERO).unwrap();
        assert_eq!(output.read(&mut [0]).unwrap(), 0);
    }

    #[test]
    fn a_dropped_program_has_ended() {
        let daemon = Daemon::spawn(Command::new("sleep").arg("600"), None).unwrap();
        let pid = daemon.pid;
        drop(daemon);
        assert!(kill_process(pid, Signal::TERM).is_err());
        assert!(!running().unwrap().contains(&pid));
    }
}
