//! Tokens to set a new password. The store has their hashes only.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use mercato_shop::address::email_key;
use mercato_shop::collection::Stored;
use mercato_shop::ports::Ports;
use mercato_shop::types::Error;
use sha2::{Digest, Sha256};

use crate::mac;
use crate::repository::UserBody;

/// Computes the token of a link: a [`mac`] of its id and its user. It changes with the user's address, and
/// with the epoch, which changes with the password.
pub fn of(ports: &impl Ports, user: &Stored<UserBody>, reset_id: &str) -> Result<String, Error> {
    let address = email_key(user.body.profile.email.as_deref().unwrap_or_default());
    let epoch = user.body.epoch.to_string();
    let parts = ["password reset", &*user.id, &*address, &*epoch, reset_id];
    Ok(URL_SAFE_NO_PAD.encode(mac::compute(ports, &parts)?))
}

/// Hashes a token, which has 256 bits and needs neither salt nor a slow hash.
pub fn hash(token: &str) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(token))
}
