//! Secrets for shops that xtask starts.

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use anyhow::{Context, Result, anyhow};

/// 32 random bytes as hexadecimal digits.
///
/// # Errors
/// The system gives no random bytes.
pub fn generate() -> Result<String> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(|error| anyhow!("no random bytes: {error}"))?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// The secret in a file that its owner alone can read; made if it is not there.
///
/// # Errors
/// The file can't be read, or made.
pub fn kept(file: &Path) -> Result<String> {
    if file.exists() {
        let text = fs::read_to_string(file).with_context(|| format!("{} can't be read", file.display()))?;
        return Ok(text.trim().to_owned());
    }
    let secret = generate()?;
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(file)
        .and_then(|mut file| writeln!(file, "{secret}"))
        .with_context(|| format!("{} can't be written", file.display()))?;
    Ok(secret)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn a_secret_is_kept_for_its_owner_alone() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("api-secret");
        let secret = kept(&file).unwrap();
        assert_eq!(kept(&file).unwrap(), secret);
        assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        assert!(secret.len() == 64 && generate().unwrap() != secret);
    }
}
