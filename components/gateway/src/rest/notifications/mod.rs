//! What somebody who keeps the shop writes to people.

pub mod shapes;

use http::{Method, StatusCode};
use mercato_shop::notifications::{Email, Sms};

use crate::rest::answer::Answer;
use crate::rest::call::Call;
use crate::rest::operation::{Access, Operation, Refusal};
use shapes::{NewEmail, NewSms, Notification};

/// What there is to do with notifications.
pub fn operations() -> Vec<Operation> {
    let send = |path, name, summary, handler| {
        Operation::new(Method::POST, path, name, summary, Access::Staff, handler)
            .answers::<Notification>(StatusCode::OK)
    };
    vec![
        send(
            &["/api/notification/email"],
            "sendEmail",
            "Send an e-mail at once; the status of the answer's body tells what came of it",
            email,
        )
        .takes::<NewEmail>(),
        send(
            &["/api/notification/sms"],
            "sendSms",
            "Send an SMS at once; the status of the answer's body tells what came of it; UNAVAILABLE where the shop sends none",
            sms,
        )
        .takes::<NewSms>(),
    ]
}

fn email(call: &Call<'_>) -> Result<Answer, Refusal> {
    let input: NewEmail = call.body()?;
    let input = Email {
        to: input.to,
        subject: input.subject,
        text: input.text,
        html: input.html,
        idempotency_key: call.idempotency_key(),
    };
    let sent = call.services().notifications.send_email(call.caller(), &input)?;
    Ok(Answer::changed(&Notification::from(sent))?)
}

fn sms(call: &Call<'_>) -> Result<Answer, Refusal> {
    let input: NewSms = call.body()?;
    let input = Sms {
        to: input.to,
        text: input.text,
        idempotency_key: call.idempotency_key(),
    };
    let sent = call.services().notifications.send_sms(call.caller(), &input)?;
    Ok(Answer::changed(&Notification::from(sent))?)
}
