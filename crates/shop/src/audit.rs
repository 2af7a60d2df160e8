//! What services tell the audit log, which the accounts service keeps.
//!
//! An administrative act is one that somebody does by the rights of those who keep the shop. Its event leaves in the commit of the act,
//! so that the log has an entry if and only if it was done. It holds ids and what changed, nothing personal and no secret: neither
//! addresses nor the texts that people write, since entries stay when a person is erased.

use mercato_ports::events::Event;
use serde::{Deserialize, Serialize};

use crate::accounts::AuditAction;
pub use crate::caller::API_KEY;
use crate::types::Error;
use crate::{collection, id};

/// What the data of the event say; its id and its time are those of the entry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Act {
    /// By its [`name`].
    pub action: String,
    /// Who did it: a user's id, or [`API_KEY`].
    pub actor: String,
    /// The id of what it was done to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// What else there is to tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
}

impl Act {
    /// Something that this actor does: see [`Caller::actor`](crate::types::Caller::actor).
    #[must_use]
    pub fn by(actor: &str, action: AuditAction) -> Self {
        Self {
            action: name(action).into(),
            actor: actor.into(),
            subject: None,
            detail: None,
        }
    }

    /// To what has this id.
    #[must_use]
    pub fn on(mut self, subject: &str) -> Self {
        self.subject = Some(subject.into());
        self
    }

    /// With something else to tell: nothing personal, and never a secret.
    #[must_use]
    pub fn detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = Some(detail.into());
        self
    }

    /// The event that tells of it, to be committed with it, as this service's: `mercato.<service>.audited`.
    ///
    /// # Errors
    /// Where it is no JSON: a fault of the program.
    pub fn event(&self, service: &str) -> Result<Event, Error> {
        // Entries have their times, so no act waits for another one to be told.
        let subject = format!("audit/{}", id::new());
        collection::event(&format!("mercato.{service}.audited"), subject, self)
    }
}

/// Names the actions, each once.
macro_rules! actions {
    ($($action:ident = $name:literal,)*) => {
        /// All actions.
        pub const ACTIONS: &[AuditAction] = &[$(AuditAction::$action),*];

        /// The name of an action, as it is stored.
        #[must_use]
        pub const fn name(action: AuditAction) -> &'static str {
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

/// The action of this name.
#[must_use]
pub fn action(text: &str) -> Option<AuditAction> {
    ACTIONS.iter().copied().find(|action| name(*action) == text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_action_is_found_by_its_name() {
        for wanted in ACTIONS {
            assert_eq!(action(name(*wanted)), Some(*wanted));
        }
        assert_eq!(action("nothing"), None);
    }

    #[test]
    fn an_event_holds_the_act_and_stands_in_nobodys_way() {
        let act = Act::by(API_KEY, AuditAction::StockAdjust).on("p1").detail("+5");
        let [one, other] = [(); 2].map(|()| act.event("catalog").unwrap());
        assert_eq!(one.kind, "mercato.catalog.audited");
        assert_eq!(serde_json::from_str::<Act>(&one.data).unwrap(), act);
        assert_ne!(one.subject, other.subject);
    }
}
