//! The documents of the accounts service: their bodies, how they are read, and the API types that they
//! become.

use mercato_shop::accounts::{AuditEntry, AuditOutcome, Channel, Client, Contact, Session, User};
use mercato_shop::address::email_key;
use mercato_shop::audit::{self, AuditedAction};
use mercato_shop::collection::{Collection, Stored};
use mercato_shop::external::ExternalId;
use mercato_shop::id;
use mercato_shop::ports::Ports;
use mercato_shop::query::{descending, equal};
use mercato_shop::types::{Error, Role};
use serde::{Deserialize, Serialize};

pub const USERS: Collection<UserBody> = Collection::new("accounts.users");

/// Claims of user names, by the name in the form that must be unique. A claim is inserted in the commit that
/// inserts its user, so that no name is taken twice.
pub const USERNAMES: Collection<UsernameClaim> = Collection::new("accounts.usernames");

/// Claims of verified e-mail addresses, by [`email_key`]. A claim exists while its user's address is verified,
/// so that no two users verify one address.
pub const EMAILS: Collection<EmailClaim> = Collection::new("accounts.emails");

/// Claims of OpenID providers' users, by [`ExternalId`].
pub const EXTERNAL_IDS: Collection<ExternalClaim> = Collection::new("accounts.external-ids");

/// The sessions that have not ended.
pub const SESSIONS: Collection<SessionBody> = Collection::new("accounts.sessions");

/// The attempts to sign in of the last minutes, see [`throttle`](crate::user::throttle).
pub const ATTEMPTS: Collection<AttemptsBody> = Collection::new("accounts.attempts");

/// The verification codes of users, by [`verification_key`].
pub const VERIFICATIONS: Collection<VerificationBody> = Collection::new("accounts.verifications");

/// The last link to set a new password of each user, by the user's id.
pub const PASSWORD_RESETS: Collection<PasswordResetBody> = Collection::new("accounts.password-resets");

pub const AUDIT: Collection<AuditBody> = Collection::new("accounts.audit");

/// The most sessions that a list returns, and that one commit ends.
pub const MAX_SESSIONS: u32 = 100;

#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct UserBody {
    pub username: String,
    /// The user name in the form that must be unique. An erased user has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub username_key: Option<String>,
    /// The e-mail address that the user can sign in with, as its [`email_key`]: a verified address, or an
    /// address that came with the registration. Documents of earlier versions have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub login_email: Option<String>,
    /// Whether the user registered with an address. Such a user may know no user name, so the address signs
    /// in before it is verified.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub registered_by_email: bool,
    /// Users of OpenID providers have none, nor have erased users.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password_hash: Option<String>,
    /// The account at an OpenID provider. An erased user has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external: Option<ExternalAccount>,
    #[serde(with = "StoredRole")]
    pub role: Role,
    pub created_at: u64,
    /// Sessions of earlier epochs have ended. Incrementing it ends all sessions, even one that is opened at
    /// the same moment.
    #[serde(default)]
    pub epoch: u64,
    /// When all sessions were last ended. Tokens without a session that were issued before are refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sessions_ended_at: Option<u64>,
    /// Whether staff has set the role. Then no token without a session has more rights than the role.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub role_is_set: bool,
    #[serde(default)]
    pub profile: Profile,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub erased_at: Option<u64>,
}

#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ExternalAccount {
    pub issuer: String,
    /// An [`ExternalId`], which is the id of the claim.
    pub id: String,
}

impl ExternalAccount {
    /// Returns the id of the claim.
    pub fn id(&self) -> ExternalId {
        ExternalId::from_text(self.id.clone())
    }
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Profile {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    pub email_verified: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phone: Option<String>,
    pub phone_verified: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub locale: Option<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Role", rename_all = "UPPERCASE")]
enum StoredRole {
    Customer,
    Admin,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct UsernameClaim {
    pub user_id: String,
}

#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EmailClaim {
    pub user_id: String,
}

#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ExternalClaim {
    pub user_id: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub erased_at: Option<u64>,
}

#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SessionBody {
    pub user_id: String,
    /// The [`epoch`](UserBody::epoch) of the user when the session was opened.
    pub epoch: u64,
    pub created_at: u64,
    pub last_used_at: u64,
    pub expires_at: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_agent: Option<String>,
    /// The hash of the part that all refresh tokens of the session share.
    pub family: String,
    /// The hash of the current refresh token's own part.
    #[serde(rename = "turn")]
    pub rotation: String,
    /// The hash of the previous refresh token's own part.
    #[serde(rename = "used", default, skip_serializing_if = "Option::is_none")]
    pub previous_rotation: Option<String>,
}

/// How many attempts are left until the end of a window.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AttemptsBody {
    pub left: i64,
    /// 0 after the first refused attempt, which is in the audit log.
    pub unreported: i64,
    pub expires_at: u64,
}

/// The verification codes that one user was sent over one channel.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct VerificationBody {
    /// The id of the last code. Documents of earlier versions have none.
    #[serde(default)]
    pub id: String,
    /// How often the last code can still be tried.
    pub left: i64,
    pub sent_at: u64,
    pub expires_at: u64,
    /// When the first code of the current day was sent.
    pub first_sent_at: u64,
    /// How many codes were sent since then.
    pub sent: u64,
}

/// The links to set a new password that one user was sent.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PasswordResetBody {
    /// The id of the last link.
    pub id: String,
    /// The hash of the token of the last link.
    pub hash: String,
    pub sent_at: u64,
    pub expires_at: u64,
    /// When the first link of the current hour was sent.
    pub first_sent_at: u64,
    /// How many links were sent since then.
    pub sent: u64,
}

/// An entry of the audit log. It has ids and nothing else of a person, so that it can stay when the person is
/// erased.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct AuditBody {
    pub time: u64,
    pub success: bool,
    #[serde(flatten)]
    pub action: AuditedAction,
}

/// Reads a user, erased or not.
///
/// # Errors
/// [`Error::NotFound`] if there is no such user.
pub fn get_user(ports: &impl Ports, id: &str) -> Result<Stored<UserBody>, Error> {
    USERS.get(ports, id)?.ok_or_else(|| no_user(id))
}

/// Reads a user that is not erased.
///
/// # Errors
/// [`Error::NotFound`] if there is no such user, [`Error::Conflict`] if the user is erased.
pub fn get_active_user(ports: &impl Ports, id: &str) -> Result<Stored<UserBody>, Error> {
    let user = get_user(ports, id)?;
    match user.body.erased_at {
        None => Ok(user),
        Some(_) => Err(Error::Conflict(
            "This user is erased and can't be changed.".into(),
        )),
    }
}

impl UserBody {
    /// Sets the address that the user can sign in with, after a change of the profile.
    pub fn set_login_email(&mut self) {
        let may_sign_in = self.registered_by_email || self.profile.email_verified;
        let address = self.profile.email.as_deref().filter(|_| may_sign_in);
        self.login_email = address.map(email_key);
    }

    /// Ends all sessions and all tokens of the user, when the change is committed.
    pub fn end_sessions(&mut self) {
        self.epoch += 1;
        self.sessions_ended_at = Some(id::now());
    }
}

/// Returns the error for a user id that does not exist.
pub fn no_user(id: &str) -> Error {
    Error::NotFound(format!("There is no user {id}."))
}

/// Reads the newest sessions of a user, at most [`MAX_SESSIONS`].
pub fn sessions_of(ports: &impl Ports, user_id: &str) -> Result<Vec<Stored<SessionBody>>, Error> {
    let mut query = SESSIONS.query(MAX_SESSIONS);
    query.conditions.push(equal("userId", user_id));
    query.sort = Some(descending("createdAt"));
    SESSIONS.find(ports, &query)
}

/// Reads the verification codes of a user.
pub fn verifications_of(
    ports: &impl Ports,
    user_id: &str,
) -> Result<Vec<(Channel, Stored<VerificationBody>)>, Error> {
    let channels = [Channel::Email, Channel::Phone];
    let keys = channels.map(|channel| verification_key(user_id, channel));
    let found = VERIFICATIONS.get_many(ports, &keys)?;
    let pairs = channels.into_iter().zip(found);
    Ok(pairs
        .filter_map(|(channel, found)| Some((channel, found?)))
        .collect())
}

/// Returns the id of the document of a user's verification codes.
pub fn verification_key(user_id: &str, channel: Channel) -> String {
    format!("{user_id}.{}", channel_name(channel))
}

/// Returns the name of a channel in documents and events.
pub const fn channel_name(channel: Channel) -> &'static str {
    match channel {
        Channel::Email => "email",
        Channel::Phone => "phone",
    }
}

pub fn to_user(stored: Stored<UserBody>) -> User {
    let profile = stored.body.profile;
    User {
        id: stored.id,
        username: stored.body.username,
        role: stored.body.role,
        name: profile.name,
        email: profile.email,
        email_verified: profile.email_verified,
        phone: profile.phone,
        phone_verified: profile.phone_verified,
        locale: profile.locale,
        version: stored.version,
        created_at: stored.body.created_at,
        erased_at: stored.body.erased_at,
    }
}

/// Returns how a user can be reached, or `None` for an erased user.
pub fn to_contact(stored: Stored<UserBody>) -> Option<Contact> {
    let profile = stored.body.profile;
    stored.body.erased_at.is_none().then_some(Contact {
        user_id: stored.id,
        name: profile.name,
        email: profile.email,
        email_verified: profile.email_verified,
        phone: profile.phone,
        phone_verified: profile.phone_verified,
        locale: profile.locale,
    })
}

pub fn to_session(stored: Stored<SessionBody>) -> Session {
    Session {
        id: stored.id,
        user_id: stored.body.user_id,
        created_at: stored.body.created_at,
        last_used_at: stored.body.last_used_at,
        expires_at: stored.body.expires_at,
        client: Client {
            address: stored.body.address,
            user_agent: stored.body.user_agent,
        },
    }
}

pub fn to_entry(stored: Stored<AuditBody>) -> Result<AuditEntry, Error> {
    let AuditedAction {
        action,
        actor,
        subject,
        detail,
    } = stored.body.action;
    let action = audit::parse_action(&action)
        .ok_or_else(|| Error::Internal(format!("the audit log has an unknown action: {action}")))?;
    Ok(AuditEntry {
        id: stored.id,
        time: stored.body.time,
        action,
        outcome: match stored.body.success {
            true => AuditOutcome::Success,
            false => AuditOutcome::Failure,
        },
        actor,
        subject,
        detail,
    })
}
