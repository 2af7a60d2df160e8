//! Profiles, passwords, roles, exports and erasure of users.

use std::sync::Arc;

use anyhow::{Result, ensure};
use libtest_mimic::Trial;
use serde_json::{Value, json};

use crate::fixtures::{check_time, unique};
use crate::graphql::GraphqlResponse;
use crate::sessions::sign_in;
use crate::shop::{As, Shop};
use crate::tokens;
use crate::trials::trials;

/// The tests of this area.
pub fn tests(shop: &Arc<Shop>) -> Vec<Trial> {
    trials!(
        shop,
        "profiles",
        portable = [
            verification_codes_are_rate_limited_and_guesses_fail,
            an_export_contains_all_data_and_no_secret,
            an_erased_user_leaves_an_id_and_a_free_name
        ],
        component = [
            a_profile_is_edited_at_its_version,
            invalid_profile_fields_are_refused,
            a_password_change_ends_the_other_sessions,
            a_wrong_password_changes_nothing,
            a_new_role_ends_all_sessions
        ]
    )
}

fn a_profile_is_edited_at_its_version(shop: &Shop) -> Result<()> {
    let user = shop.register("profile")?;
    let input =
        json!({ "name": "Ada", "email": "ada@example.com", "phone": "+4915112345678", "locale": "en-GB" });
    let edited = shop.update_profile(&user, 1, input)?;
    edited.has("/updateUser/email", "ada@example.com")?;
    edited.has("/updateUser/version", 2)?;
    shop.update_profile(&user, 1, json!({ "name": "Eve" }))?
        .conflict(2)?;
    let without_phone = shop.update_user(As::Key, &user.id, 2, json!({ "phone": "" }))?;
    without_phone.has("/updateUser/phone", Value::Null)?;
    let me = shop.query(user.caller(), "{ me { name email phone locale erasedAt } }")?;
    let expected = json!({ "name": "Ada", "email": "ada@example.com", "phone": null, "locale": "en-GB",
        "erasedAt": null });
    me.has("/me", expected)
}

fn invalid_profile_fields_are_refused(shop: &Shop) -> Result<()> {
    let user = shop.register("invalid")?;
    for (field, bad) in [
        ("name", " "),
        ("name", "a\nb"),
        ("email", "ada"),
        ("email", "ada@example.com\r\nBcc: eve@example.com"),
        ("phone", "0151 123"),
        ("locale", "english"),
    ] {
        shop.update_profile(&user, 1, json!({ field: bad }))?
            .bad_input(field)?;
    }
    shop.update_profile(&user, -1, json!({}))?.bad_input("version")?;
    shop.update_user(As::Key, "nonsense", 1, json!({}))?
        .bad_input("id")?;
    Ok(())
}

fn change_password(shop: &Shop, caller: As<'_>, current: &str, new: &str) -> Result<GraphqlResponse> {
    let query = "mutation ($input: ChangePasswordInput!) { changePassword(input: $input) { _id } }";
    let input = json!({ "input": { "current": current, "new": new } });
    shop.graphql(caller, query, input)
}

fn a_password_change_ends_the_other_sessions(shop: &Shop) -> Result<()> {
    let user = shop.register("password")?;
    let other = sign_in(shop, &user)?;
    change_password(shop, user.caller(), &user.password, "battery staple")?.text("/changePassword/_id")?;
    shop.query(As::Token(&other.access), "{ me { _id } }")?
        .refused("UNAUTHENTICATED")?;
    shop.query(user.caller(), "{ me { _id } }")?.text("/me/_id")?;
    shop.login(&user.name, &user.password)?
        .refused("UNAUTHENTICATED")?;
    shop.login(&user.name, "battery staple")?
        .text("/login/access_token")?;
    Ok(())
}

fn a_wrong_password_changes_nothing(shop: &Shop) -> Result<()> {
    let user = shop.register("wrong")?;
    change_password(shop, user.caller(), "not the password", "battery staple")?.bad_input("current")?;
    change_password(shop, user.caller(), &user.password, "short")?.bad_input("new")?;
    shop.login(&user.name, &user.password)?
        .text("/login/access_token")?;
    Ok(())
}

fn verification_codes_are_rate_limited_and_guesses_fail(shop: &Shop) -> Result<()> {
    let user = shop.register("verify")?;
    let email = format!("{}@example.com", unique("mail"));
    shop.update_profile(&user, 1, json!({ "email": email }))?
        .text("/updateUser/_id")?;
    let first = shop.request_verification(&user, "EMAIL")?;
    check_time(first.text("/requestVerification/expiresAt")?)?;
    shop.request_verification(&user, "EMAIL")?
        .refused("RATE_LIMITED")?;
    // One of a million codes is the right one.
    for code in ["000000", "111111", "", "1234567", "nonsense", "000000"] {
        shop.verify(&user, "EMAIL", code)?.bad_input("code")?;
    }
    let me = shop.query(user.caller(), "{ me { emailVerified phoneVerified } }")?;
    let expected = json!({ "emailVerified": false, "phoneVerified": false });
    me.has("/me", expected)
}

fn a_new_role_ends_all_sessions(shop: &Shop) -> Result<()> {
    let user = shop.register("role")?;
    let query = "mutation ($id: ID!) { setRole(id: $id, role: ADMIN) { role } }";
    shop.graphql(As::Key, query, json!({ "id": user.id }))?
        .has("/setRole/role", "ADMIN")?;
    let next = sign_in(shop, &user)?;
    let claims = tokens::verified(shop.secret(), &next.access)?;
    ensure!(
        claims.get("role") == Some(&json!("ADMIN")),
        "the role should be in {claims}"
    );
    shop.query(user.caller(), "{ me { _id } }")?
        .refused("UNAUTHENTICATED")?;
    let query = "query ($id: ID!) {
        auditLog(filter: { action: ROLE_CHANGE, subject: $id }) { edges { node { actor } } } }";
    shop.graphql(As::Token(&next.access), query, json!({ "id": user.id }))?
        .has_column("/auditLog/edges", "/node/actor", ["api-key"])
}

fn an_export_contains_all_data_and_no_secret(shop: &Shop) -> Result<()> {
    let user = shop.register("export")?;
    shop.update_profile(&user, 1, json!({ "name": "Ada" }))?
        .text("/updateUser/_id")?;
    let product = shop.product(300, 9)?;
    let order = shop.order(user.caller(), &[(&product, 1)])?;
    shop.add_to_cart(user.caller(), &product, 2)?
        .int("/addToCart/total")?;
    let query = "query ($id: ID!) { exportUser(id: $id) }";
    let export = shop.graphql(user.caller(), query, json!({ "id": user.id }))?;
    export.has("/exportUser/user/username", &user.name)?;
    export.has("/exportUser/user/profile/name", "Ada")?;
    export.has("/exportUser/orders/0/_id", order)?;
    export.has("/exportUser/cart/total", 600)?;
    export.expect(
        export.list("/exportUser/sessions")?.len() == 1,
        "the export should contain the session",
    )?;
    let text = export.http.body();
    export.expect(
        !text.contains("argon2") && !text.contains(&user.password),
        "the export should contain no secret",
    )
}

fn an_erased_user_leaves_an_id_and_a_free_name(shop: &Shop) -> Result<()> {
    let user = shop.register("erase")?;
    let email = format!("{}@example.com", unique("mail"));
    shop.update_profile(&user, 1, json!({ "email": email }))?
        .text("/updateUser/_id")?;
    let product = shop.product(1, 9)?;
    let order = shop.order(user.caller(), &[(&product, 1)])?;
    shop.add_to_cart(user.caller(), &product, 2)?
        .int("/addToCart/total")?;
    let query = "mutation ($id: ID!) { eraseUser(id: $id) { username email erasedAt } }";
    let erased = shop.graphql(user.caller(), query, json!({ "id": user.id }))?;
    check_time(erased.text("/eraseUser/erasedAt")?)?;
    erased.has("/eraseUser/email", Value::Null)?;
    let query = "query ($id: ID!) { order(id: $id) { userId user { username } } }";
    let owned = shop.graphql(As::Key, query, json!({ "id": order }))?;
    owned.has("/order/userId", &user.id)?;
    owned.has("/order/user/username", "erased user")?;
    shop.login(&user.name, &user.password)?
        .refused("UNAUTHENTICATED")?;
    let namesake = shop.register_as(&user.name, "another password")?;
    namesake.expect(
        namesake.text("/registerUser/user/_id")? != user.id,
        "the namesake should be another user",
    )?;
    let query = "query ($id: ID!) { cart(userId: $id) { products { _id } expiresAt } }";
    let cart = shop.graphql(As::Key, query, json!({ "id": user.id }))?;
    cart.has("/cart/products", json!([]))?;
    cart.has("/cart/expiresAt", Value::Null)?;
    let query = "query ($id: ID!) { exportUser(id: $id) }";
    let export = shop.graphql(As::Key, query, json!({ "id": user.id }))?;
    export.expect(
        export.list("/exportUser/orders")?.len() == 1,
        "the order should be kept",
    )?;
    let text = export.http.body();
    export.expect(
        !text.contains(&email) && !text.contains(&user.name),
        "no personal data should be left",
    )
}
