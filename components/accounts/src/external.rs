//! Users who sign in at an OpenID provider: each is made when first seen, and has no password here.
//!
//! Who the provider knows is claimed by a document whose id is a digest of issuer and subject, in the commit that makes the user. When
//! the user is erased, the claim stays with the time of it and nothing else: a token from before does not bring the person back by
//! itself, and who signs in again is a new user.
//!
//! A provider's token comes along with every request. The audit log has a sign-in for each time that its bearer signed in there, as the
//! token tells (`auth_time`, or else `iat`), under an id of that time: whatever comes of it after that writes nothing.

use mercato_ports::documents::{CommitFailure, Write};
use mercato_shop::accounts::{AuditAction, ExternalIdentity, User, UserPatch};
use mercato_shop::collection::{Collection, Stored};
use mercato_shop::external::ExternalId;
use mercato_shop::id;
use mercato_shop::types::Error;
use serde::{Deserialize, Serialize};

use crate::audit::{self, Entry};
use crate::credentials;
use crate::service::{AccountsService, Platform};
use crate::sign_in::registered;
use crate::user::{External, Profile, StoredRole, USERNAMES, USERS, UserBody, UsernameClaim, to_user};

/// All claims, by [`ExternalId`].
const CLAIMS: Collection<Claim> = Collection::new("accounts.external-ids");

/// How often a claim that others make at the same moment is looked at again.
const TRIES: usize = 8;

/// The longest subject, in bytes (OpenID Connect Core 1.0, section 2).
const LONGEST_SUBJECT: usize = 255;

/// The longest part of a user name that is taken from elsewhere, in characters.
const LONGEST_NAME: usize = 40;

/// Whose it is.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Claim {
    user_id: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    erased_at: Option<u64>,
}

impl<P: Platform> AccountsService<P> {
    pub(crate) fn admit(&self, identity: &ExternalIdentity) -> Result<User, Error> {
        if identity.issuer.is_empty() || !(1..=LONGEST_SUBJECT).contains(&identity.subject.len()) {
            return Err(Error::Unauthenticated(
                "The token must tell who signed in: a subject of 1 to 255 characters.".into(),
            ));
        }
        let external = ExternalId::of(&identity.issuer, &identity.subject);
        for _ in 0..TRIES {
            let claim = CLAIMS.get(&self.ports, external.as_str())?;
            match &claim {
                Some(Stored {
                    body:
                        Claim {
                            user_id,
                            erased_at: None,
                        },
                    ..
                }) => {
                    let user = self.user(user_id)?;
                    self.log_sign_in(identity, user_id)?;
                    return Ok(to_user(user));
                }
                Some(claim) if claim.body.erased_at >= Some(identity.issued_at) => return Err(erased()),
                _ => {}
            }
            if let Some(user) = self.make(identity, &external, claim)? {
                return Ok(user);
            }
        }
        Err(Error::Unavailable(
            "This account is being made by other requests. Try again in a moment.".into(),
        ))
    }

    /// Has the log tell of a sign-in there, unless it does.
    fn log_sign_in(&self, identity: &ExternalIdentity, user_id: &str) -> Result<(), Error> {
        let (id, entry) = sign_in(identity, user_id);
        if audit::is_there(&self.ports, &id)? {
            return Ok(());
        }
        match self.ports.commit(&[entry.write_as(&id)?], &[]) {
            // Another request with the same token was faster.
            Ok(()) | Err(CommitFailure::Refused(_)) => Ok(()),
            Err(failure) => Err(failure.into()),
        }
    }

    /// The write that keeps, of a claim whose user is erased now, that it was.
    pub(crate) fn give_up(&self, external: &ExternalId, user_id: &str) -> Result<Option<Write>, Error> {
        let Some(mut claim) = CLAIMS.get(&self.ports, external.as_str())? else {
            return Ok(None);
        };
        if claim.body.user_id != user_id {
            return Ok(None);
        }
        claim.body.erased_at = Some(id::now());
        CLAIMS.replace(&claim).map(Some)
    }

    /// A new user for a claim that nobody has, or whose user is erased; none where somebody else was faster with it, or with the name.
    fn make(
        &self,
        identity: &ExternalIdentity,
        external: &ExternalId,
        claim: Option<Stored<Claim>>,
    ) -> Result<Option<User>, Error> {
        let username = username(identity);
        let key = credentials::username_key(&username);
        let user = Stored {
            id: id::new(),
            version: 1,
            body: UserBody {
                username,
                username_key: Some(key.clone()),
                password_hash: None,
                external: Some(External {
                    issuer: identity.issuer.clone(),
                    id: external.as_str().into(),
                }),
                role: StoredRole::Customer,
                created_at: id::now(),
                epoch: 0,
                profile: profile(identity),
                erased_at: None,
            },
        };
        let user_id = user.id.clone();
        let body = Claim {
            user_id: user_id.clone(),
            erased_at: None,
        };
        let claimed = match claim {
            Some(claim) => CLAIMS.replace(&Stored { body, ..claim })?,
            None => CLAIMS.insert(external.as_str(), &body)?,
        };
        let entry = Entry::by(&user_id, AuditAction::Register)
            .on(&user_id)
            .detail(format!("signs in at {}", identity.issuer));
        let (sign_in_id, sign_in) = sign_in(identity, &user_id);
        let writes = [
            claimed,
            USERNAMES.insert(&key, &UsernameClaim { user_id })?,
            USERS.insert(&user.id, &user.body)?,
            entry.write()?,
            sign_in.write_as(&sign_in_id)?,
        ];
        match self.ports.commit(&writes, &[registered(&user)?]) {
            Ok(()) => Ok(Some(to_user(user))),
            Err(CommitFailure::Refused(_)) => Ok(None),
            Err(failure) => Err(failure.into()),
        }
    }
}

/// What the log tells of a sign-in there, and the id of that.
fn sign_in(identity: &ExternalIdentity, user_id: &str) -> (String, Entry) {
    let entry = Entry::by(user_id, AuditAction::SignIn)
        .on(user_id)
        .detail(format!("at {}", identity.issuer));
    (format!("{user_id}/{}", identity.signed_in_at), entry)
}

/// A name of the shop's making: what stands before the @ of the address, and eight random digits, so that nobody has it yet.
fn username(identity: &ExternalIdentity) -> String {
    let address = identity.email.as_deref().unwrap_or_default();
    let local = address.split('@').next().unwrap_or_default();
    let plain = |character: &char| character.is_ascii_alphanumeric() || "._-".contains(*character);
    let mut name: String = local.chars().filter(plain).take(LONGEST_NAME).collect();
    if name.is_empty() {
        name = "user".into();
    }
    let [a, b, c, d, ..] = id::random_bytes();
    format!("{}-{:08x}", name.to_lowercase(), u32::from_be_bytes([a, b, c, d]))
}

/// What the provider tells of the person, as far as it can be taken.
fn profile(identity: &ExternalIdentity) -> Profile {
    const NOTHING: UserPatch = UserPatch {
        name: None,
        email: None,
        phone: None,
        locale: None,
    };
    let mut profile = Profile::default();
    let parts = [
        UserPatch {
            name: identity.name.clone(),
            ..NOTHING
        },
        UserPatch {
            email: identity.email.clone(),
            ..NOTHING
        },
    ];
    for part in parts {
        // A name or an address that would be refused here is left out.
        let _ = profile.apply(part);
    }
    profile.email_verified = profile.email.is_some() && identity.email_verified;
    profile
}

fn erased() -> Error {
    Error::Unauthenticated(
        "The account that this token belongs to was erased. Sign in again for a new one.".into(),
    )
}
