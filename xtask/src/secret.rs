//! Secrets for shops that live as long as a test.

use anyhow::{Result, anyhow};

/// 32 random bytes as hexadecimal digits.
///
/// # Errors
/// The system gives no random bytes.
pub fn generate() -> Result<String> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(|error| anyhow!("no random bytes: {error}"))?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}
