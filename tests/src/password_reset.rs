//! New passwords by mail, and sign-in by e-mail address.

use std::sync::Arc;
use std::thread::sleep;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use libtest_mimic::Trial;
use serde_json::json;

use crate::binary::{Binary, binary_trials};
use crate::fixtures::unique;
use crate::graphql::GraphqlResponse;
use crate::maildir::Mails;
use crate::mails::verify_email;
use crate::process::{Home, Running};
use crate::shop::{As, Shop, User};
use crate::trials::{trial, trials};

/// The tests of this area.
pub fn tests(shop: &Arc<Shop>) -> Vec<Trial> {
    let with_mails = |mails| {
        trial(
            shop,
            "password_reset::a_mail_has_a_token_for_one_new_password",
            move |shop| a_mail_has_a_token_for_one_new_password(shop, &mails),
        )
    };
    let with_mails = Mails::of_the_shop().map(with_mails);
    let on_shop = trials!(
        shop,
        "password_reset",
        portable = [an_address_of_a_registration_signs_in_at_once],
        component = [
            nothing_tells_whether_an_address_has_an_account,
            a_wrong_token_changes_nothing
        ]
    );
    let on_binary = binary_trials!(
        "password_reset",
        [
            a_link_in_the_mail_sets_a_new_password,
            an_address_belongs_to_the_user_who_verified_it,
            requests_are_rate_limited
        ]
    );
    with_mails.into_iter().chain(on_shop).chain(on_binary).collect()
}

const NEW: &str = "battery staple";

fn request(shop: &Shop, email: &str) -> Result<GraphqlResponse> {
    let query = "mutation ($email: String!) { requestPasswordReset(email: $email) { validForSeconds } }";
    shop.graphql(As::Anonymous, query, json!({ "email": email }))
}

fn reset(shop: &Shop, token: &str, password: &str) -> Result<GraphqlResponse> {
    let query = "mutation ($token: String!, $password: String!) {
        resetPassword(token: $token, password: $password) { id username } }";
    let variables = json!({ "token": token, "password": password });
    shop.graphql(As::Anonymous, query, variables)
}

fn login_by_email(shop: &Shop, email: &str, password: &str) -> Result<GraphqlResponse> {
    let query = "mutation ($input: LoginInput!) { login(input: $input) { access_token user { _id } } }";
    let input = json!({ "email": email, "password": password });
    shop.graphql(As::Anonymous, query, json!({ "input": input }))
}

/// Registers a user with a verified address. Returns the user and the address.
fn reachable(shop: &Shop, mails: &Mails) -> Result<(User, String)> {
    let user = shop.register("reset")?;
    let address = format!("{}@example.com", user.name);
    shop.update_profile(&user, 1, json!({ "email": address }))?
        .data("/updateUser")?;
    verify_email(shop, mails, &user, &address, "Your code")?;
    Ok((user, address))
}

/// Returns the word of 43 letters in a text.
fn token(text: &str) -> Result<&str> {
    let is_token = |word: &&str| word.len() == 43;
    let words = text.split(|char: char| !char.is_ascii_alphanumeric() && !"-_".contains(char));
    words.into_iter().find(is_token).context("the mail has a token")
}

fn a_mail_has_a_token_for_one_new_password(shop: &Shop, mails: &Mails) -> Result<()> {
    let (user, address) = reachable(shop, mails)?;
    login_by_email(shop, &address.to_uppercase(), &user.password)?.has("/login/user/_id", &user.id)?;
    request(shop, &address)?.has("/requestPasswordReset/validForSeconds", 1_800)?;
    let mail = mails.receives(&address, "Set a new password")?;
    let token = token(&mail.text)?;
    reset(shop, token, "short")?.bad_input("password")?;
    reset(shop, token, NEW)?.has("/resetPassword/username", &user.name)?;
    reset(shop, token, NEW)?.bad_input("token")?;
    shop.query(user.caller(), "{ me { _id } }")?
        .refused("UNAUTHENTICATED")?;
    shop.login(&user.name, &user.password)?
        .refused("UNAUTHENTICATED")?;
    login_by_email(shop, &address, NEW)?.has("/login/user/_id", &user.id)?;
    let query = "query ($id: ID!) {
        auditLog(filter: { action: PASSWORD_RESET, subject: $id }) { edges { node { actor } } } }";
    shop.graphql(As::Key, query, json!({ "id": user.id }))?
        .has_column("/auditLog/edges", "/node/actor", [&user.id])
}

fn an_address_of_a_registration_signs_in_at_once(shop: &Shop) -> Result<()> {
    let address = format!("{}@example.com", unique("New.Customer"));
    let (first, second) = ("a good password", "another good password");
    let register = |password: &str| {
        let body = json!({ "email": address, "name": "Ada", "password": password });
        let answer = shop.rest(As::Anonymous, "POST", "/api/users/register", body)?;
        answer.expect_status(201)?;
        answer.text("/user/_id")
    };
    // An address that nobody has verified is nobody's: each account has its own password.
    let ids = [register(first)?, register(second)?];
    for (id, password) in ids.iter().zip([first, second]) {
        let body = json!({ "email": address.to_lowercase(), "password": password });
        let answer = shop.rest(As::Anonymous, "POST", "/api/users/login", body)?;
        answer.expect_status(200)?;
        answer.has("/user/_id", id)?;
    }
    login_by_email(shop, &address, "a wrong password")?.refused("UNAUTHENTICATED")?;
    Ok(())
}

fn nothing_tells_whether_an_address_has_an_account(shop: &Shop) -> Result<()> {
    let address = format!("{}@example.com", unique("unverified"));
    let body = json!({ "email": address, "password": "a good password" });
    shop.rest(As::Anonymous, "POST", "/api/users/register", body)?
        .expect_status(201)?;
    let unknown = format!("{}@example.com", unique("nobody"));
    for address in [address, unknown] {
        request(shop, &address)?.has("/requestPasswordReset", json!({ "validForSeconds": 1_800 }))?;
    }
    let path = "/api/users/password-reset";
    let body = json!({ "email": format!("{}@example.com", unique("nobody")) });
    let answer = shop.rest(As::Anonymous, "POST", path, body)?;
    answer.expect_status(202)?;
    answer.has("", json!({ "validForSeconds": 1_800 }))?;
    for invalid in ["", "ada", "a\u{202E}da@example.com"] {
        request(shop, invalid)?.bad_input("email")?;
    }
    Ok(())
}

fn a_wrong_token_changes_nothing(shop: &Shop) -> Result<()> {
    for token in ["", "x", &"x".repeat(43), &"x".repeat(10_000)] {
        reset(shop, token, NEW)?.bad_input("token")?;
    }
    let body = json!({ "token": "x", "password": NEW });
    shop.rest(As::Anonymous, "POST", "/api/users/password-reset/confirm", body)?
        .problem(400, "BAD_USER_INPUT")
}

/// Starts a shop that writes its mails to its data folder.
fn start(binary: &Binary, home: &Home, settings: &[(&str, &str)]) -> Result<Running> {
    Running::start(home, binary.up(home).envs(settings.iter().copied()))
}

fn a_link_in_the_mail_sets_a_new_password(binary: &Binary) -> Result<()> {
    let home = Home::new()?;
    let page = ("PASSWORD_RESET_URL", "https://shop.example/reset?token={token}");
    let running = start(binary, &home, &[page, ("PASSWORD_RESET_SECONDS", "2")])?;
    let (shop, mails) = (running.shop(), Mails::in_data(&home));
    let (user, address) = reachable(&shop, &mails)?;
    request(&shop, &address)?.has("/requestPasswordReset/validForSeconds", 2)?;
    let mail = mails.receives(&address, "Set a new password")?;
    let (_, link) = mail
        .text
        .split_once("https://shop.example/reset?token=")
        .context("the mail has the link")?;
    let token = token(link)?;
    sleep(Duration::from_secs(2));
    reset(&shop, token, NEW)?.bad_input("token")?;
    running.stop()?;

    let running = start(binary, &home, &[page])?;
    let shop = running.shop();
    shop.login(&user.name, &user.password)?
        .text("/login/access_token")?;
    let other = reachable(&shop, &mails)?.1;
    request(&shop, &other)?.data("/requestPasswordReset")?;
    let mail = mails.receives(&other, "Set a new password")?;
    reset(&shop, self::token(&mail.text)?, NEW)?.text("/resetPassword/id")?;
    login_by_email(&shop, &other, NEW)?.text("/login/access_token")?;
    running.stop()
}

fn an_address_belongs_to_the_user_who_verified_it(binary: &Binary) -> Result<()> {
    let home = Home::new()?;
    let running = start(binary, &home, &[])?;
    let (shop, mails) = (running.shop(), Mails::in_data(&home));
    let other = shop.register("other")?;
    let (user, address) = reachable(&shop, &mails)?;
    login_by_email(&shop, &address, &user.password)?.has("/login/user/_id", &user.id)?;
    let same = address.to_uppercase();
    shop.update_profile(&other, 1, json!({ "email": same }))?
        .data("/updateUser")?;
    login_by_email(&shop, &address, &other.password)?.refused("UNAUTHENTICATED")?;
    shop.request_verification(&other, "EMAIL")?
        .data("/requestVerification")?;
    let code = mails.receives(&same, "Your code")?.text;
    let code: String = code.chars().filter(char::is_ascii_digit).take(6).collect();
    shop.verify(&other, "EMAIL", &code)?.refused("CONFLICT")?;
    let body = json!({ "email": same, "password": "a good password" });
    shop.rest(As::Anonymous, "POST", "/api/users/register", body)?
        .problem(409, "CONFLICT")?;
    let found = shop.query(As::Key, &format!("{{ findUser(email: \"{address}\") {{ id }} }}"))?;
    found.has("/findUser/id", &user.id)?;
    running.stop()
}

fn requests_are_rate_limited(binary: &Binary) -> Result<()> {
    let home = Home::new()?;
    let running = start(binary, &home, &[("SIGN_IN_FAILURES", "2")])?;
    let (shop, mails) = (running.shop(), Mails::in_data(&home));
    let (_, address) = reachable(&shop, &mails)?;
    for address in [&address, "nobody@example.com"] {
        for _ in 0..2 {
            request(&shop, address)?.data("/requestPasswordReset")?;
        }
        request(&shop, address)?.refused("RATE_LIMITED")?;
    }
    let count = mails
        .to(&address)?
        .iter()
        .filter(|mail| mail.subject.contains("password"))
        .count();
    ensure!(
        count <= 1,
        "at most one mail a minute should be sent, not {count}"
    );
    let query = "{ auditLog(filter: { action: PASSWORD_RESET_REQUEST }) { edges { cursor } } }";
    let log = shop.query(As::Key, query)?;
    log.expect(
        log.list("/auditLog/edges")?.len() == 4,
        "each admitted request should be in the audit log",
    )?;
    running.stop()
}
