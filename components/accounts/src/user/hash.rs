//! Hashes passwords by argon2id, in the PHC string format.

use argon2::password_hash::{PasswordHasher, PasswordVerifier, SaltString};
use argon2::{Algorithm, Argon2, Params, PasswordHash, Version};
use mercato_shop::id;
use mercato_shop::types::Error;

// The parameters that OWASP's Password Storage Cheat Sheet recommends for argon2id.
const MEMORY_KIB: u32 = 19_456;
const PASSES: u32 = 2;
const LANES: u32 = 1;

/// Hashes a password with a random salt.
pub fn hash(password: &str) -> Result<String, Error> {
    let salt = SaltString::encode_b64(&id::random_bytes()).map_err(internal)?;
    let hash = hasher()?
        .hash_password(password.as_bytes(), &salt)
        .map_err(internal)?;
    Ok(hash.to_string())
}

/// Returns whether a password matches a hash.
pub fn verify(password: &str, hash: &str) -> Result<bool, Error> {
    let hash = PasswordHash::new(hash).map_err(internal)?;
    match hasher()?.verify_password(password.as_bytes(), &hash) {
        Ok(()) => Ok(true),
        Err(argon2::password_hash::Error::Password) => Ok(false),
        Err(error) => Err(internal(error)),
    }
}

/// Takes as long as [`verify`], so that the time of a sign-in does not reveal whether the user name exists.
pub fn verify_nothing(password: &str) -> Result<(), Error> {
    hash(password).map(drop)
}

fn hasher() -> Result<Argon2<'static>, Error> {
    let params = Params::new(MEMORY_KIB, PASSES, LANES, None).map_err(internal)?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

fn internal(error: impl std::fmt::Display) -> Error {
    Error::Internal(format!("password hashing failed: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accepts_only_the_hashed_password() {
        let hash = hash("correct horse").unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
        assert!(verify("correct horse", &hash).unwrap());
        assert!(!verify("correct horsf", &hash).unwrap());
    }

    #[test]
    fn salts_each_hash() {
        assert_ne!(hash("correct horse").unwrap(), hash("correct horse").unwrap());
    }
}
