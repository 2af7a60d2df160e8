//! REST: what those who keep the shop write to people. Shops under test may send SMS or not.

use std::sync::Arc;

use anyhow::{Result, ensure};
use libtest_mimic::Trial;
use serde_json::{Value, json};

use crate::client::{As, Reply};
use crate::rest::{ask, call, problem, text, value};
use crate::trials::trials;
use crate::world::{World, check_time, unique};

const EMAIL: &str = "/api/notification/email";
const SMS: &str = "/api/notification/sms";

/// The tests of this area.
pub fn tests(world: &Arc<World>) -> Vec<Trial> {
    trials!(
        world,
        "rest_notifications",
        [
            an_email_is_sent_once_for_a_key,
            what_can_not_be_sent_is_a_problem,
            nobody_but_keepers_writes_to_people,
        ]
    )
}

fn letter() -> Value {
    json!({ "to": "ada@example.com", "subject": "News", "text": "There is news.", "html": "<p>There is news.</p>" })
}

fn an_email_is_sent_once_for_a_key(world: &World) -> Result<()> {
    let key = unique("news");
    let send = |body: Value| -> Result<Reply> {
        let call = call("POST", EMAIL, body).header("idempotency-key", &key);
        world.shop.send_as(As::Key, call)
    };
    let sent = send(letter())?;
    sent.expect_status(200)?;
    for (name, expected) in [
        ("/kind", json!("message")),
        ("/medium", json!("email")),
        ("/status", json!("sent")),
        ("/recipient", json!("a…@example.com")),
        ("/attempts", json!(1)),
        ("/reason", Value::Null),
    ] {
        let found = value(&sent, name)?;
        ensure!(found == expected, "{name} should be {expected}, not {found}");
    }
    check_time(&text(&sent, "/createdAt")?)?;
    let again = send(letter())?;
    again.expect_status(200)?;
    again.expect(again.text() == sent.text(), || "expected the first answer".into())?;
    again.expect(again.header("idempotency-replayed") == Some("true"), || {
        "expected Idempotency-Replayed".into()
    })?;
    let mut other = letter();
    if let Some(other) = other.as_object_mut() {
        other.insert("subject".into(), json!("Other news"));
    }
    problem(&send(other)?, 422, "IDEMPOTENCY_KEY_REUSED")
}

fn what_can_not_be_sent_is_a_problem(world: &World) -> Result<()> {
    for (path, field, body) in [
        (
            EMAIL,
            "to",
            json!({ "to": "ada", "subject": "News", "text": "News" }),
        ),
        (
            EMAIL,
            "to",
            json!({ "to": "ada@example.com\r\nBcc: eve@example.com", "subject": "News", "text": "News" }),
        ),
        (
            EMAIL,
            "subject",
            json!({ "to": "ada@example.com", "subject": " ", "text": "News" }),
        ),
        (
            EMAIL,
            "bcc",
            json!({ "to": "ada@example.com", "subject": "a", "text": "a", "bcc": "eve@example.com" }),
        ),
        (SMS, "to", json!({ "to": "0151 123", "text": "News" })),
        (
            SMS,
            "text",
            json!({ "to": "+4915112345678", "text": "x".repeat(1_601) }),
        ),
    ] {
        let refused = ask(world, As::Key, "POST", path, body)?;
        problem(&refused, 400, "BAD_USER_INPUT")?;
        ensure!(
            text(&refused, "/errors/0/field")? == field,
            "{path} should be refused for {field}"
        );
    }
    Ok(())
}

fn nobody_but_keepers_writes_to_people(world: &World) -> Result<()> {
    for path in [EMAIL, SMS] {
        for (who, status, code) in [
            (As::Anonymous, 401, "UNAUTHENTICATED"),
            (As::WrongKey, 401, "UNAUTHENTICATED"),
            (world.ada()?.caller(), 403, "FORBIDDEN"),
        ] {
            problem(&ask(world, who, "POST", path, letter())?, status, code)?;
        }
    }
    ask(world, world.root()?.caller(), "POST", EMAIL, letter())?.expect_status(200)?;
    Ok(())
}
