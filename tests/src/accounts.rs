//! Registration, sign-in, and the users that each caller sees.

use std::collections::HashSet;
use std::sync::Arc;

use anyhow::{Result, ensure};
use libtest_mimic::Trial;
use serde_json::{Value, json};

use crate::fixtures::{UNKNOWN_ID, check_id, check_time, unique};
use crate::shop::{As, Shop};
use crate::tokens;
use crate::trials::trials;

/// The tests of this area.
pub fn tests(shop: &Arc<Shop>) -> Vec<Trial> {
    trials!(
        shop,
        "accounts",
        portable = [
            a_new_user_is_a_customer_and_signed_in_at_once,
            a_registered_user_signs_in_with_the_right_password_only,
            an_administrator_pages_through_all_users
        ],
        component = [
            the_access_token_is_a_jwt_signed_with_the_api_secret,
            user_names_have_limits,
            passwords_have_limits,
            a_password_may_contain_any_character,
            a_customer_sees_only_their_own_user,
            only_an_administrator_learns_that_a_user_does_not_exist
        ]
    )
}

fn a_new_user_is_a_customer_and_signed_in_at_once(shop: &Shop) -> Result<()> {
    let name = unique("New");
    let answer = shop.register_as(&name, "a good password")?;
    let user = answer.data("/registerUser/user")?.clone();
    answer.has("/registerUser/user/username", &name)?;
    answer.has("/registerUser/user/role", "CUSTOMER")?;
    answer.expect(
        !answer.http.body().contains("a good password"),
        "the response should not contain the password",
    )?;
    check_id(answer.text("/registerUser/user/_id")?)?;
    check_time(answer.text("/registerUser/user/createdAt")?)?;
    let token = answer.text("/registerUser/access_token")?;
    let me = shop.query(As::Token(token), "{ me { _id username role createdAt } }")?;
    me.has("/me", &user)
}

fn the_access_token_is_a_jwt_signed_with_the_api_secret(shop: &Shop) -> Result<()> {
    let ada = shop.ada()?;
    let claims = tokens::verified(shop.secret(), &ada.token)?;
    let seconds = |name: &str| claims.get(name).and_then(Value::as_u64);
    for (name, expected) in [("userId", json!(ada.id)), ("role", json!("CUSTOMER"))] {
        ensure!(
            claims.get(name) == Some(&expected),
            "{name} should be {expected} in {claims}"
        );
    }
    let times = seconds("iat").zip(seconds("exp"));
    ensure!(
        times.is_some_and(|(issued, expires)| issued < expires),
        "a token should expire after its issue: {claims}"
    );
    Ok(())
}

fn a_registered_user_signs_in_with_the_right_password_only(shop: &Shop) -> Result<()> {
    let ada = shop.ada()?;
    let right = shop.login(&ada.name, &ada.password)?;
    right.has("/login/user/_id", &ada.id)?;
    let token = right.text("/login/access_token")?;
    let me = shop.query(As::Token(token), "{ me { _id } }")?;
    me.has("/me/_id", &ada.id)?;

    let wrong = shop.login(&ada.name, "not the password")?;
    let unknown = shop.login(&unique("nobody"), "not the password")?;
    let message = wrong.refused("UNAUTHENTICATED")?.get("message").cloned();
    unknown.expect(
        unknown.refused("UNAUTHENTICATED")?.get("message") == message.as_ref(),
        "an unknown user and a wrong password should have the same message",
    )?;
    wrong.is_null("/login")
}

fn user_names_have_limits(shop: &Shop) -> Result<()> {
    let longest = format!("{:a<64}", unique("long"));
    shop.register_as(&longest, "a good password")?
        .text("/registerUser/user/_id")?;
    let too_long = format!("{longest}a");
    let valid = unique("a");
    for name in [
        "",
        "ab",
        &too_long,
        &format!("{valid} b"),
        &format!("{valid}\u{7}"),
        &format!("{valid}\n"),
        "\0\0\0",
    ] {
        shop.register_as(name, "a good password")?.bad_input("username")?;
    }
    Ok(())
}

fn passwords_have_limits(shop: &Shop) -> Result<()> {
    let password = |length: usize| "ßaxqmekr".chars().cycle().take(length).collect::<String>();
    for length in [8, 128] {
        let (name, password) = (unique("bound"), password(length));
        shop.register_as(&name, &password)?
            .text("/registerUser/user/_id")?;
        shop.login(&name, &password)?.text("/login/access_token")?;
    }
    for length in [0, 7, 129, 10_000] {
        let name = unique("bound");
        let answer = shop.register_as(&name, &password(length))?;
        answer.bad_input("password")?;
        let sign_in = shop.login(&name, &password(length))?;
        sign_in.expect(
            !sign_in.codes().is_empty(),
            "a refused user should not be able to sign in",
        )?;
    }
    Ok(())
}

fn a_password_may_contain_any_character(shop: &Shop) -> Result<()> {
    let (name, password) = (unique("unicode"), " pässwörd 密码 🔑\u{0} \"'\\ ");
    shop.register_as(&name, password)?
        .text("/registerUser/user/_id")?;
    shop.login(&name, password)?.text("/login/access_token")?;
    shop.login(&name, password.trim())?.refused("UNAUTHENTICATED")?;
    Ok(())
}

fn a_customer_sees_only_their_own_user(shop: &Shop) -> Result<()> {
    let (ada, bob) = (shop.ada()?, shop.bob()?);
    let query = "query ($id: ID!) {
        users { _id } user(id: $id) { _id username } userConnection { edges { node { _id } } pageInfo { hasNextPage } } }";
    let answer = shop.graphql(ada.caller(), query, json!({ "id": ada.id }))?;
    answer.has_column("/users", "/_id", [&ada.id])?;
    answer.has("/user/username", &ada.name)?;
    answer.has_column("/userConnection/edges", "/node/_id", [&ada.id])?;
    let query = "query ($id: ID!) { user(id: $id) { _id } }";
    let other = shop.graphql(ada.caller(), query, json!({ "id": bob.id }))?;
    other.refused("FORBIDDEN")?;
    other.is_null("/user")
}

fn an_administrator_pages_through_all_users(shop: &Shop) -> Result<()> {
    let expected = [shop.register("page")?.id, shop.register("page")?.id];
    let query = "query ($after: String) { userConnection(first: 100, after: $after) {
        edges { cursor node { _id } } pageInfo { hasNextPage endCursor } } }";
    let users = shop.all_nodes(As::Key, query, "/userConnection", json!({}))?;
    let ids: HashSet<_> = users
        .iter()
        .filter_map(|user| user.get("_id")?.as_str())
        .collect();
    ensure!(
        expected.iter().all(|id| ids.contains(id.as_str())),
        "{expected:?} should be on one of the pages"
    );
    ensure!(ids.len() == users.len(), "no user should be on two pages");
    Ok(())
}

fn only_an_administrator_learns_that_a_user_does_not_exist(shop: &Shop) -> Result<()> {
    let query = "query ($id: ID!) { user(id: $id) { _id } }";
    for (caller, code) in [
        (As::Key, "NOT_FOUND"),
        (shop.root()?.caller(), "NOT_FOUND"),
        (shop.ada()?.caller(), "FORBIDDEN"),
        (As::Anonymous, "UNAUTHENTICATED"),
    ] {
        shop.graphql(caller, query, json!({ "id": UNKNOWN_ID }))?
            .refused(code)?;
    }
    shop.graphql(As::Key, query, json!({ "id": "not an id" }))?
        .bad_input("id")?;
    Ok(())
}
