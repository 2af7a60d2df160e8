//! Messages that staff send.

use http::{Method, StatusCode};

use crate::model::convert::Convert;
use crate::model::notification::{NewEmail, NewSms, Notification};
use crate::rest::answer::Answer;
use crate::rest::body::BodyKind;
use crate::rest::call::Call;
use crate::rest::operation::{Access, Operation, Outcome};

/// Returns the operations of notifications.
pub fn operations() -> Vec<Operation> {
    let send = |path, name, summary, handler| {
        Operation::new(Method::POST, path, name, summary, Access::Staff, handler)
            .answers::<Notification>(StatusCode::OK)
    };
    let email = "Send an e-mail at once. The `status` of the notification shows the outcome";
    let sms = "Send an SMS at once. The `status` of the notification shows the outcome. UNAVAILABLE if the shop sends no SMS";
    vec![
        send(&["/api/notification/email"], "sendEmail", email, send_email)
            .body::<NewEmail>(BodyKind::Required),
        send(&["/api/notification/sms"], "sendSms", sms, send_sms).body::<NewSms>(BodyKind::Required),
    ]
}

fn send_email(call: &Call<'_>) -> Outcome {
    let mut input: NewEmail = call.body()?;
    input.idempotency_key = call.idempotency_key();
    let sent: Notification = call
        .services()
        .notifications
        .send_email(call.caller(), &input.convert())?
        .convert();
    Ok(Answer::uncached(StatusCode::OK, &sent)?)
}

fn send_sms(call: &Call<'_>) -> Outcome {
    let mut input: NewSms = call.body()?;
    input.idempotency_key = call.idempotency_key();
    let sent: Notification = call
        .services()
        .notifications
        .send_sms(call.caller(), &input.convert())?
        .convert();
    Ok(Answer::uncached(StatusCode::OK, &sent)?)
}
