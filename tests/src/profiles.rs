//! What users change of themselves, and what those who keep the shop change of them.

use std::sync::Arc;

use anyhow::Result;
use libtest_mimic::Trial;
use serde_json::{Value, json};

use crate::answer::Answer;
use crate::client::As;
use crate::sessions::sign_in;
use crate::tokens;
use crate::trials::trials;
use crate::world::{World, check_time, login, place_order, register, unique};

/// The tests of this area.
pub fn tests(world: &Arc<World>) -> Vec<Trial> {
    trials!(
        world,
        "profiles",
        [
            a_profile_is_edited_at_its_version,
            parts_of_a_profile_are_taken_within_their_bounds,
            another_password_ends_the_other_sessions,
            a_wrong_password_changes_nothing,
            codes_are_sent_with_pauses_and_guesses_verify_nothing,
            a_role_is_told_by_the_next_tokens,
            an_export_holds_what_is_kept_and_no_secret,
            of_an_erased_user_an_id_is_left_and_the_name_is_free,
        ]
    )
}

fn update(world: &World, who: As<'_>, id: &str, version: i64, input: Value) -> Result<Answer> {
    let query = "mutation ($id: ID!, $version: Int!, $input: UpdateUserInput!) {
        updateUser(id: $id, version: $version, input: $input) { _id name email phone locale version } }";
    let variables = json!({ "id": id, "version": version, "input": input });
    world.shop.graphql(who, query, variables)
}

fn a_profile_is_edited_at_its_version(world: &World) -> Result<()> {
    let user = world.register("profile")?;
    let input =
        json!({ "name": "Ada", "email": "ada@example.com", "phone": "+4915112345678", "locale": "en-GB" });
    let edited = update(world, user.caller(), &user.id, 1, input)?;
    edited.expect(
        edited.text("/updateUser/email")? == "ada@example.com",
        "it should be kept",
    )?;
    edited.expect(
        edited.int("/updateUser/version")? == 2,
        "the version should move on",
    )?;
    let stale = update(world, user.caller(), &user.id, 1, json!({ "name": "Eve" }))?;
    stale.expect(
        stale.refused("CONFLICT")?.pointer("/extensions/currentVersion") == Some(&json!(2)),
        "the error should tell the current version",
    )?;
    let less = update(world, As::Key, &user.id, 2, json!({ "phone": "" }))?;
    less.expect(
        less.data("/updateUser/phone")?.is_null(),
        "an empty text takes it away",
    )?;
    let me = world
        .shop
        .query(user.caller(), "{ me { name email phone locale erasedAt } }")?;
    let expected = json!({ "name": "Ada", "email": "ada@example.com", "phone": null, "locale": "en-GB", "erasedAt": null });
    me.expect(me.data("/me")? == &expected, format!("me should be {expected}"))
}

fn parts_of_a_profile_are_taken_within_their_bounds(world: &World) -> Result<()> {
    let user = world.register("bounds")?;
    for (field, bad) in [
        ("name", " "),
        ("name", "a\nb"),
        ("email", "ada"),
        ("email", "ada@example.com\r\nBcc: eve@example.com"),
        ("phone", "0151 123"),
        ("locale", "english"),
    ] {
        update(world, user.caller(), &user.id, 1, json!({ field: bad }))?.bad_input(field)?;
    }
    update(world, user.caller(), &user.id, -1, json!({}))?.bad_input("version")?;
    update(world, As::Key, "nonsense", 1, json!({}))?.bad_input("id")?;
    Ok(())
}

fn change_password(world: &World, who: As<'_>, current: &str, new: &str) -> Result<Answer> {
    let query = "mutation ($input: ChangePasswordInput!) { changePassword(input: $input) { _id } }";
    let input = json!({ "input": { "current": current, "new": new } });
    world.shop.graphql(who, query, input)
}

fn another_password_ends_the_other_sessions(world: &World) -> Result<()> {
    let user = world.register("password")?;
    let other = sign_in(world, &user.name, &user.password)?;
    change_password(world, user.caller(), &user.password, "battery staple")?.text("/changePassword/_id")?;
    world
        .shop
        .query(As::Token(&other.access), "{ me { _id } }")?
        .refused("UNAUTHENTICATED")?;
    world
        .shop
        .query(user.caller(), "{ me { _id } }")?
        .text("/me/_id")?;
    login(&world.shop, &user.name, &user.password)?.refused("UNAUTHENTICATED")?;
    login(&world.shop, &user.name, "battery staple")?.text("/login/access_token")?;
    Ok(())
}

fn a_wrong_password_changes_nothing(world: &World) -> Result<()> {
    let user = world.register("wrong")?;
    change_password(world, user.caller(), "not the password", "battery staple")?.bad_input("current")?;
    change_password(world, user.caller(), &user.password, "short")?.bad_input("new")?;
    login(&world.shop, &user.name, &user.password)?.text("/login/access_token")?;
    Ok(())
}

fn codes_are_sent_with_pauses_and_guesses_verify_nothing(world: &World) -> Result<()> {
    let user = world.register("verify")?;
    let email = format!("{}@example.com", unique("mail"));
    update(world, user.caller(), &user.id, 1, json!({ "email": email }))?.text("/updateUser/_id")?;
    let request = || {
        world.shop.query(
            user.caller(),
            "mutation { requestVerification(channel: EMAIL) { channel expiresAt } }",
        )
    };
    let sent = request()?;
    check_time(sent.text("/requestVerification/expiresAt")?)?;
    request()?.refused("RATE_LIMITED")?;
    // Six guesses of a million.
    for code in ["000000", "111111", "", "1234567", "nonsense", "000000"] {
        let query = "mutation ($code: String!) { verify(channel: EMAIL, code: $code) { emailVerified } }";
        let guess = world
            .shop
            .graphql(user.caller(), query, json!({ "code": code }))?;
        guess.bad_input("code")?;
    }
    let me = world
        .shop
        .query(user.caller(), "{ me { emailVerified phoneVerified } }")?;
    let expected = json!({ "emailVerified": false, "phoneVerified": false });
    me.expect(me.data("/me")? == &expected, "nothing should be verified")
}

fn a_role_is_told_by_the_next_tokens(world: &World) -> Result<()> {
    let user = world.register("role")?;
    let query = "mutation ($id: ID!) { setRole(id: $id, role: ADMIN) { role } }";
    let given = world.shop.graphql(As::Key, query, json!({ "id": user.id }))?;
    given.expect(
        given.text("/setRole/role")? == "ADMIN",
        "the role should be given",
    )?;
    let next = sign_in(world, &user.name, &user.password)?;
    let claims = tokens::verified(world.shop.secret(), &next.access)?;
    anyhow::ensure!(
        claims.get("role") == Some(&json!("ADMIN")),
        "the role should be in {claims}"
    );
    let before = world
        .shop
        .query(user.caller(), "{ auditLog(first: 1) { edges { cursor } } }")?;
    before.refused("FORBIDDEN")?;
    let log = "query ($id: ID!) { auditLog(filter: { action: ROLE_CHANGE, subject: $id }) { edges { node { actor } } } }";
    let log = world
        .shop
        .graphql(As::Token(&next.access), log, json!({ "id": user.id }))?;
    log.expect(
        log.column("/auditLog/edges", "/node/actor")? == [json!("api-key")],
        "the change should be in the log",
    )
}

fn an_export_holds_what_is_kept_and_no_secret(world: &World) -> Result<()> {
    let user = world.register("export")?;
    update(world, user.caller(), &user.id, 1, json!({ "name": "Ada" }))?.text("/updateUser/_id")?;
    let product = world.product(300, 9)?;
    let ordered = place_order(&world.shop, user.caller(), &[(&product, 1)])?;
    let add = "mutation ($id: ID!) { addToCart(productId: $id, quantity: 2) { total } }";
    world
        .shop
        .graphql(user.caller(), add, json!({ "id": product }))?
        .int("/addToCart/total")?;
    let query = "query ($id: ID!) { exportUser(id: $id) }";
    let export = world
        .shop
        .graphql(user.caller(), query, json!({ "id": user.id }))?;
    export.expect(
        export.text("/exportUser/user/username")? == user.name,
        "the name should be in it",
    )?;
    export.expect(
        export.text("/exportUser/user/profile/name")? == "Ada",
        "the profile should be in it",
    )?;
    export.expect(
        export.text("/exportUser/orders/0/_id")? == ordered.text("/placeOrder/_id")?,
        "the order should be in it",
    )?;
    export.expect(
        export.int("/exportUser/cart/total")? == 600,
        "the cart should be in it",
    )?;
    export.expect(
        export.list("/exportUser/sessions")?.len() == 1,
        "the session should be in it",
    )?;
    let text = export.reply.text();
    let clean = !text.contains("argon2") && !text.contains(&user.password);
    export.expect(clean, "no secret should be in it")
}

fn of_an_erased_user_an_id_is_left_and_the_name_is_free(world: &World) -> Result<()> {
    let user = world.register("erase")?;
    let email = format!("{}@example.com", unique("mail"));
    update(world, user.caller(), &user.id, 1, json!({ "email": email }))?.text("/updateUser/_id")?;
    let product = world.product(1, 9)?;
    let order = place_order(&world.shop, user.caller(), &[(&product, 1)])?;
    let order = order.text("/placeOrder/_id")?;
    let add = "mutation ($id: ID!) { addToCart(productId: $id, quantity: 2) { total } }";
    let added = world.shop.graphql(user.caller(), add, json!({ "id": product }))?;
    added.int("/addToCart/total")?;
    let query = "mutation ($id: ID!) { eraseUser(id: $id) { username email erasedAt } }";
    let erased = world
        .shop
        .graphql(user.caller(), query, json!({ "id": user.id }))?;
    check_time(erased.text("/eraseUser/erasedAt")?)?;
    erased.expect(
        erased.data("/eraseUser/email")?.is_null(),
        "nothing personal should be left",
    )?;
    let query = "query ($id: ID!) { order(id: $id) { userId user { username } } }";
    let owned = world.shop.graphql(As::Key, query, json!({ "id": order }))?;
    owned.expect(
        owned.text("/order/userId")? == user.id && owned.text("/order/user/username")? == "erased user",
        "the order should have its owner, who has no name",
    )?;
    login(&world.shop, &user.name, &user.password)?.refused("UNAUTHENTICATED")?;
    let namesake = register(&world.shop, As::Anonymous, &user.name, "another password")?;
    namesake.expect(
        namesake.text("/registerUser/user/_id")? != user.id,
        "the namesake should be somebody else",
    )?;
    let query = "query ($id: ID!) { cart(userId: $id) { products { _id } expiresAt } }";
    let cart = world.shop.graphql(As::Key, query, json!({ "id": user.id }))?;
    cart.expect(
        cart.list("/cart/products")?.is_empty() && cart.data("/cart/expiresAt")?.is_null(),
        "no cart should be left",
    )?;
    let query = "query ($id: ID!) { exportUser(id: $id) }";
    let export = world.shop.graphql(As::Key, query, json!({ "id": user.id }))?;
    export.expect(
        export.list("/exportUser/orders")?.len() == 1,
        "the order should be kept",
    )?;
    let text = export.reply.text();
    export.expect(
        !text.contains(&email) && !text.contains(&user.name),
        "nothing personal should be left",
    )
}
