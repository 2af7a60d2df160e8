//! Payments by Stripe's API and mail by SMTP, both by real servers: localstripe, named by `MERCATO_TEST_STRIPE` (host and port), and a
//! mail server that keeps what it takes, named by `MERCATO_TEST_SMTP` and `MERCATO_TEST_SMTP_FOLDER`.

mod side;
mod webhook;

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use libtest_mimic::Trial;
use serde_json::{Value, json};

use self::side::{KEY, Stripe};
use crate::client::{As, Call, Reply};
use crate::concurrency::at_once;
use crate::configured::{Configured, Host, configured_trial};
use crate::letters::reader;
use crate::mails::{Mail, MailServer, Mails};
use crate::own::{Binary, Home, own_trial};
use crate::rest::{call, problem, text, value};
use crate::world::{User, World, unique};

const NEEDS: &str = "needs MERCATO_TEST_STRIPE, MERCATO_TEST_SMTP and MERCATO_TEST_SMTP_FOLDER";
/// What Stripe signs webhooks with.
const SECRET: &str = "whsec_of_the_black_box_tests";
/// How long a change may take to be seen everywhere. Before the first timer of a payment, which would hide a webhook that was lost.
const PATIENCE: Duration = Duration::from_secs(30);

/// Payment methods as localstripe knows them: one that is declined, and one that succeeds.
const DECLINED: &str = "pm_card_chargeCustomerFail";
const VISA: &str = "pm_card_visa";

/// Stripe's webhooks are registered for the whole of a localstripe.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

/// The tests of this area.
pub fn tests() -> Vec<Trial> {
    let trial = |name: &str, test: fn(&Host, &Servers) -> Result<()>| match Servers::from_env() {
        Some(servers) => configured_trial(name, move |host| {
            let _guard = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
            test(host, &servers)
        }),
        // Without servers it is for nobody but those who ask for the tests of a binary.
        None if Binary::from_env().is_none() => vec![own_trial(name, |_| Ok(()))],
        None => vec![
            Trial::test(name, || Ok(()))
                .with_kind(NEEDS)
                .with_ignored_flag(true),
        ],
    };
    [
        trial(
            "stripe::an_order_is_paid_told_by_mail_and_given_back",
            an_order_is_paid_told_by_mail_and_given_back,
        ),
        trial(
            "stripe::a_webhook_that_stripe_signed_makes_an_order_paid",
            webhook::a_webhook_that_stripe_signed_makes_an_order_paid,
        ),
        trial(
            "stripe::what_many_ask_for_at_once_is_done_once",
            what_many_ask_for_at_once_is_done_once,
        ),
    ]
    .into_iter()
    .flatten()
    .collect()
}

#[derive(Clone)]
struct Servers {
    stripe: String,
    mail: MailServer,
}

impl Servers {
    fn from_env() -> Option<Self> {
        Some(Self {
            stripe: std::env::var("MERCATO_TEST_STRIPE").ok()?,
            mail: MailServer::from_env()?,
        })
    }

    /// A shop that takes payments by Stripe and sends mail.
    fn shop(&self, home: &Home, host: &Host) -> Result<Configured> {
        let base = format!("http://{}", self.stripe);
        let settings = [
            ("PAYMENT_GATEWAY", "stripe"),
            ("STRIPE_API_BASE", &*base),
            ("STRIPE_SECRET_KEY", KEY),
            ("STRIPE_WEBHOOK_SECRET", SECRET),
            ("HTTP_CLIENT_HOSTS", &self.stripe),
            ("MERCATO_MAIL", &self.mail.url),
            ("MERCATO_MAIL_FROM", "The Shop <shop@example.com>"),
        ];
        host.start(home, &settings)
    }
}

/// An order of two caps, of 39.98.
fn order(world: &World, user: &User, name: &str) -> Result<String> {
    let product = world.product_of(json!({ "name": name, "price": 1999, "quantity": 2 }))?;
    let body = json!({ "products": [{ "_id": product, "quantity": 2 }] });
    let placed = world
        .shop
        .send_as(user.caller(), call("POST", "/api/orders", body))?;
    placed.expect_status(201)?;
    text(&placed, "/_id")
}

fn pay(world: &World, user: &User, order: &str, method: &str, key: &str) -> Result<Reply> {
    let path = format!("/api/payments/{order}");
    let call = call("POST", path, json!({ "paymentMethod": method })).header("idempotency-key", key);
    world.shop.send_as(user.caller(), call)
}

fn refund(world: &World, order: &str, body: Value, key: &str) -> Result<Reply> {
    let path = format!("/api/payments/{order}/refund");
    let call = call("POST", path, body).header("idempotency-key", key);
    world.shop.send_as(As::Key, call)
}

fn status(world: &World, order: &str) -> Result<String> {
    let call = Call::new("GET", format!("/api/orders/{order}"));
    text(&world.shop.send_as(As::Key, call)?, "/status")
}

/// Waits until something is so.
fn becomes(what: &str, mut is_so: impl FnMut() -> Result<bool>) -> Result<()> {
    let deadline = Instant::now() + PATIENCE;
    while !is_so()? {
        ensure!(Instant::now() < deadline, "{what}");
        std::thread::sleep(Duration::from_millis(100));
    }
    Ok(())
}

fn attempt(status: &str) -> (Value, Value) {
    (json!(status), json!(3998))
}

fn an_order_is_paid_told_by_mail_and_given_back(host: &Host, servers: &Servers) -> Result<()> {
    let (home, stripe) = (Home::new()?, Stripe::new(&servers.stripe));
    let running = servers.shop(&home, host)?;
    let world = World::new(running.shop());
    stripe.send_webhooks("shop", &format!("{}/webhooks/stripe", running.url), SECRET)?;
    let (user, address) = reader(&world, &servers.mail.mails)?;
    let product = unique("Wollmütze");
    let id = order(&world, &user, &product)?;

    // Asking again with the same key asks Stripe for nothing.
    for _ in 0..2 {
        let declined = pay(&world, &user, &id, DECLINED, "declined")?;
        problem(&declined, 402, "PAYMENT_DECLINED")?;
        ensure!(
            text(&declined, "/detail")? == "The payment was declined. Pay with another card.",
            "the customer should hear what to do"
        );
        ensure!(
            stripe.attempts(&id)? == [attempt("requires_payment_method")],
            "{:?}",
            stripe.attempts(&id)?
        );
    }
    // Nor does paying what is paid.
    for key in ["paid", "paid", "again"] {
        let paid = pay(&world, &user, &id, VISA, key)?;
        paid.expect_status(201)?;
        ensure!(
            text(&paid, "/status")? == "succeeded" && value(&paid, "/attempt")? == 2,
            "{}",
            paid.text()
        );
        let attempts = stripe.attempts(&id)?;
        ensure!(
            attempts == [attempt("requires_payment_method"), attempt("succeeded")],
            "{attempts:?}"
        );
    }
    becomes("the order should be paid", || Ok(status(&world, &id)? == "paid"))?;
    is_told_of(&servers.mail.mails, &address, &id, &product)?;
    is_given_back(&world, &stripe, &id)?;

    // What is cancelled is given back in whole, without being asked.
    let other = order(&world, &user, &unique("cap"))?;
    pay(&world, &user, &other, VISA, "other")?.expect_status(201)?;
    let call = Call::new("DELETE", format!("/api/orders/{other}"));
    world.shop.send_as(user.caller(), call)?.expect_status(200)?;
    becomes("the cancelled order should be given back", || {
        Ok(stripe.refunds(&other)? == [3998])
    })?;
    let mails = servers.mail.mails.to(&address)?;
    let of_paid = |mail: &&Mail| mail.subject.contains(&id) && mail.subject.contains("bezahlt");
    ensure!(
        mails.iter().filter(of_paid).count() == 1,
        "it should be told once: {mails:?}"
    );
    running.stop()
}

/// The mail of an order that is paid, read as its customer reads it.
fn is_told_of(mails: &Mails, address: &str, order: &str, product: &str) -> Result<()> {
    let subject = format!("Ihre Bestellung {order} ist bezahlt");
    let mail = mails.receives(address, &subject)?;
    ensure!(mail.subject == subject, "{mail:?}");
    let text = format!(
        "Guten Tag Ada Löwe,\n\nIhre Bestellung {order} ist bezahlt, und wir machen sie fertig:\n\n\
         2 × {product}: 39,98 USD\nGesamt: 39,98 USD\n\n-- \n"
    );
    ensure!(mail.text.starts_with(&text), "{}", mail.text);
    let html = mail.html.context("there should be HTML")?;
    for part in [
        "<html lang=\"de\">",
        "<p>Guten Tag Ada Löwe,</p>",
        &format!("2 × {product}</td>"),
        "39,98 USD</td></tr>",
    ] {
        ensure!(html.contains(part), "{part} should be in {html}");
    }
    Ok(())
}

/// A part of a payment, then the rest, each seen by Stripe once.
fn is_given_back(world: &World, stripe: &Stripe, order: &str) -> Result<()> {
    for _ in 0..2 {
        let part = refund(world, order, json!({ "amount": 1000, "reason": "Torn" }), "part")?;
        part.expect_status(200)?;
        ensure!(value(&part, "/refunded")? == 1000, "{}", part.text());
        ensure!(stripe.refunds(order)? == [1000], "{:?}", stripe.refunds(order)?);
    }
    ensure!(status(world, order)? == "paid", "a part of it is still paid");
    problem(
        &refund(world, order, json!({ "amount": 2999 }), "too much")?,
        400,
        "BAD_USER_INPUT",
    )?;
    for _ in 0..2 {
        let rest = refund(world, order, json!({}), "rest")?;
        rest.expect_status(200)?;
        ensure!(value(&rest, "/refunded")? == 3998, "{}", rest.text());
    }
    problem(
        &refund(world, order, json!({ "amount": 1 }), "more")?,
        409,
        "INVALID_TRANSITION",
    )?;
    ensure!(
        stripe.refunds(order)? == [1000, 2998],
        "{:?}",
        stripe.refunds(order)?
    );
    ensure!(
        stripe.charge(order)?.get("refunded") == Some(&json!(true)),
        "Stripe should see that all is given back"
    );
    becomes("the order should be refunded", || {
        Ok(status(world, order)? == "refunded")
    })
}

fn what_many_ask_for_at_once_is_done_once(host: &Host, servers: &Servers) -> Result<()> {
    let (home, stripe) = (Home::new()?, Stripe::new(&servers.stripe));
    let running = servers.shop(&home, host)?;
    let world = World::new(running.shop());
    let user = world.register("payer")?;
    let id = order(&world, &user, &unique("cap"))?;
    for paid in at_once(8, |window| {
        pay(&world, &user, &id, VISA, &format!("window {window}"))
    })? {
        paid.expect_status(201)?;
        ensure!(value(&paid, "/attempt")? == 1, "{}", paid.text());
    }
    ensure!(
        stripe.attempts(&id)? == [attempt("succeeded")],
        "Stripe should take the money once: {:?}",
        stripe.attempts(&id)?
    );
    let parts = at_once(8, |part| {
        refund(&world, &id, json!({ "amount": 1000 }), &format!("part {part}"))
    })?;
    let given = parts.iter().filter(|part| part.status == 200).count();
    ensure!(given == 3, "3 refunds of 1000 fit into 3998, not {given}");
    becomes("Stripe should give back 3 parts", || {
        Ok(stripe.refunds(&id)? == [1000; 3])
    })?;
    running.stop()
}
