//! Passwords, as argon2id hashes in PHC string format.

use argon2::password_hash::{PasswordHasher, PasswordVerifier, SaltString};
use argon2::{Algorithm, Argon2, Params, PasswordHash, Version};
use mercato_shop::id;
use mercato_shop::types::Error;

/// Memory in KiB, passes and lanes as OWASP's Password Storage Cheat Sheet asks for argon2id.
const MEMORY_KIB: u32 = 19_456;
const PASSES: u32 = 2;
const LANES: u32 = 1;

/// The hash to be kept of a password.
pub fn hash(password: &str) -> Result<String, Error> {
    let salt = SaltString::encode_b64(&id::random_bytes()).map_err(internal)?;
    let hash = hasher()?
        .hash_password(password.as_bytes(), &salt)
        .map_err(internal)?;
    Ok(hash.to_string())
}

/// Whether a password is the one of this hash.
pub fn verify(password: &str, hash: &str) -> Result<bool, Error> {
    let hash = PasswordHash::new(hash).map_err(internal)?;
    match hasher()?.verify_password(password.as_bytes(), &hash) {
        Ok(()) => Ok(true),
        Err(argon2::password_hash::Error::Password) => Ok(false),
        Err(error) => Err(internal(error)),
    }
}

/// Takes as long as [`verify`], so that a sign-in with an unknown name can't be told from one with a wrong password by its time.
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
    fn a_hash_takes_its_password_and_no_other() {
        let hash = hash("correct horse").unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
        assert!(verify("correct horse", &hash).unwrap());
        assert!(!verify("correct horsf", &hash).unwrap());
    }

    #[test]
    fn the_same_password_never_has_the_same_hash_twice() {
        assert_ne!(hash("correct horse").unwrap(), hash("correct horse").unwrap());
    }
}
