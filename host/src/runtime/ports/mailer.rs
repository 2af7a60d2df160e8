//! `mercato:platform/mailer`.

use mercato_ports::mailer::{MailFailure, Message};

use crate::runtime::bindings::mercato::platform::mailer as wit;
use crate::runtime::state::State;

impl wit::Host for State {
    async fn send(&mut self, message: wit::Message) -> wasmtime::Result<Result<(), wit::Failure>> {
        let wit::Message {
            to,
            subject,
            text,
            html,
        } = message;
        let sent = self
            .platform
            .mailer
            .send(Message {
                to,
                subject,
                text,
                html,
            })
            .await;
        Ok(sent.map_err(|failure| match failure {
            MailFailure::Rejected(why) => wit::Failure::Rejected(why),
            MailFailure::Unavailable(why) => wit::Failure::Unavailable(why),
        }))
    }
}
