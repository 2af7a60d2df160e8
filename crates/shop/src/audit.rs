//! Events for the audit log, which the accounts service stores.
//!
//! An audited action uses the permissions of the role ADMIN or of the API key. Its event is committed
//! together with its effect, so that the log has an entry if and only if the action was done. Entries are not
//! erased with a user. So they contain ids and the names of what changed, and no personal data and no
//! secrets.

use mercato_ports::events::Event;
use serde::{Deserialize, Serialize};

use crate::accounts::AuditAction;
pub use crate::caller::API_KEY;
use crate::types::Error;
use crate::{collection, id};

/// The data of an audit event. The id and the time of the event are those of the log entry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
pub struct AuditedAction {
    /// The [`action_name`].
    pub action: String,
    /// A user's id, or [`API_KEY`].
    pub actor: String,
    /// The id of what was changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// Other information: no personal data and no secrets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
}

impl AuditedAction {
    /// Returns an action of this [`actor`](crate::types::Caller::actor).
    #[must_use]
    pub fn by(actor: &str, action: AuditAction) -> Self {
        Self {
            action: action_name(action).into(),
            actor: actor.into(),
            subject: None,
            detail: None,
        }
    }

    /// Sets the id of what was changed.
    #[must_use]
    pub fn on(mut self, subject: &str) -> Self {
        self.subject = Some(subject.into());
        self
    }

    /// Sets other information: no personal data and no secrets.
    #[must_use]
    pub fn detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = Some(detail.into());
        self
    }

    /// Returns the event of this service, `mercato.<service>.audited`, to be committed with the effect of the
    /// action.
    ///
    /// # Errors
    /// [`Error::Internal`] if the action can't be written as JSON.
    pub fn event(&self, service: &str) -> Result<Event, Error> {
        // Events of one subject are delivered in order. Audit events need no order, so each has its own
        // subject.
        let subject = format!("audit/{}", id::new());
        collection::event(&format!("mercato.{service}.audited"), subject, self)
    }
}

/// Defines the names of the actions.
macro_rules! actions {
    ($($action:ident = $name:literal,)*) => {
        /// All actions.
        pub const ACTIONS: &[AuditAction] = &[$(AuditAction::$action),*];

        /// Returns the name of an action, as events and the log store it.
        #[must_use]
        pub const fn action_name(action: AuditAction) -> &'static str {
            match action {
                $(AuditAction::$action => $name,)*
            }
        }
    };
}

actions! {
    Register = "register",
    SignIn = "sign-in",
    SignOut = "sign-out",
    SessionRevocation = "session-revocation",
    RefreshTokenReuse = "refresh-token-reuse",
    PasswordChange = "password-change",
    PasswordResetRequest = "password-reset-request",
    PasswordReset = "password-reset",
    RoleChange = "role-change",
    Erasure = "erasure",
    ProfileChange = "profile-change",
    DataExport = "data-export",
    ProductCreate = "product-create",
    ProductUpdate = "product-update",
    ProductDelete = "product-delete",
    ProductImport = "product-import",
    StockReceive = "stock-receive",
    StockAdjust = "stock-adjust",
    StockSet = "stock-set",
    CategoryCreate = "category-create",
    CategoryUpdate = "category-update",
    CategoryMove = "category-move",
    CategoryDelete = "category-delete",
    CartChange = "cart-change",
    OrderPlace = "order-place",
    OrderStatus = "order-status",
    OrderCancel = "order-cancel",
    DiscountCreate = "discount-create",
    DiscountDisable = "discount-disable",
    PaymentMake = "payment-make",
    PaymentRefund = "payment-refund",
    PreferencesChange = "preferences-change",
    EmailSend = "email-send",
    SmsSend = "sms-send",
    NotificationRetry = "notification-retry",
    WebhookCreate = "webhook-create",
    WebhookUpdate = "webhook-update",
    WebhookDelete = "webhook-delete",
    WebhookSecretRotate = "webhook-secret-rotate",
    WebhookReplay = "webhook-replay",
}

/// Returns the action with this name.
#[must_use]
pub fn parse_action(name: &str) -> Option<AuditAction> {
    ACTIONS
        .iter()
        .copied()
        .find(|action| action_name(*action) == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parses_the_name_of_every_action() {
        for action in ACTIONS {
            assert_eq!(parse_action(action_name(*action)), Some(*action));
        }
        assert_eq!(parse_action("nothing"), None);
    }

    #[test]
    fn an_event_contains_the_action_and_has_a_subject_of_its_own() {
        let action = AuditedAction::by(API_KEY, AuditAction::StockAdjust)
            .on("p1")
            .detail("+5");
        let [one, other] = [(); 2].map(|()| action.event("catalog").unwrap());
        assert_eq!(one.kind, "mercato.catalog.audited");
        assert_eq!(serde_json::from_str::<AuditedAction>(&one.data).unwrap(), action);
        assert_ne!(one.subject, other.subject);
    }
}
