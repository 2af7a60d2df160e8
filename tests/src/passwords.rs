//! Passwords that are guessed first are rejected, and hashing passwords slows nobody else.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Result, ensure};
use libtest_mimic::Trial;
use serde_json::json;

use crate::binary::{Binary, binary_trials};
use crate::fixtures::unique;
use crate::http::Request;
use crate::parallel::at_once;
use crate::process::{Home, Running};
use crate::shop::{As, Shop};
use crate::trials::trials;

const GOOD: &str = "seven green umbrellas";

/// The tests of this area.
pub fn tests(shop: &Arc<Shop>) -> Vec<Trial> {
    let mut trials = trials!(
        shop,
        "passwords",
        component = [
            passwords_that_are_guessed_first_are_rejected,
            passwords_made_of_the_users_names_are_rejected,
            a_new_password_obeys_the_rules_too
        ]
    );
    trials.extend(binary_trials!(
        "passwords",
        [registrations_beyond_the_queue_are_refused_while_lists_go_on]
    ));
    trials
}

fn passwords_that_are_guessed_first_are_rejected(shop: &Shop) -> Result<()> {
    for password in [
        "password",
        "PASSWORD",
        "12345678",
        "qwertyuiop",
        "iloveyou",
        "P@ssw0rd",
        "Password2024!",
        "1q2w3e4r",
        "zzzzzzzzzz",
        "abcabcabcabc",
        "hijklmnop",
        "99999999xyz",
        "mercato123",
        "Mercato!2024",
    ] {
        shop.register_as(&unique("weak"), password)?
            .bad_input("password")?;
    }
    Ok(())
}

fn passwords_made_of_the_users_names_are_rejected(shop: &Shop) -> Result<()> {
    let name = unique("lovelace");
    for password in [
        name.clone(),
        name.to_uppercase(),
        format!("{name}123"),
        format!("!{name}-{name}"),
    ] {
        shop.register_as(&name, &password)?.bad_input("password")?;
    }
    let body =
        json!({ "email": format!("{name}@countess.example"), "password": format!("{name}-countess1") });
    let response = shop.send(Request::json("POST", "/api/users/register", &body))?;
    response.problem(400, "BAD_USER_INPUT")?;
    shop.register_as(&name, &format!("{name} likes {GOOD}"))?
        .text("/registerUser/user/_id")?;
    Ok(())
}

fn a_new_password_obeys_the_rules_too(shop: &Shop) -> Result<()> {
    let user = shop.register("rules")?;
    let change = |new: &str| {
        let query = "mutation ($input: ChangePasswordInput!) { changePassword(input: $input) { _id } }";
        let input = json!({ "current": user.password, "new": new });
        shop.graphql(user.caller(), query, json!({ "input": input }))
    };
    for password in ["password1", "aaaabbbbcccc", &format!("{}99", user.name)] {
        change(password)?.bad_input("new")?;
    }
    change(GOOD)?.text("/changePassword/_id")?;
    Ok(())
}

fn registrations_beyond_the_queue_are_refused_while_lists_go_on(binary: &Binary) -> Result<()> {
    const LISTS: usize = 30;
    let home = Home::new()?;
    let running = Running::start(&home, binary.up(&home).env("REGISTRATION_LIMIT", "off"))?;
    let shop = running.shop();
    shop.product(10, 5)?;
    let processors = std::thread::available_parallelism()?.get();
    let (clients, ended) = (2 * (processors + 16), AtomicBool::new(false));
    let outcomes = std::thread::scope(|scope| {
        let registrations = scope.spawn(|| {
            at_once(clients, |client| {
                let (mut registered, mut refused) = (Vec::new(), 0);
                while !ended.load(Ordering::SeqCst) {
                    let name = unique("flood");
                    if is_registered(&shop, &name, client % 2 == 0)? {
                        registered.push(name);
                    } else {
                        refused += 1;
                    }
                }
                Ok((registered, refused))
            })
        });
        let list = || {
            let list = "{ productConnection(first: 20) { edges { node { _id name price } } } }";
            let answer = shop.query(As::Anonymous, list)?;
            answer.list("/productConnection/edges").map(drop)
        };
        let listed = (0..LISTS).try_for_each(|_| list());
        ended.store(true, Ordering::SeqCst);
        let outcomes = registrations.join();
        listed?;
        outcomes.map_err(|_| anyhow::anyhow!("a client panicked"))?
    })?;
    let registered: Vec<_> = outcomes.iter().flat_map(|(names, _)| names).collect();
    let refused: usize = outcomes.iter().map(|(_, refused)| refused).sum();
    ensure!(!registered.is_empty(), "some registrations should succeed");
    ensure!(
        refused > 0,
        "some of {clients} registrations at once should be refused"
    );
    for name in registered.iter().take(2) {
        shop.login(name, GOOD)?.text("/login/access_token")?;
    }
    running.stop()
}

/// Registers a user. Returns whether the shop did. It may only refuse with RATE_LIMITED, and says when to repeat.
fn is_registered(shop: &Shop, name: &str, graphql: bool) -> Result<bool> {
    if graphql {
        let answer = shop.register_as(name, GOOD)?;
        if answer.errors().is_empty() {
            return Ok(true);
        }
        let error = answer.refused("RATE_LIMITED")?;
        let seconds = error
            .pointer("/extensions/retryAfter")
            .and_then(serde_json::Value::as_u64);
        answer.expect(seconds >= Some(1), "the refusal should say when to repeat")?;
        return Ok(false);
    }
    let body = json!({ "username": name, "password": GOOD });
    let response = shop.send(Request::json("POST", "/api/users/register", &body))?;
    if response.status == 201 {
        return Ok(true);
    }
    response.problem(429, "RATE_LIMITED")?;
    response.expect(
        response.header("retry-after").is_some(),
        "the refusal should say when to repeat",
    )?;
    Ok(false)
}
