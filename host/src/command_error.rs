//! The error of a command: a message for a person, and an exit code for a script.

use std::fmt;
use std::process::ExitCode;

/// An exit code, as in `sysexits.h` of BSD.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Code {
    /// An input is invalid: a damaged database, a file that is not a shop, a malformed feed.
    Data = 65,
    /// A file is missing.
    NoInput = 66,
    /// A service is unavailable: the port is in use, or the shop cannot be reached.
    Unavailable = 69,
    /// An internal error.
    Software = 70,
    /// A file or folder cannot be created or written.
    CantCreate = 73,
    /// Another mercato process uses the data folder.
    Busy = 75,
    /// A setting is invalid.
    Config = 78,
}

/// The table of [`Code`]s for `--help`.
pub const HELP: &str = "\
Exit codes:
   0  success
   2  the command line is invalid
  65  a file or database is damaged, or of the wrong kind; `mercato import` refused rows
  66  a file is missing
  69  the port is in use, or the shop cannot be reached
  70  an internal error
  73  the data folder or a file cannot be created or written
  75  another mercato process uses the data folder
  78  a setting is invalid";

/// Why a command failed. The message says what to do.
#[derive(Debug)]
pub struct CommandError {
    /// The exit code.
    pub code: Code,
    /// The message.
    pub message: String,
}

impl CommandError {
    /// Creates an error.
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
        }
    }
}

impl fmt::Display for CommandError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.message)
    }
}

impl From<Code> for ExitCode {
    fn from(code: Code) -> Self {
        Self::from(code as u8)
    }
}
