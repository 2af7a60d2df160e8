//! Mails that the shop under test sends, if the tests know the Maildir of its mail server.

use std::sync::Arc;

use anyhow::{Result, ensure};
use libtest_mimic::Trial;
use serde_json::json;

use crate::maildir::{Mail, Mails};
use crate::shop::{Shop, User};
use crate::trials::trial;

/// The tests of this area.
pub fn tests(shop: &Arc<Shop>) -> Vec<Trial> {
    let test = |mails| {
        trial(
            shop,
            "mails::a_verified_address_gets_one_mail_for_each_order",
            move |shop| a_verified_address_gets_one_mail_for_each_order(shop, &mails),
        )
    };
    Mails::of_the_shop().map(test).into_iter().collect()
}

/// Verifies the e-mail address of a user's profile by the code of a mail with this subject.
pub fn verify_email(shop: &Shop, mails: &Mails, user: &User, address: &str, subject: &str) -> Result<()> {
    shop.request_verification(user, "EMAIL")?
        .data("/requestVerification")?;
    let mail = mails.receives(address, subject)?;
    let code: String = mail.text.chars().filter(char::is_ascii_digit).take(6).collect();
    shop.verify(user, "EMAIL", &code)?
        .has("/verify/emailVerified", true)
}

/// Registers a user with a verified address and a German locale. Returns the user and the address.
pub fn german_customer(shop: &Shop, mails: &Mails) -> Result<(User, String)> {
    let user = shop.register("reader")?;
    let address = format!("{}@example.com", user.name);
    let input = json!({ "email": address, "name": "Ada Löwe", "locale": "de-AT" });
    shop.update_profile(&user, 1, input)?.data("/updateUser")?;
    verify_email(shop, mails, &user, &address, "Ihr Code")?;
    let welcome = mails.receives(&address, "Willkommen")?;
    ensure!(welcome.text.starts_with("Guten Tag Ada Löwe,\n"), "{welcome:?}");
    Ok((user, address))
}

fn a_verified_address_gets_one_mail_for_each_order(shop: &Shop, mails: &Mails) -> Result<()> {
    let (user, address) = german_customer(shop, mails)?;
    let order = shop.order(user.caller(), &[(&shop.product(1999, 2)?, 2)])?;
    let placed = mails.receives(&address, &order)?;
    let html = placed.html.as_deref().unwrap_or_default();
    ensure!(
        placed.text.starts_with("Guten Tag Ada Löwe,\n") && html.contains("Ada Löwe"),
        "{placed:?}"
    );
    // The mail of a later event shows that no second mail of the order is pending.
    shop.move_order(&order, "PAID")?;
    mails.receives(&address, "bezahlt")?;
    let of_placed = |mail: &&Mail| mail.subject == placed.subject;
    let count = mails.to(&address)?.iter().filter(of_placed).count();
    ensure!(count == 1, "one mail of the order should arrive, not {count}");
    Ok(())
}
