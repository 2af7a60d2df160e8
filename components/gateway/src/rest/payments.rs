//! Payments. An order has at most one payment, with the id of the order.

use http::{Method, StatusCode};
use mercato_shop::payments::{PaymentInput, RefundInput};
use mercato_shop::types::Error;

use crate::model::convert::Convert;
use crate::model::payment::{NewPayment, NewRefund, Payment};
use crate::rest::answer::Answer;
use crate::rest::body::BodyKind;
use crate::rest::call::{Call, only};
use crate::rest::operation::{Access, Operation, Outcome};
use crate::rest::versioned::Versioned;

const PAYMENT: &[&str] = &["/api/payments/{id}"];

/// Returns the operations of payments.
pub fn operations() -> Vec<Operation> {
    use Access::{Authenticated, Staff};
    let read = |paths, name, summary| {
        Operation::new(Method::GET, paths, name, summary, Authenticated, get)
            .answers::<Payment>(StatusCode::OK)
    };
    vec![
        Operation::new(
            Method::POST,
            PAYMENT,
            "payOrder",
            "Pay a pending order in full, by the order's id. PAYMENT_DECLINED if that fails, and another attempt can follow",
            Authenticated,
            pay,
        )
        .body::<NewPayment>(BodyKind::Required)
        .answers::<Payment>(StatusCode::CREATED)
        .fails(StatusCode::PAYMENT_REQUIRED),
        read(PAYMENT, "getPayment", "Read a payment"),
        read(
            &["/api/payments/order/{id}"],
            "getPaymentOfOrder",
            "Read the payment of an order. NOT_FOUND if there was no attempt to pay",
        ),
        Operation::new(
            Method::POST,
            &["/api/payments/{id}/refund"],
            "refundPayment",
            "Refund a payment or a part of it, never more than was paid",
            Staff,
            refund,
        )
        .body::<NewRefund>(BodyKind::Optional)
        .answers::<Payment>(StatusCode::OK),
    ]
}

fn pay(call: &Call<'_>) -> Outcome {
    let order_id = call.id()?;
    let input: NewPayment = call.body()?;
    let input = PaymentInput {
        order_id,
        payment_method: input.payment_method,
        idempotency_key: call.idempotency_key(),
    };
    let payment: Payment = call.services().payments.pay(call.caller(), &input)?.convert();
    Ok(Answer::created(&payment)?)
}

fn refund(call: &Call<'_>) -> Outcome {
    let payment_id = call.id()?;
    let input: NewRefund = call.body_or_default()?;
    let input = RefundInput {
        payment_id,
        amount: input.amount,
        reason: input.reason,
        idempotency_key: call.idempotency_key(),
    };
    let payment: Payment = call.services().payments.refund(call.caller(), &input)?.convert();
    Ok(Answer::changed(&payment)?)
}

fn get(call: &Call<'_>) -> Outcome {
    let ids = [call.id()?];
    let found = only(call.services().payments.get_many(call.caller(), &ids)?)?;
    let [id] = ids;
    let missing = || Error::NotFound(format!("There is no payment {id}."));
    let payment: Payment = found.ok_or_else(missing)?.convert();
    Ok(Answer::private(&payment)?.tagged(payment.tag()))
}
