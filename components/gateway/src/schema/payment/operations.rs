//! What can be read and changed of payments.

use async_graphql::{Context, ID, Object};
use mercato_shop::payments::{PaymentInput, RefundInput};
use mercato_shop::types::Error;

use crate::schema::nullable::{Nullable, change, nullable};
use crate::schema::payment::PaymentObject;
use crate::session::{Session, valid_id};

/// What can be read of payments.
#[derive(Default)]
pub struct PaymentQuery;

#[Object]
impl PaymentQuery {
    /// The payment of an order: the caller's own, or any for an ADMIN or the API key. NOT_FOUND where nobody has tried to pay it.
    async fn payment(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The id of its order")] id: ID,
    ) -> Nullable<PaymentObject> {
        nullable(async {
            let session = Session::of(context)?;
            session
                .caller()
                .require_known()
                .map_err(|error| session.error(error))?;
            session.check_id("id", &id)?;
            match session.payments.load(&id).await {
                Ok(Some(payment)) => Ok(Some(PaymentObject(payment))),
                Ok(None) => Err(session.error(Error::NotFound(format!("There is no payment {}.", *id)))),
                Err(error) => Err(session.error(error)),
            }
        })
        .await
    }
}

/// What can be changed of payments.
#[derive(Default)]
pub struct PaymentMutation;

#[Object]
impl PaymentMutation {
    /// Pays a pending order in full; PAYMENT_DECLINED where that fails, and another attempt may be made. An order that is paid answers
    /// its payment, and one whose payment is under way is not paid again. For its customer, an ADMIN or the API key.
    async fn pay_order(
        &self,
        context: &Context<'_>,
        order_id: ID,
        #[graphql(desc = "A token of the payment gateway's, never the number of a card")]
        payment_method: String,
        #[graphql(desc = "Of your choice, at most 100 characters: the same again asks for the same attempt")]
        idempotency_key: Option<String>,
    ) -> Nullable<PaymentObject> {
        change(context, |session| {
            session.caller().require_known()?;
            valid_id("orderId", &order_id)?;
            let input = PaymentInput {
                order_id: order_id.0,
                payment_method,
                idempotency_key,
            };
            let payment = session.services.payments.pay(session.caller(), &input);
            Ok(PaymentObject(payment?))
        })
    }

    /// Gives back what was paid, in whole or in part, never more than was paid; the order is REFUNDED with the last part. For an ADMIN
    /// or the API key.
    async fn refund_payment(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The id of the payment, which is its order's")] id: ID,
        #[graphql(desc = "In minor units (cents); all that is left where there is none")] amount: Option<i32>,
        #[graphql(desc = "At most 500 characters")] reason: Option<String>,
        #[graphql(desc = "Of your choice, at most 100 characters: the same again asks for the same refund")]
        idempotency_key: Option<String>,
    ) -> Nullable<PaymentObject> {
        change(context, |session| {
            session.caller().require_admin()?;
            valid_id("id", &id)?;
            let input = RefundInput {
                payment_id: id.0,
                amount: amount.map(i64::from),
                reason,
                idempotency_key,
            };
            let payment = session.services.payments.refund(session.caller(), &input);
            Ok(PaymentObject(payment?))
        })
    }
}
