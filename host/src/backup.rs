//! `mercato backup`, `mercato restore` and `mercato check`: the data folder, for its operator.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;
use std::time::{Duration, UNIX_EPOCH};

use mercato_embedded::{BackupError, Report};

use crate::cli::{Backup, Check, Restore};
use crate::command_error::{Code, CommandError};
use crate::data::require_folder;
use crate::providers::open_error_code;
use crate::secret;

/// Makes a backup.
///
/// # Errors
/// If the database is missing or damaged, or if the file cannot be written.
pub fn backup(options: &Backup) -> Result<(), CommandError> {
    let data = &options.data.data;
    require_folder(data)?;
    let report = mercato_embedded::backup(data, &options.file, options.force).map_err(failed)?;
    let mut text = format!(
        "{}: {} documents, {} bytes; {}\n",
        options.file.display(),
        report.total(),
        report.size,
        shop(&report),
    );
    text.push_str("It has password hashes and personal data: keep it where only you can read it.\n");
    if let Some(secret) = generated_secret(data) {
        text.push_str(&format!(
            "It has no API secret: keep a copy of {secret} at another place.\n"
        ));
    }
    print(&text)
}

/// Restores a backup.
///
/// # Errors
/// If the backup is missing or damaged, or if the data folder is in use or has a shop.
pub fn restore(options: &Restore) -> Result<(), CommandError> {
    let data = &options.data.data;
    let restored = mercato_embedded::restore(&options.file, data, options.force).map_err(failed)?;
    let mut text = format!(
        "{}: {} documents; {}\n",
        data.display(),
        restored.report.total(),
        shop(&restored.report),
    );
    if let Some(replaced) = restored.replaced {
        text.push_str(&format!("The previous database is in {}.\n", replaced.display()));
    }
    if generated_secret(data).is_none() {
        let file = secret::file(data);
        text.push_str(&format!(
            "A backup has no API secret: set API_SECRET, or copy the old secret to {}.\n",
            file.display()
        ));
    }
    print(&text)
}

/// Checks a data folder or a backup, and prints what it holds.
///
/// # Errors
/// If it is missing or damaged.
pub fn check(options: &Check) -> Result<(), CommandError> {
    let path = match &options.file {
        Some(file) if !file.exists() => {
            let message = format!(
                "{} does not exist: name a backup or a data folder",
                file.display()
            );
            return Err(CommandError::new(Code::NoInput, message));
        }
        Some(file) => file,
        None => {
            require_folder(&options.data.data)?;
            &options.data.data
        }
    };
    let report = mercato_embedded::report(path)
        .map_err(BackupError::from)
        .map_err(failed)?;
    let report = report.ok_or_else(|| {
        failed(BackupError::Empty {
            folder: path.to_owned(),
        })
    })?;
    print(&describe(&report))
}

fn describe(report: &Report) -> String {
    let mut text = format!(
        "file: {}\n{}\nformat: {}\nsize: {} bytes, {} free\ndocuments: {}\n",
        report.file.display(),
        shop(report),
        report.format,
        report.size,
        report.free,
        report.total()
    );
    for (collection, count) in &report.documents {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "  {collection}: {count}");
    }
    let _ = write!(text, "events: {} waiting", report.waiting);
    if let Some(oldest) = report.oldest {
        let time = UNIX_EPOCH + Duration::from_millis(oldest);
        let _ = write!(
            text,
            ", the oldest that is due is of {}",
            humantime::format_rfc3339_seconds(time)
        );
    }
    let _ = writeln!(text, "\ndead letters: {}", report.dead_letters);
    text.push_str("integrity: ok\n");
    text
}

fn shop(report: &Report) -> String {
    match &report.identity {
        Some(identity) => format!("{identity}, created {}", identity.created),
        None => "a shop of format 1, without an identity".to_owned(),
    }
}

/// Returns the file of the generated API secret, if there is one.
fn generated_secret(data: &Path) -> Option<String> {
    let file = secret::file(data);
    file.exists().then(|| file.display().to_string())
}

fn failed(error: BackupError) -> CommandError {
    let code = match &error {
        BackupError::Open(error) => open_error_code(error),
        BackupError::Empty { .. } | BackupError::Read { .. } => Code::NoInput,
        BackupError::Exists { .. }
        | BackupError::Inside { .. }
        | BackupError::Write { .. }
        | BackupError::Occupied { .. } => Code::CantCreate,
        _ => Code::Data,
    };
    CommandError::new(code, error.to_string())
}

fn print(text: &str) -> Result<(), CommandError> {
    let mut out = std::io::stdout().lock();
    out.write_all(text.as_bytes())
        .and_then(|()| out.flush())
        .map_err(|error| {
            CommandError::new(
                Code::Software,
                format!("cannot write to standard output: {error}"),
            )
        })
}
