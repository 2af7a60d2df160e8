//! Hashes passwords by argon2id, in the PHC string format.

use argon2::password_hash::{self, Output, ParamsString, PasswordHash, Salt, SaltString};
use argon2::{Algorithm, Params, Version};
use mercato_ports::passwords::PasswordFailure;

use crate::Memory;

/// The memory and the passes of a hash.
#[derive(Clone, Copy, Debug)]
pub struct Cost {
    memory_kib: u32,
    passes: u32,
}

impl Cost {
    /// The parameters that OWASP's Password Storage Cheat Sheet recommends for argon2id.
    pub const RECOMMENDED: Self = Self {
        memory_kib: 19_456,
        passes: 2,
    };

    /// The lowest parameters, for tests that register many users.
    pub const LOWEST: Self = Self {
        memory_kib: Params::MIN_M_COST,
        passes: Params::MIN_T_COST,
    };
}

const LANES: u32 = 1;

/// Hashes a password with a random salt.
///
/// # Errors
/// [`PasswordFailure::Failed`] if the random source fails.
pub fn hash(memory: &mut Memory, password: &str, cost: Cost) -> Result<String, PasswordFailure> {
    let mut salt = [0; Salt::RECOMMENDED_LENGTH];
    getrandom::fill(&mut salt)
        .map_err(|error| PasswordFailure::Failed(format!("the random source failed: {error}")))?;
    let hash = |memory: &mut Memory| -> password_hash::Result<String> {
        let text = SaltString::encode_b64(&salt)?;
        let params = Params::new(cost.memory_kib, cost.passes, LANES, None)?;
        let phc = PasswordHash {
            algorithm: Algorithm::Argon2id.ident(),
            version: Some(Version::V0x13.into()),
            params: ParamsString::try_from(&params)?,
            salt: Some(text.as_salt()),
            hash: Some(compute(
                memory,
                password,
                &salt,
                Params::DEFAULT_OUTPUT_LEN,
                (Algorithm::Argon2id, Version::V0x13, params),
            )?),
        };
        Ok(phc.to_string())
    };
    hash(memory).map_err(failed)
}

/// Returns whether a password matches a hash. Without a hash, it computes one of this cost and returns false.
///
/// # Errors
/// [`PasswordFailure::Failed`] if the hash is malformed.
pub fn verify(
    memory: &mut Memory,
    password: &str,
    hash: Option<&str>,
    cost: Cost,
) -> Result<bool, PasswordFailure> {
    let Some(hash) = hash else {
        return self::hash(memory, password, cost).map(|_| false);
    };
    let matches = |memory: &mut Memory| -> password_hash::Result<bool> {
        let hash = PasswordHash::new(hash)?;
        let (Some(salt), Some(expected)) = (hash.salt, hash.hash) else {
            return Err(password_hash::Error::PhcStringField);
        };
        let mut buffer = [0; Salt::MAX_LENGTH];
        let salt = salt.decode_b64(&mut buffer)?;
        let version = hash.version.map_or(Ok(Version::V0x13), Version::try_from)?;
        let algorithm = Algorithm::try_from(hash.algorithm)?;
        let method = (algorithm, version, Params::try_from(&hash)?);
        let computed = compute(memory, password, salt, expected.len(), method)?;
        // Compares in constant time.
        Ok(computed == expected)
    };
    matches(memory).map_err(failed)
}

fn compute(
    memory: &mut Memory,
    password: &str,
    salt: &[u8],
    length: usize,
    method: (Algorithm, Version, Params),
) -> password_hash::Result<Output> {
    Output::init_with(length, |hash| {
        Ok(memory.compute(method, password.as_bytes(), salt, hash)?)
    })
}

fn failed(error: password_hash::Error) -> PasswordFailure {
    PasswordFailure::Failed(format!("the password can't be hashed: {error}"))
}
