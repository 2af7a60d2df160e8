//! The audit log.

use async_graphql::connection::{Connection, EmptyFields};
use async_graphql::{Context, Enum, ID, InputObject, Object};
use mercato_shop::accounts::{
    AuditAction, AuditEntry as Entry, AuditFilter as Filter, AuditOutcome as Outcome,
};

use crate::schema::connection::{page, page_size, to_connection};
use crate::schema::datetime::DateTime;
use crate::schema::nullable::{Nullable, read};

/// What somebody did.
#[derive(Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(name = "AuditAction", remote = "AuditAction")]
pub enum AuditActionEnum {
    /// Became a user.
    Register,
    /// Signed in, or tried to.
    SignIn,
    /// Ended the own session.
    SignOut,
    /// Ended a session of somebody's.
    SessionRevocation,
    /// Sent a used refresh token again: somebody has a copy, and the session is over.
    RefreshTokenReuse,
    /// Changed the own password, or tried to.
    PasswordChange,
    /// Gave somebody another role.
    RoleChange,
    /// Erased a user.
    Erasure,
    /// Edited another user's profile.
    ProfileChange,
    /// Exported another user's data.
    DataExport,
    /// Created a product or a variant.
    ProductCreate,
    /// Edited a product.
    ProductUpdate,
    /// Ended the sale of a product.
    ProductDelete,
    /// Imported a batch of products.
    ProductImport,
    /// Received pieces of a product.
    StockReceive,
    /// Found or wrote off pieces of a product.
    StockAdjust,
    /// Counted a product's stock.
    StockSet,
    /// Created a category.
    CategoryCreate,
    /// Edited a category.
    CategoryUpdate,
    /// Moved a category in the tree.
    CategoryMove,
    /// Took a category away.
    CategoryDelete,
    /// Changed another user's cart.
    CartChange,
    /// Placed an order for another user.
    OrderPlace,
    /// Said how an order stands.
    OrderStatus,
    /// Cancelled another user's order.
    OrderCancel,
    /// Created a discount code.
    DiscountCreate,
    /// Disabled a discount code.
    DiscountDisable,
    /// Paid another user's order.
    PaymentMake,
    /// Gave money back.
    PaymentRefund,
    /// Changed what another user is notified of.
    PreferencesChange,
    /// Had an e-mail sent.
    EmailSend,
    /// Had an SMS sent.
    SmsSend,
    /// Had a notification sent again.
    NotificationRetry,
    /// Created a webhook.
    WebhookCreate,
    /// Changed a webhook.
    WebhookUpdate,
    /// Took a webhook away.
    WebhookDelete,
    /// Gave a webhook another secret.
    WebhookSecretRotate,
    /// Had a delivery of a webhook's made again.
    WebhookReplay,
}

/// What came of it.
#[derive(Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(name = "AuditOutcome", remote = "Outcome")]
pub enum AuditOutcomeEnum {
    /// It was done.
    Success,
    /// It was refused.
    Failure,
}

/// One line of the audit log.
pub struct AuditEntry(Entry);

/// One line of the audit log. Lines are added, and never changed.
#[Object]
impl AuditEntry {
    #[graphql(name = "_id")]
    async fn id(&self) -> ID {
        ID(self.0.id.clone())
    }

    async fn time(&self) -> DateTime {
        DateTime(self.0.time)
    }

    async fn action(&self) -> AuditActionEnum {
        self.0.action.into()
    }

    async fn outcome(&self) -> AuditOutcomeEnum {
        self.0.outcome.into()
    }

    /// Who did it: a user's id, `api-key` or `anonymous`.
    async fn actor(&self) -> &str {
        &self.0.actor
    }

    /// The id of what it was done to: a user, a product, an order.
    async fn subject(&self) -> Option<&str> {
        self.0.subject.as_deref()
    }

    /// What else there is to tell, such as the session, or what became of what.
    async fn detail(&self) -> Option<&str> {
        self.0.detail.as_deref()
    }
}

/// What is wanted of the audit log: all that is given must hold.
#[derive(Default, InputObject)]
pub struct AuditFilter {
    action: Option<AuditActionEnum>,
    /// A user's id, `api-key` or `anonymous`.
    actor: Option<String>,
    /// The id of what it was done to.
    subject: Option<ID>,
    /// At this time or later.
    since: Option<DateTime>,
    /// Before this time.
    until: Option<DateTime>,
}

impl From<AuditFilter> for Filter {
    fn from(filter: AuditFilter) -> Self {
        Self {
            action: filter.action.map(Into::into),
            actor: filter.actor,
            subject: filter.subject.map(|id| id.0),
            since: filter.since.map(|time| time.0),
            until: filter.until.map(|time| time.0),
        }
    }
}

#[derive(Default)]
pub struct AuditQuery;

#[Object]
impl AuditQuery {
    /// Who did what to whom, newest first: every sign-in, and all that was done by the rights of an ADMIN or of the API key. What was
    /// done a moment ago may be on its way. For an ADMIN or the API key.
    #[graphql(complexity = "page_size(first) * child_complexity")]
    async fn audit_log(
        &self,
        context: &Context<'_>,
        #[graphql(default = 20, desc = "1 to 100")] first: Option<i32>,
        after: Option<String>,
        filter: Option<AuditFilter>,
    ) -> Nullable<Connection<String, AuditEntry, EmptyFields, EmptyFields>> {
        read(context, |session| {
            let page = page(first, after)?;
            let filter = filter.unwrap_or_default().into();
            let log = session
                .services
                .accounts
                .audit_log(session.caller(), &filter, &page)?;
            let edges = log
                .edges
                .into_iter()
                .map(|edge| (edge.cursor, AuditEntry(edge.entry)));
            Ok(to_connection(page.after.is_some(), log.has_next, edges))
        })
    }
}
