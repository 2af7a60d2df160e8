//! The audit log.

use async_graphql::{Enum, InputObject, SimpleObject};
use mercato_shop::accounts;

use crate::model::convert::convert;
use crate::model::entity_id::EntityId;
use crate::model::scalar::{DateTime, Id};

/// What an audit entry records.
#[derive(Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "accounts::AuditAction")]
pub enum AuditAction {
    /// A user registered.
    Register,
    /// A sign-in succeeded or failed.
    SignIn,
    /// A user signed out.
    SignOut,
    /// A session was revoked.
    SessionRevocation,
    /// A used refresh token was sent again. The refresh token may have been copied, so its session was ended.
    RefreshTokenReuse,
    /// A password change succeeded or failed.
    PasswordChange,
    /// A link to set a new password was requested. It failed if no mail was sent.
    PasswordResetRequest,
    /// A new password was set by a link.
    PasswordReset,
    /// The role of a user was changed.
    RoleChange,
    /// A user was erased.
    Erasure,
    /// The profile of another user was edited.
    ProfileChange,
    /// The data of another user were exported.
    DataExport,
    /// A product or a variant was created.
    ProductCreate,
    /// A product was edited.
    ProductUpdate,
    /// A product was archived.
    ProductDelete,
    /// A batch of products was imported.
    ProductImport,
    /// Units of a product were received.
    StockReceive,
    /// Units of a product were added or written off.
    StockAdjust,
    /// The stock of a product was set to a count.
    StockSet,
    /// A category was created.
    CategoryCreate,
    /// A category was edited.
    CategoryUpdate,
    /// A category was moved in the tree.
    CategoryMove,
    /// A category was deleted.
    CategoryDelete,
    /// The cart of another user was changed.
    CartChange,
    /// An order was placed for another user.
    OrderPlace,
    /// The status of an order was changed.
    OrderStatus,
    /// The order of another user was cancelled.
    OrderCancel,
    /// A discount code was created.
    DiscountCreate,
    /// A discount code was disabled.
    DiscountDisable,
    /// The order of another user was paid.
    PaymentMake,
    /// A payment was refunded.
    PaymentRefund,
    /// The notification preferences of another user were changed.
    PreferencesChange,
    /// An e-mail was sent by staff.
    EmailSend,
    /// An SMS was sent by staff.
    SmsSend,
    /// A notification was sent again.
    NotificationRetry,
    /// A webhook was created.
    WebhookCreate,
    /// A webhook was changed.
    WebhookUpdate,
    /// A webhook was deleted.
    WebhookDelete,
    /// The secret of a webhook was replaced.
    WebhookSecretRotate,
    /// A webhook delivery was sent again.
    WebhookReplay,
}

/// The outcome of an audited action.
#[derive(Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "accounts::AuditOutcome")]
pub enum AuditOutcome {
    /// The action was done.
    Success,
    /// The action was refused.
    Failure,
}

/// One entry of the audit log. Entries are added and never changed.
#[derive(SimpleObject)]
pub struct AuditEntry {
    #[graphql(flatten)]
    pub id: EntityId,
    /// When the action was done or refused.
    time: DateTime,
    /// What was done.
    action: AuditAction,
    /// Whether it was done.
    outcome: AuditOutcome,
    /// The caller: a user's id, `api-key` or `anonymous`.
    actor: String,
    /// The id of the user, product, order or other thing that the action changed.
    subject: Option<String>,
    /// More about the action, such as the session or the new value.
    detail: Option<String>,
}

/// Which audit entries to list. All conditions must hold.
#[derive(Default, InputObject)]
pub struct AuditFilter {
    /// Only entries of this action.
    action: Option<AuditAction>,
    /// A user's id, `api-key` or `anonymous`.
    actor: Option<String>,
    /// The id of the thing that the action changed.
    subject: Option<Id>,
    /// At this time or later.
    since: Option<DateTime>,
    /// Before this time.
    until: Option<DateTime>,
}

convert!(
    accounts::AuditAction => AuditAction,
    AuditAction => accounts::AuditAction,
    accounts::AuditOutcome => AuditOutcome,
);
convert!(accounts::AuditEntry => AuditEntry { id, time, action, outcome, actor, subject, detail });
convert!(AuditFilter => accounts::AuditFilter { action, actor, subject, since, until });
