//! Sessions: their tokens, their list, their end, and their entries in the audit log.

use std::sync::Arc;

use anyhow::Result;
use libtest_mimic::Trial;
use serde_json::{Value, json};

use crate::fixtures::{check_time, unique};
use crate::graphql::GraphqlResponse;
use crate::parallel::{at_once, winner};
use crate::shop::{As, Shop, User};
use crate::tokens;
use crate::trials::trials;

/// The tests of this area.
pub fn tests(shop: &Arc<Shop>) -> Vec<Trial> {
    trials!(
        shop,
        "sessions",
        portable = [
            of_4_concurrent_refreshes_exactly_one_succeeds,
            sessions_are_listed_and_ended_one_by_one,
            wrong_passwords_are_rate_limited_except_for_the_signed_in_owner
        ],
        component = [
            a_refresh_returns_a_new_pair_of_the_same_session,
            an_ended_session_opens_nothing,
            an_invalid_refresh_token_is_refused,
            the_audit_log_has_sign_ins_without_secrets
        ]
    )
}

/// The tokens of a session.
pub struct Tokens {
    pub access: String,
    pub refresh: String,
}

/// Returns the tokens in a response.
fn tokens_of(answer: &GraphqlResponse, field: &str) -> Result<Tokens> {
    Ok(Tokens {
        access: answer.text(&format!("/{field}/access_token"))?.to_owned(),
        refresh: answer.text(&format!("/{field}/refresh_token"))?.to_owned(),
    })
}

/// Signs a user in to a new session.
pub fn sign_in(shop: &Shop, user: &User) -> Result<Tokens> {
    tokens_of(&shop.login(&user.name, &user.password)?, "login")
}

fn refresh(shop: &Shop, token: &str) -> Result<GraphqlResponse> {
    let query = "mutation ($t: String!) { refreshToken(input: { refresh_token: $t }) {
        access_token refresh_token user { _id } } }";
    shop.graphql(As::Anonymous, query, json!({ "t": token }))
}

fn a_refresh_returns_a_new_pair_of_the_same_session(shop: &Shop) -> Result<()> {
    let user = shop.register("refresh")?;
    let mut tokens = sign_in(shop, &user)?;
    let sid = tokens::verified(shop.secret(), &tokens.access)?
        .get("sid")
        .cloned();
    for _ in 0..3 {
        let answer = refresh(shop, &tokens.refresh)?;
        answer.has("/refreshToken/user/_id", &user.id)?;
        let next = tokens_of(&answer, "refreshToken")?;
        answer.expect(next.refresh != tokens.refresh, "the refresh token should change")?;
        let claims = tokens::verified(shop.secret(), &next.access)?;
        answer.expect(
            claims.get("sid") == sid.as_ref() && sid.is_some(),
            "the session should be the same",
        )?;
        tokens = next;
    }
    Ok(())
}

fn of_4_concurrent_refreshes_exactly_one_succeeds(shop: &Shop) -> Result<()> {
    let user = shop.register("twice")?;
    let tokens = sign_in(shop, &user)?;
    let answers = at_once(4, |_| refresh(shop, &tokens.refresh))?;
    let next = tokens_of(winner(&answers, "CONFLICT")?, "refreshToken")?;
    refresh(shop, &next.refresh)?.text("/refreshToken/access_token")?;
    Ok(())
}

fn an_ended_session_opens_nothing(shop: &Shop) -> Result<()> {
    let user = shop.register("over")?;
    let tokens = sign_in(shop, &user)?;
    let logout = |caller| shop.query(caller, "mutation { logout }");
    let ended = logout(As::Token(&tokens.access))?;
    ended.has("/logout", true)?;
    refresh(shop, &tokens.refresh)?.refused("UNAUTHENTICATED")?;
    shop.query(As::Token(&tokens.access), "{ me { _id } }")?
        .refused("UNAUTHENTICATED")?;
    logout(As::Token(&tokens.access))?.refused("UNAUTHENTICATED")?;
    // The user's other session is still valid.
    let me = shop.query(user.caller(), "{ me { _id } }")?;
    me.has("/me/_id", &user.id)
}

fn sessions_are_listed_and_ended_one_by_one(shop: &Shop) -> Result<()> {
    let user = shop.register("list")?;
    let tokens = sign_in(shop, &user)?;
    let query = "{ sessions { _id userId createdAt lastUsedAt expiresAt current } }";
    let answer = shop.query(user.caller(), query)?;
    // The newest of the two sessions is the first, and the older one is the caller's.
    answer.has_column("/sessions", "/current", [false, true])?;
    check_time(answer.text("/sessions/0/expiresAt")?)?;
    let id = answer.text("/sessions/0/_id")?;
    let revoke = "mutation ($id: ID!) { revokeSession(id: $id) { _id } }";
    let revoke = || shop.graphql(user.caller(), revoke, json!({ "id": id }));
    revoke()?.text("/revokeSession/_id")?;
    refresh(shop, &tokens.refresh)?.refused("UNAUTHENTICATED")?;
    revoke()?.refused("NOT_FOUND")?;
    let left = shop.query(user.caller(), query)?;
    left.expect(left.list("/sessions")?.len() == 1, "one session should be left")
}

fn an_invalid_refresh_token_is_refused(shop: &Shop) -> Result<()> {
    let user = shop.register("no-token")?;
    let (short, long) = ("A".repeat(64), "A".repeat(10_000));
    for token in ["", " ", "null", &user.token, &short, &long, "\u{0}"] {
        refresh(shop, token)?.refused("UNAUTHENTICATED")?;
    }
    Ok(())
}

fn wrong_passwords_are_rate_limited_except_for_the_signed_in_owner(shop: &Shop) -> Result<()> {
    let user = shop.register("throttled")?;
    let mut limited = shop.login(&user.name, "not the password")?;
    for _ in 1..200 {
        if limited.codes() == ["RATE_LIMITED"] {
            break;
        }
        limited.refused("UNAUTHENTICATED")?;
        limited = shop.login(&user.name, "not the password")?;
    }
    limited.refused("RATE_LIMITED")?;
    let seconds = limited
        .errors()
        .first()
        .and_then(|error| error.pointer("/extensions/retryAfter"))
        .and_then(Value::as_u64);
    limited.expect(
        seconds.is_some_and(|seconds| (1..=900).contains(&seconds)),
        "the error should contain the seconds to wait",
    )?;
    let query = "mutation ($input: LoginInput!) { login(input: $input) { user { _id } } }";
    let input = json!({ "input": { "username": user.name, "password": user.password } });
    let owner = shop.graphql(user.caller(), query, input)?;
    owner.has("/login/user/_id", &user.id)
}

fn the_audit_log_has_sign_ins_without_secrets(shop: &Shop) -> Result<()> {
    let user = shop.register("audited")?;
    let wrong = unique("a-wrong-password");
    shop.login(&user.name, &wrong)?.refused("UNAUTHENTICATED")?;
    let tokens = sign_in(shop, &user)?;
    let query = "query ($after: String, $user: ID!) { auditLog(first: 2, after: $after, filter: { subject: $user }) {
        edges { node { _id time action outcome actor subject detail } } pageInfo { hasNextPage endCursor } } }";
    let first = shop.graphql(As::Key, query, json!({ "user": user.id }))?;
    first.has_column("/auditLog/edges", "/node/outcome", ["SUCCESS", "FAILURE"])?;
    first.has_column("/auditLog/edges", "/node/actor", [&*user.id, "anonymous"])?;
    let after = first.data("/auditLog/pageInfo/endCursor")?;
    let rest = shop.graphql(As::Key, query, json!({ "user": user.id, "after": after }))?;
    rest.has_column("/auditLog/edges", "/node/action", ["REGISTER"])?;
    for answer in [&first, &rest] {
        let text = answer.http.body();
        for secret in [&wrong, &user.password, &tokens.refresh, &tokens.access] {
            answer.expect(
                !text.contains(secret.as_str()),
                "the log should contain no secret",
            )?;
        }
    }
    Ok(())
}
