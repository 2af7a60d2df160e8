//! `API_SECRET`: the shop's API key, with which access tokens are signed too.

use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use mercato_shop::settings::secret;

use crate::exit::{Code, Failure};

/// The secret, and where it came from.
pub struct Secret {
    /// The secret itself; never to be logged.
    pub value: String,
    /// The file it was read from or written to; `None` where it was configured.
    pub file: Option<PathBuf>,
}

/// The file that keeps a generated secret.
pub fn file(data: &Path) -> PathBuf {
    data.join("api-secret")
}

/// The configured secret; else that of the data folder; else a new one, kept there.
///
/// # Errors
/// Where the secret is too short, or its file can't be read or written.
pub fn resolve(configured: Option<String>, data: &Path) -> Result<Secret, Failure> {
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
        Err(reason) => Err(Failure::new(
            Code::Config,
            match &secret.file {
                Some(file) => format!("in {}: {reason}", file.display()),
                None => reason,
            },
        )),
    }
}

/// The secret in a file; `None` where there is no such file.
///
/// # Errors
/// Where the file can't be read.
pub fn read(file: &Path) -> Result<Option<String>, Failure> {
    match fs::read_to_string(file) {
        Ok(text) => Ok(Some(text.trim().to_owned())),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => {
            let message = format!("can't read the API secret in {}: {error}", file.display());
            Err(Failure::new(Code::NoInput, message))
        }
    }
}

/// Makes a secret of 32 random bytes. It is written beside its place and linked there, so that the file is never seen
/// half written, and one that another process has just made is not overwritten.
fn generate(file: &Path) -> Result<String, Failure> {
    let failure = |why: String| {
        Failure::new(
            Code::CantCreate,
            format!("can't write the API secret to {}: {why}", file.display()),
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
    // The draft is not needed any more, whatever happened to it.
    let _ = fs::remove_file(&draft);
    match linked {
        Ok(()) => Ok(value),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            read(file)?.ok_or_else(|| failure("it was removed at the same moment; try again".into()))
        }
        Err(error) => Err(failure(error.to_string())),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_configured_secret_wins_and_is_not_written_down() {
        let data = tempfile::tempdir().unwrap();
        let secret = resolve(Some("0123456789abcdef".into()), data.path()).unwrap();
        assert_eq!(secret.value, "0123456789abcdef");
        assert!(!file(data.path()).exists());
    }

    #[test]
    fn a_generated_secret_is_kept_for_its_owner_only_and_stays_the_same() {
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
    fn a_short_secret_is_refused_without_being_shown() {
        let data = tempfile::tempdir().unwrap();
        let failure = resolve(Some("0123456789abcde".into()), data.path())
            .err()
            .unwrap();
        assert_eq!(failure.code, Code::Config);
        assert!(failure.message.contains(secret::API_SECRET) && !failure.message.contains("0123456789"));
    }
}
