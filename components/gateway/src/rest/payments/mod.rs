//! Payments. An order has at most one, which has the order's id.

pub mod shapes;
mod webhook;

use http::{Method, StatusCode};
use mercato_shop::payments::{Payment as Found, PaymentInput, RefundInput};
use mercato_shop::types::Error;

use crate::rest::answer::Answer;
use crate::rest::call::Call;
use crate::rest::operation::{Access, Operation, Refusal};
use crate::rest::precondition::tag;
pub use webhook::STRIPE;

use shapes::{NewPayment, Payment, RefundWanted};

const PAYMENT: &[&str] = &["/api/payments/{id}"];

/// What there is to do with payments.
pub fn operations() -> Vec<Operation> {
    use Access::{Known, Staff};
    let read = |paths, name, summary| {
        Operation::new(Method::GET, paths, name, summary, Known, get).answers::<Payment>(StatusCode::OK)
    };
    vec![
        Operation::new(
            Method::POST,
            PAYMENT,
            "payOrder",
            "Pay a pending order in full, by the order's id; PAYMENT_DECLINED where that fails, and another attempt may be made",
            Known,
            pay,
        )
        .takes::<NewPayment>()
        .answers::<Payment>(StatusCode::CREATED),
        read(PAYMENT, "getPayment", "One payment"),
        read(
            &["/api/payments/order/{id}"],
            "getPaymentOfOrder",
            "The payment of an order; NOT_FOUND where nobody has tried to pay it",
        ),
        Operation::new(
            Method::POST,
            &["/api/payments/{id}/refund"],
            "refundPayment",
            "Give back what was paid, in whole or in part, never more than was paid",
            Staff,
            refund,
        )
        .may_take::<RefundWanted>()
        .answers::<Payment>(StatusCode::OK),
        webhook::operation(),
    ]
}

fn pay(call: &Call<'_>) -> Result<Answer, Refusal> {
    let order_id = call.id()?;
    let input: NewPayment = call.body()?;
    let input = PaymentInput {
        order_id,
        payment_method: input.payment_method,
        idempotency_key: call.idempotency_key(),
    };
    let payment = call.services().payments.pay(call.caller(), &input)?;
    let (location, tag) = (format!("/api/payments/{}", payment.id), tag(payment.version));
    Ok(Answer::created(location, &Payment::from(payment))?.tagged(tag))
}

fn refund(call: &Call<'_>) -> Result<Answer, Refusal> {
    let payment_id = call.id()?;
    let wanted: RefundWanted = call.body_or_default()?;
    let input = RefundInput {
        payment_id,
        amount: wanted.amount,
        reason: wanted.reason,
        idempotency_key: call.idempotency_key(),
    };
    let payment = call.services().payments.refund(call.caller(), &input)?;
    let tag = tag(payment.version);
    Ok(Answer::changed(&Payment::from(payment))?.tagged(tag))
}

fn get(call: &Call<'_>) -> Result<Answer, Refusal> {
    let payment = found(call, call.id()?)?;
    let tag = tag(payment.version);
    Ok(Answer::own(&Payment::from(payment))?.tagged(tag))
}

fn found(call: &Call<'_>, id: String) -> Result<Found, Refusal> {
    let ids = [id];
    let mut answers = call.services().payments.get_many(call.caller(), &ids)?;
    let [id] = ids;
    let found = answers.pop().transpose()?.flatten();
    found.ok_or_else(|| Error::NotFound(format!("There is no payment {id}.")).into())
}
