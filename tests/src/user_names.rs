//! User names by RFC 8265, and passwords however they were typed.

use std::sync::Arc;

use anyhow::Result;
use libtest_mimic::Trial;
use serde_json::json;

use crate::fixtures::unique;
use crate::shop::{As, Shop};
use crate::trials::trials;

/// The tests of this area.
pub fn tests(shop: &Arc<Shop>) -> Vec<Trial> {
    trials!(
        shop,
        "user_names",
        portable = [names_that_look_the_same_are_one_account],
        component = [
            names_with_invisible_characters_are_refused,
            names_of_people_have_no_invisible_characters,
            a_password_works_however_it_was_typed
        ]
    )
}

const PASSWORD: &str = "a good password";

fn names_that_look_the_same_are_one_account(shop: &Shop) -> Result<()> {
    for (one, other) in [
        ("jose\u{301}", "josé"),
        ("Straße", "STRASSE"),
        ("ΣΊΣΥΦΟΣ", "σίσυφος"),
        ("Ａｄａ", "ada"),
        ("АННА", "анна"),
    ] {
        let suffix = unique("");
        let (one, other) = (format!("{one}{suffix}"), format!("{other}{suffix}"));
        let first = shop.register_as(&one, PASSWORD)?;
        let id = first.text("/registerUser/user/_id")?;
        shop.register_as(&other, PASSWORD)?.refused("CONFLICT")?;
        for name in [&one, &other] {
            shop.login(name, PASSWORD)?.has("/login/user/_id", id)?;
        }
    }
    Ok(())
}

fn names_with_invisible_characters_are_refused(shop: &Shop) -> Result<()> {
    for (name, word) in [
        ("bo\u{200B}ss", "U+200B"),
        ("bo\u{200D}ss", "U+200D"),
        ("bo\u{2060}ss", "U+2060"),
        ("bo\u{AD}ss", "U+00AD"),
        ("\u{FEFF}boss", "U+FEFF"),
        ("boss\u{202E}", "U+202E"),
        ("boss\u{2067}", "U+2067"),
        ("boss\u{200F}", "U+200F"),
        ("boss👑", "U+1F451"),
        ("bossאבג", "right to left"),
    ] {
        let answer = shop.register_as(name, PASSWORD)?;
        let error = answer.bad_input("username")?;
        let message = error.get("message").and_then(|message| message.as_str());
        answer.expect(
            message.is_some_and(|message| message.contains(word)),
            format!("the message should have {word}"),
        )?;
    }
    for name in ["王小明", "สวัสดี", "o'neil"] {
        shop.register_as(&format!("{name}{}", unique("")), PASSWORD)?
            .text("/registerUser/user/_id")?;
    }
    Ok(())
}

fn names_of_people_have_no_invisible_characters(shop: &Shop) -> Result<()> {
    let user = shop.register("person")?;
    for name in ["A\u{202E}da", "A\u{200B}da", "Ada\u{2066}"] {
        shop.update_profile(&user, 1, json!({ "name": name }))?
            .bad_input("name")?;
    }
    shop.update_profile(&user, 1, json!({ "name": "Ada 👩\u{200D}🚀" }))?
        .has("/updateUser/name", "Ada 👩\u{200D}🚀")?;
    let product = json!({ "name": "Sock\u{202E}", "price": 1, "quantity": 1 });
    shop.create_product(As::Key, product)?.bad_input("name")?;
    let product = json!({ "name": unique("👩\u{200D}🚀 shirt"), "price": 1, "quantity": 1 });
    shop.create_product(As::Key, product)?
        .text("/createProduct/_id")?;
    Ok(())
}

fn a_password_works_however_it_was_typed(shop: &Shop) -> Result<()> {
    let name = unique("typed");
    shop.register_as(&name, "cafe\u{301}\u{3000}con leche")?
        .text("/registerUser/user/_id")?;
    for password in ["café con leche", "cafe\u{301}\u{A0}con\u{2003}leche"] {
        shop.login(&name, password)?.text("/login/access_token")?;
    }
    shop.login(&name, "cafe con leche")?.refused("UNAUTHENTICATED")?;
    Ok(())
}
