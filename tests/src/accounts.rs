//! Registering, signing in, and who sees which users.

use std::sync::Arc;

use anyhow::{Result, ensure};
use libtest_mimic::Trial;
use serde_json::{Value, json};

use crate::client::As;
use crate::tokens;
use crate::trials::trials;
use crate::world::{UNKNOWN_ID, World, check_id, check_time, login, register, unique};

/// The tests of this area.
pub fn tests(world: &Arc<World>) -> Vec<Trial> {
    trials!(
        world,
        "accounts",
        [
            a_new_user_is_a_customer_and_signed_in_at_once,
            the_access_token_is_a_jwt_that_the_api_secret_signed,
            a_registered_user_signs_in_with_the_right_password_only,
            a_user_name_is_unique_whatever_its_case,
            user_names_are_taken_within_their_bounds,
            passwords_are_taken_within_their_bounds,
            a_password_may_hold_any_character,
            a_customer_sees_no_user_but_themselves,
            an_administrator_pages_through_all_users,
            a_user_that_is_not_there_is_told_apart_only_to_an_administrator,
        ]
    )
}

fn a_new_user_is_a_customer_and_signed_in_at_once(world: &World) -> Result<()> {
    let name = unique("New");
    let answer = register(&world.shop, As::Anonymous, &name, "a good password")?;
    let user = answer.data("/registerUser/user")?.clone();
    answer.expect(
        user.get("username") == Some(&json!(name)),
        "the name should be kept as it was given",
    )?;
    answer.expect(
        user.get("role") == Some(&json!("CUSTOMER")),
        "a new user should be a customer",
    )?;
    answer.expect(
        !answer.reply.text().contains("a good password"),
        "a password should never be told",
    )?;
    check_id(answer.text("/registerUser/user/_id")?)?;
    check_time(answer.text("/registerUser/user/createdAt")?)?;
    let token = answer.text("/registerUser/access_token")?;
    let me = world
        .shop
        .query(As::Token(token), "{ me { _id username role createdAt } }")?;
    me.expect(me.data("/me")? == &user, format!("me should be {user}"))
}

fn the_access_token_is_a_jwt_that_the_api_secret_signed(world: &World) -> Result<()> {
    let ada = world.ada()?;
    let claims = tokens::verified(world.shop.secret(), &ada.token)?;
    let seconds = |name: &str| claims.get(name).and_then(Value::as_u64);
    ensure!(
        claims.get("userId") == Some(&json!(ada.id)),
        "userId should be {} in {claims}",
        ada.id
    );
    ensure!(
        claims.get("role") == Some(&json!("CUSTOMER")),
        "role should be CUSTOMER in {claims}"
    );
    ensure!(
        seconds("iat")
            .zip(seconds("exp"))
            .is_some_and(|(issued, expires)| issued < expires),
        "a token should expire after it was issued: {claims}"
    );
    Ok(())
}

fn a_registered_user_signs_in_with_the_right_password_only(world: &World) -> Result<()> {
    let ada = world.ada()?;
    let right = login(&world.shop, &ada.name, &ada.password)?;
    right.expect(
        right.text("/login/user/_id")? == ada.id,
        "the user should be the registered one",
    )?;
    let token = right.text("/login/access_token")?;
    let me = world.shop.query(As::Token(token), "{ me { _id } }")?;
    me.expect(me.text("/me/_id")? == ada.id, "the token should be the user's")?;

    let wrong = login(&world.shop, &ada.name, "not the password")?;
    let unknown = login(&world.shop, &unique("nobody"), "not the password")?;
    let message = wrong.refused("UNAUTHENTICATED")?.get("message").cloned();
    unknown.expect(
        unknown.refused("UNAUTHENTICATED")?.get("message") == message.as_ref(),
        "an unknown user should be told the same as a wrong password",
    )?;
    wrong.expect(wrong.partial("/login")?.is_null(), "login should be null")
}

fn a_user_name_is_unique_whatever_its_case(world: &World) -> Result<()> {
    let ada = world.ada()?;
    for name in [ada.name.clone(), ada.name.to_uppercase()] {
        let answer = register(&world.shop, As::Anonymous, &name, "another password")?;
        answer.refused("CONFLICT")?;
        answer.expect(
            answer.partial("/registerUser")?.is_null(),
            "registerUser should be null",
        )?;
    }
    login(&world.shop, &ada.name, &ada.password)?.text("/login/access_token")?;
    login(&world.shop, &ada.name, "another password")?.refused("UNAUTHENTICATED")?;
    Ok(())
}

fn user_names_are_taken_within_their_bounds(world: &World) -> Result<()> {
    let longest = format!("{:a<64}", unique("long"));
    register(&world.shop, As::Anonymous, &longest, "a good password")?.text("/registerUser/user/_id")?;
    let too_long = format!("{longest}a");
    let within = unique("a");
    for name in [
        "",
        "ab",
        &too_long,
        &format!("{within} b"),
        &format!("{within}\u{7}"),
        &format!("{within}\n"),
        "\0\0\0",
    ] {
        register(&world.shop, As::Anonymous, name, "a good password")?.bad_input("username")?;
    }
    Ok(())
}

fn passwords_are_taken_within_their_bounds(world: &World) -> Result<()> {
    for length in [8, 128] {
        let (name, password) = (unique("bound"), "p".repeat(length));
        register(&world.shop, As::Anonymous, &name, &password)?.text("/registerUser/user/_id")?;
        login(&world.shop, &name, &password)?.text("/login/access_token")?;
    }
    for length in [0, 7, 129, 10_000] {
        let name = unique("bound");
        let answer = register(&world.shop, As::Anonymous, &name, &"p".repeat(length))?;
        answer.bad_input("password")?;
        let taken = world.shop.graphql(
            As::Anonymous,
            "mutation ($n: String!, $p: String!) { login(input: { username: $n, password: $p }) { user { _id } } }",
            json!({ "n": name, "p": "p".repeat(length) }),
        )?;
        taken.expect(
            !taken.codes().is_empty(),
            "a refused user should not be able to sign in",
        )?;
    }
    Ok(())
}

fn a_password_may_hold_any_character(world: &World) -> Result<()> {
    let (name, password) = (unique("unicode"), " pässwörd 密码 🔑\u{0} \"'\\ ");
    register(&world.shop, As::Anonymous, &name, password)?.text("/registerUser/user/_id")?;
    login(&world.shop, &name, password)?.text("/login/access_token")?;
    login(&world.shop, &name, password.trim())?.refused("UNAUTHENTICATED")?;
    Ok(())
}

fn a_customer_sees_no_user_but_themselves(world: &World) -> Result<()> {
    let (ada, bob) = (world.ada()?, world.bob()?);
    let query = "query ($id: ID!) {
        users { _id } user(id: $id) { _id username } userConnection { edges { node { _id } } pageInfo { hasNextPage } } }";
    let answer = world.shop.graphql(ada.caller(), query, json!({ "id": ada.id }))?;
    answer.expect(
        answer.column("/users", "/_id")? == [json!(ada.id)],
        "users should be the caller alone",
    )?;
    answer.expect(
        answer.text("/user/username")? == ada.name,
        "user should be the caller",
    )?;
    answer.expect(
        answer.column("/userConnection/edges", "/node/_id")? == [json!(ada.id)],
        "the connection should hold the caller alone",
    )?;
    let other = world.shop.graphql(
        ada.caller(),
        "query ($id: ID!) { user(id: $id) { _id } }",
        json!({ "id": bob.id }),
    )?;
    other.refused("FORBIDDEN")?;
    other.expect(
        other.partial("/user")?.is_null(),
        "another's record should be null",
    )
}

fn an_administrator_pages_through_all_users(world: &World) -> Result<()> {
    let expected = [world.register("page")?.id, world.register("page")?.id];
    let query = "query ($after: String) { userConnection(first: 100, after: $after) {
        edges { cursor node { _id } } pageInfo { hasNextPage endCursor } } }";
    let mut found: Vec<String> = Vec::new();
    let mut after = Value::Null;
    loop {
        let answer = world.shop.graphql(As::Key, query, json!({ "after": after }))?;
        for id in answer.column("/userConnection/edges", "/node/_id")? {
            found.push(id.as_str().unwrap_or_default().to_owned());
        }
        if answer.data("/userConnection/pageInfo/hasNextPage")? == &json!(false) {
            break;
        }
        after = answer.data("/userConnection/pageInfo/endCursor")?.clone();
        answer.expect(
            after.is_string(),
            "a page with a next one should have an end cursor",
        )?;
        ensure!(found.len() < 200_000, "the pages should come to an end");
    }
    let all = found.len();
    ensure!(
        expected.iter().all(|id| found.contains(id)),
        "{expected:?} should be on one of the pages"
    );
    found.sort();
    found.dedup();
    ensure!(found.len() == all, "no user should be on two pages");
    Ok(())
}

fn a_user_that_is_not_there_is_told_apart_only_to_an_administrator(world: &World) -> Result<()> {
    let query = "query ($id: ID!) { user(id: $id) { _id } }";
    let unknown = json!({ "id": UNKNOWN_ID });
    world
        .shop
        .graphql(As::Key, query, unknown.clone())?
        .refused("NOT_FOUND")?;
    world
        .shop
        .graphql(world.root()?.caller(), query, unknown.clone())?
        .refused("NOT_FOUND")?;
    world
        .shop
        .graphql(world.ada()?.caller(), query, unknown.clone())?
        .refused("FORBIDDEN")?;
    world
        .shop
        .graphql(As::Anonymous, query, unknown)?
        .refused("UNAUTHENTICATED")?;
    world
        .shop
        .graphql(As::Key, query, json!({ "id": "not an id" }))?
        .bad_input("id")?;
    Ok(())
}
