//! `API_SECRET`: the API key of the shop, which also signs access tokens.

use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use mercato_shop::settings::secret;

use crate::command_error::{Code, CommandError};

/// The secret and its source.
pub struct Secret {
    /// The secret. It must never be logged.
    pub value: String,
    /// The file of a generated secret, or `None` for a configured one.
    pub file: Option<PathBuf>,
}

/// Returns the file of a generated secret.
pub fn file(data: &Path) -> PathBuf {
    data.join("api-secret")
}

/// Returns the configured secret, or the one in the data folder. If neither exists, generates a secret and
/// writes it to the data folder.
///
/// # Errors
/// If the secret is too short, or if its file cannot be read or written.
pub fn resolve(configured: Option<String>, data: &Path) -> Result<Secret, CommandError> {
    let secret = match configured {
        Some(value) => Secret { value, file: None },
        None => {
            let file = file(data);
            let value = match read(&file)? {
                Some(value) => value,
                None => generate(&file)?,
            };
            Secret {
                value,
                file: Some(file),
            }
        }
    };
    match secret::check(&secret.value) {
        Ok(()) => Ok(secret),
        Err(reason) => Err(CommandError::new(
            Code::Config,
            match &secret.file {
                Some(file) => format!("in {}: {reason}", file.display()),
                None => reason,
            },
        )),
    }
}

/// Returns the API key of a running shop: the given one, or the generated one in its data folder.
///
/// # Errors
/// If there is no key, or if its file cannot be read.
pub fn of_shop(key: Option<&str>, data: &Path) -> Result<String, CommandError> {
    if let Some(key) = key.filter(|key| !key.is_empty()) {
        return Ok(key.to_owned());
    }
    let file = file(data);
    read(&file)?.ok_or_else(|| {
        let advice = "set --key or API_SECRET, or name the data folder of the shop with --data";
        CommandError::new(
            Code::Config,
            format!(
                "no API key is set, and {} does not exist: {advice}",
                file.display()
            ),
        )
    })
}

/// Reads the secret from a file. Returns `None` if the file does not exist.
///
/// # Errors
/// If the file cannot be read.
pub fn read(file: &Path) -> Result<Option<String>, CommandError> {
    match fs::read_to_string(file) {
        Ok(text) => Ok(Some(text.trim().to_owned())),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => {
            let message = format!("cannot read the API secret in {}: {error}", file.display());
            Err(CommandError::new(Code::NoInput, message))
        }
    }
}

/// Generates a secret of 32 random bytes. It is written to a temporary file, which is then linked to the
/// final name. So no process sees a half-written secret, and a secret that another process has just generated
/// is not overwritten.
fn generate(file: &Path) -> Result<String, CommandError> {
    let failure = |reason: String| {
        CommandError::new(
            Code::CantCreate,
            format!("cannot write the API secret to {}: {reason}", file.display()),
        )
    };
    let mut random = [0; 32];
    getrandom::fill(&mut random).map_err(|error| failure(error.to_string()))?;
    let value: String = random.iter().map(|byte| format!("{byte:02x}")).collect();
    let draft = file.with_extension(format!("{}.tmp", std::process::id()));
    let written = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&draft)
        .and_then(|mut out| {
            out.write_all(value.as_bytes())?;
            out.write_all(b"\n")?;
            out.sync_all()
        });
    let linked = written.and_then(|()| fs::hard_link(&draft, file));
    // The temporary file is not needed any more. If it cannot be removed, it does no harm.
    let _ = fs::remove_file(&draft);
    match linked {
        Ok(()) => Ok(value),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            read(file)?.ok_or_else(|| failure("another process removed the file; try again".into()))
        }
        Err(error) => Err(failure(error.to_string())),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn does_not_write_a_configured_secret_to_a_file() {
        let data = tempfile::tempdir().unwrap();
        let secret = resolve(Some("0123456789abcdef".into()), data.path()).unwrap();
        assert_eq!(secret.value, "0123456789abcdef");
        assert!(!file(data.path()).exists());
    }

    #[test]
    fn only_the_owner_can_read_a_generated_secret_and_it_stays_the_same() {
        let data = tempfile::tempdir().unwrap();
        let first = resolve(None, data.path()).unwrap();
        let second = resolve(None, data.path()).unwrap();
        assert_eq!(first.value.len(), 64);
        assert_eq!(first.value, second.value);
        assert_eq!(
            fs::metadata(file(data.path())).unwrap().permissions().mode() & 0o777,
            0o600
        );
        assert_eq!(fs::read_dir(data.path()).unwrap().count(), 1);
    }

    #[test]
    fn rejects_a_short_secret_without_showing_it() {
        let data = tempfile::tempdir().unwrap();
        let error = resolve(Some("0123456789abcde".into()), data.path())
            .err()
            .unwrap();
        assert_eq!(error.code, Code::Config);
        assert!(error.message.contains(secret::API_SECRET) && !error.message.contains("0123456789"));
    }
}
