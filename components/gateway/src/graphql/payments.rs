//! Payments.

use async_graphql::{ComplexObject, Context, Object};
use mercato_shop::payments::{PaymentInput, RefundInput};
use mercato_shop::types::Error;

use crate::graphql::resolve::{Nullable, change, load};
use crate::model::payment::{PAYMENT, Payment};
use crate::model::scalar::{Amount, Id, Int};
use crate::request_session::check_id;

/// Queries of payments.
#[derive(Default)]
pub struct PaymentsQuery;

#[Object]
impl PaymentsQuery {
    /// The payment of one of the caller's orders. With the role ADMIN or the API key: of any order. NOT_FOUND
    /// if there was no attempt to pay.
    async fn payment(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The id of the payment, or of its order.")] id: Id,
    ) -> Nullable<Payment> {
        load(context, |session| async move {
            session.caller().require_authenticated()?;
            let id = order_id(&id)?;
            let payment = session.payments.load(id).await?;
            let missing = || Error::NotFound(format!("There is no payment {id}."));
            payment.ok_or_else(missing).map(Some)
        })
        .await
    }
}

/// Mutations of payments.
#[derive(Default)]
pub struct PaymentsMutation;

#[Object]
impl PaymentsMutation {
    /// Pays a pending order in full. PAYMENT_DECLINED if that fails, and another attempt can follow. For a
    /// paid order, it returns the payment. An order whose payment is in progress is not paid again. For the
    /// customer, or with the role ADMIN or the API key.
    async fn pay_order(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The id of the order.")] order_id: Id,
        #[graphql(desc = "A token of the payment gateway. Never send a card number.")] payment_method: String,
        #[graphql(desc = "Your own key, at most 100 characters. The same key means the same attempt.")]
        idempotency_key: Option<String>,
    ) -> Nullable<Payment> {
        change(context, |session| {
            session.caller().require_authenticated()?;
            check_id("orderId", &order_id)?;
            let input = PaymentInput {
                order_id: order_id.0,
                payment_method,
                idempotency_key,
            };
            session.services.payments.pay(session.caller(), &input)
        })
    }

    /// Refunds a payment or a part of it, never more than was paid. The last refund makes the order REFUNDED.
    /// Requires the role ADMIN or the API key.
    async fn refund_payment(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The id of the payment, or of its order.")] id: Id,
        #[graphql(desc = "In minor units (cents). The default is all that is left.")] amount: Option<Int>,
        #[graphql(desc = "Like `amount`, for all amounts.")] exact_amount: Option<Amount>,
        #[graphql(desc = "At most 500 characters.")] reason: Option<String>,
        #[graphql(desc = "Your own key, at most 100 characters. The same key means the same refund.")]
        idempotency_key: Option<String>,
    ) -> Nullable<Payment> {
        change(context, |session| {
            session.caller().require_admin()?;
            let input = RefundInput {
                payment_id: order_id(&id)?.to_owned(),
                amount: Amount::of_input("amount", amount, exact_amount)?,
                reason,
                idempotency_key,
            };
            session.services.payments.refund(session.caller(), &input)
        })
    }
}

#[ComplexObject]
impl Payment {
    /// The id of the payment, and also of its order.
    #[graphql(name = "_id")]
    async fn order_id(&self) -> &Id {
        self.id.as_id()
    }

    /// Unique among all entities of the shop: the id of the order and `.payment`.
    async fn id(&self) -> Id {
        self.graphql_id()
    }
}

/// Returns the id of a payment's order.
///
/// # Errors
/// [`Error::Invalid`] if the text cannot be an id of this shop.
fn order_id(id: &str) -> Result<&str, Error> {
    let id = id.strip_suffix(PAYMENT).unwrap_or(id);
    check_id("id", id)?;
    Ok(id)
}
