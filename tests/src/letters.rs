//! Mails that the shop under test sends, where it is told what its mail server keeps.

use std::sync::Arc;

use anyhow::{Result, ensure};
use libtest_mimic::Trial;
use serde_json::json;

use crate::client::As;
use crate::mails::{Mail, Mails};
use crate::trials::trial;
use crate::world::{User, World, place_order};

/// The tests of this area.
pub fn tests(world: &Arc<World>) -> Vec<Trial> {
    let test = |mails| {
        trial(
            world,
            "letters::a_code_proves_an_address_and_an_order_is_told_there_once",
            move |world| a_code_proves_an_address_and_an_order_is_told_there_once(world, &mails),
        )
    };
    Mails::of_the_shop().map(test).into_iter().collect()
}

/// A user who reads German, at an address that a mail has verified: the user, and the address.
pub fn reader(world: &World, mails: &Mails) -> Result<(User, String)> {
    let user = world.register("reader")?;
    let address = format!("{}@example.com", user.name);
    let query = "mutation ($id: ID!, $input: UpdateUserInput!) {
        updateUser(id: $id, version: 1, input: $input) { emailVerified } }";
    let input = json!({ "email": address, "name": "Ada Löwe", "locale": "de-AT" });
    let variables = json!({ "id": user.id, "input": input });
    world
        .shop
        .graphql(user.caller(), query, variables)?
        .data("/updateUser")?;
    let query = "mutation { requestVerification(channel: EMAIL) { expiresAt } }";
    world
        .shop
        .query(user.caller(), query)?
        .data("/requestVerification")?;
    let letter = mails.receives(&address, "Ihr Code")?;
    let code: String = letter.text.chars().filter(char::is_ascii_digit).take(6).collect();
    let query = "mutation ($code: String!) { verify(channel: EMAIL, code: $code) { emailVerified } }";
    let verified = world
        .shop
        .graphql(user.caller(), query, json!({ "code": code }))?;
    verified.expect(
        *verified.data("/verify/emailVerified")? == json!(true),
        "the code should fit",
    )?;
    let welcome = mails.receives(&address, "Willkommen")?;
    ensure!(welcome.text.starts_with("Guten Tag Ada Löwe,\n"), "{welcome:?}");
    Ok((user, address))
}

fn a_code_proves_an_address_and_an_order_is_told_there_once(world: &World, mails: &Mails) -> Result<()> {
    let (user, address) = reader(world, mails)?;
    let product = world.product(1999, 2)?;
    let placed = place_order(&world.shop, user.caller(), &[(&product, 2)])?;
    let order = placed.text("/placeOrder/_id")?;
    let told = mails.receives(&address, order)?;
    let html = told.html.as_deref().unwrap_or_default();
    ensure!(
        told.text.starts_with("Guten Tag Ada Löwe,\n") && html.contains("Ada Löwe"),
        "{told:?}"
    );
    // What comes later than this says what comes again.
    let query = "mutation ($id: ID!) { updateOrderStatus(id: $id, status: PAID) { status } }";
    world
        .shop
        .graphql(As::Key, query, json!({ "id": order }))?
        .text("/updateOrderStatus/status")?;
    mails.receives(&address, "bezahlt")?;
    let of_placed = |mail: &&Mail| mail.subject == told.subject;
    let count = mails.to(&address)?.iter().filter(of_placed).count();
    ensure!(count == 1, "it should be told once, and was {count} times");
    Ok(())
}
