//! Cases of the port `passwords`.

use std::sync::Arc;

use libtest_mimic::Trial;
use tokio::runtime::Handle;

use super::case::cases;
use crate::passwords::{PasswordFailure, Passwords};

/// A hash that an earlier version stored for [`EARLIER_PASSWORD`].
const EARLIER_HASH: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$WgECAwQFBgcICQoLDA0OgA$76m1ztwMSvajStUMsofGw3vGHXd/s3QZLeYSEa5leYs";
const EARLIER_PASSWORD: &str = "correct horse";

/// Returns all cases for an implementation.
#[must_use]
pub fn trials(runtime: &Handle, passwords: &Arc<dyn Passwords>) -> Vec<Trial> {
    CASES
        .iter()
        .map(|case| case.trial("passwords", runtime, Arc::clone(passwords)))
        .collect()
}

cases! { Arc<dyn Passwords>:
    accepts_only_the_hashed_password,
    salts_each_hash,
    hashes_by_argon2id_in_the_phc_format,
    verifies_hashes_of_earlier_versions,
    returns_false_without_a_hash,
    fails_on_a_malformed_hash,
    hashes_any_text,
}

async fn hash(passwords: &Arc<dyn Passwords>, password: &str) -> String {
    passwords.hash(password.into()).await.unwrap()
}

async fn verify(passwords: &Arc<dyn Passwords>, password: &str, hash: Option<&str>) -> bool {
    let hash = hash.map(Into::into);
    passwords.verify(password.into(), hash).await.unwrap()
}

async fn accepts_only_the_hashed_password(passwords: Arc<dyn Passwords>) {
    let hash = hash(&passwords, "correct horse").await;
    assert!(verify(&passwords, "correct horse", Some(&hash)).await);
    for wrong in ["correct horsf", "Correct horse", "correct horse ", ""] {
        assert!(!verify(&passwords, wrong, Some(&hash)).await, "{wrong}");
    }
}

async fn salts_each_hash(passwords: Arc<dyn Passwords>) {
    let hashes = [
        hash(&passwords, "correct horse").await,
        hash(&passwords, "correct horse").await,
    ];
    assert_ne!(hashes[0], hashes[1]);
}

async fn hashes_by_argon2id_in_the_phc_format(passwords: Arc<dyn Passwords>) {
    let hash = hash(&passwords, "correct horse").await;
    let parts: Vec<_> = hash.split('$').collect();
    assert_eq!(parts[..4], ["", "argon2id", "v=19", "m=19456,t=2,p=1"], "{hash}");
    // A salt of 16 bytes and a hash of 32 bytes.
    assert_eq!(
        (parts[4].len(), parts[5].len(), parts.len()),
        (22, 43, 6),
        "{hash}"
    );
}

async fn verifies_hashes_of_earlier_versions(passwords: Arc<dyn Passwords>) {
    assert!(verify(&passwords, EARLIER_PASSWORD, Some(EARLIER_HASH)).await);
    assert!(!verify(&passwords, "another password", Some(EARLIER_HASH)).await);
}

async fn returns_false_without_a_hash(passwords: Arc<dyn Passwords>) {
    assert!(!verify(&passwords, "correct horse", None).await);
    assert!(!verify(&passwords, "", None).await);
}

async fn fails_on_a_malformed_hash(passwords: Arc<dyn Passwords>) {
    for hash in [
        "",
        "correct horse",
        "$argon2id$v=19$m=19456,t=2,p=1",
        "$1$abcdefgh$abcdefghijklmnopqrstuv",
    ] {
        let verified = passwords.verify("correct horse".into(), Some(hash.into())).await;
        assert!(
            matches!(verified, Err(PasswordFailure::Failed(_))),
            "{hash}: {verified:?}"
        );
    }
}

async fn hashes_any_text(passwords: Arc<dyn Passwords>) {
    for password in ["", "a\0b", "pässwörter 👩\u{200D}🚀", &"ß".repeat(128)] {
        let hash = hash(&passwords, password).await;
        assert!(verify(&passwords, password, Some(&hash)).await, "{password:?}");
    }
}
