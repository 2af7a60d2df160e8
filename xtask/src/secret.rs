//! API keys for shops that xtask starts.

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use anyhow::{Context, Result, anyhow};

/// Generates 32 random bytes, and returns them as hexadecimal digits.
///
/// # Errors
/// The system has no random bytes.
pub fn generate() -> Result<String> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(|error| anyhow!("the system has no random bytes: {error}"))?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// Reads a secret from a file. If the file is missing, generates a secret and stores it so that only the
/// owner can read it.
///
/// # Errors
/// The file can't be read or created.
pub fn from_file(file: &Path) -> Result<String> {
    if file.exists() {
        let text = fs::read_to_string(file).with_context(|| format!("can't read {}", file.display()))?;
        return Ok(text.trim().to_owned());
    }
    let secret = generate()?;
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(file)
        .and_then(|mut file| writeln!(file, "{secret}"))
        .with_context(|| format!("can't write {}", file.display()))?;
    Ok(secret)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn only_the_owner_can_read_a_stored_secret() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("api-secret");
        let secret = from_file(&file).unwrap();
        assert_eq!(from_file(&file).unwrap(), secret);
        assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        assert!(secret.len() == 64 && generate().unwrap() != secret);
    }
}
