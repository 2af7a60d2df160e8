//! Why `mercato` ends: one sentence for a person, and an exit code for a script.

use std::fmt;
use std::process::ExitCode;

/// The exit codes, those of BSD's sysexits.h.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Code {
    /// What was given is not what it should be: a broken database, no shop file, an unreadable feed.
    Data = 65,
    /// A file is missing.
    NoInput = 66,
    /// A service is not there: the port is taken, or the shop can't be reached.
    Unavailable = 69,
    /// A fault of Mercato itself.
    Software = 70,
    /// Something can't be created: the data folder is not writable.
    CantCreate = 73,
    /// Try again later: another mercato uses the data folder.
    Busy = 75,
    /// A setting is wrong.
    Config = 78,
}

/// The table of [`Code`]s for `--help`.
pub const HELP: &str = "\
Exit codes:
   0  ended as asked
   2  the command line is wrong
  65  a file or database is damaged, or not of the expected kind
  66  a file is missing
  69  the port is in use, or the shop can't be reached
  70  an internal error
  73  the data folder or a file in it can't be created or written
  75  another mercato uses the data folder
  78  a setting is wrong";

/// Why a command failed. Its text says what to do.
#[derive(Debug)]
pub struct Failure {
    /// What a script sees.
    pub code: Code,
    /// What a person sees.
    pub message: String,
}

impl Failure {
    /// A failure with its exit code.
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.message)
    }
}

impl From<Code> for ExitCode {
    fn from(code: Code) -> Self {
        Self::from(code as u8)
    }
}
