//! Sessions: how their tokens go on, who sees them, how they end, and what the audit log tells of it.

use std::sync::Arc;

use anyhow::Result;
use libtest_mimic::Trial;
use serde_json::{Value, json};

use crate::answer::Answer;
use crate::client::As;
use crate::tokens;
use crate::trials::trials;
use crate::world::{World, check_time, login, unique};

/// The tests of this area.
pub fn tests(world: &Arc<World>) -> Vec<Trial> {
    trials!(
        world,
        "sessions",
        [
            a_session_goes_on_with_a_new_pair_each_time,
            two_uses_of_a_token_at_once_end_nothing,
            a_session_that_is_over_opens_nothing,
            sessions_are_listed_and_ended_one_by_one,
            what_is_no_refresh_token_is_refused,
            too_many_wrong_passwords_have_to_wait_and_the_owner_does_not,
            the_audit_log_tells_of_sign_ins_without_their_secrets,
        ]
    )
}

/// A pair of tokens.
pub struct Pair {
    pub access: String,
    pub refresh: String,
}

fn pair(answer: &Answer, field: &str) -> Result<Pair> {
    Ok(Pair {
        access: answer.text(&format!("/{field}/access_token"))?.to_owned(),
        refresh: answer.text(&format!("/{field}/refresh_token"))?.to_owned(),
    })
}

/// Signs a user in, in a session of its own.
pub fn sign_in(world: &World, name: &str, password: &str) -> Result<Pair> {
    let query = "mutation ($input: LoginInput!) { login(input: $input) { access_token refresh_token } }";
    let input = json!({ "input": { "username": name, "password": password } });
    pair(&world.shop.graphql(As::Anonymous, query, input)?, "login")
}

fn refresh(world: &World, token: &str) -> Result<Answer> {
    let query = "mutation ($t: String!) { refreshToken(input: { refresh_token: $t }) {
        access_token refresh_token user { _id } } }";
    world.shop.graphql(As::Anonymous, query, json!({ "t": token }))
}

fn a_session_goes_on_with_a_new_pair_each_time(world: &World) -> Result<()> {
    let user = world.register("refresh")?;
    let mut tokens = sign_in(world, &user.name, &user.password)?;
    let sid = tokens::verified(world.shop.secret(), &tokens.access)?
        .get("sid")
        .cloned();
    for _ in 0..3 {
        let answer = refresh(world, &tokens.refresh)?;
        answer.expect(
            answer.text("/refreshToken/user/_id")? == user.id,
            "the user should be the same",
        )?;
        let next = pair(&answer, "refreshToken")?;
        answer.expect(
            next.refresh != tokens.refresh,
            "the refresh token should be a new one",
        )?;
        let claims = tokens::verified(world.shop.secret(), &next.access)?;
        answer.expect(
            claims.get("sid") == sid.as_ref() && sid.is_some(),
            "the session should be the same",
        )?;
        tokens = next;
    }
    Ok(())
}

fn two_uses_of_a_token_at_once_end_nothing(world: &World) -> Result<()> {
    let user = world.register("twice")?;
    let tokens = sign_in(world, &user.name, &user.password)?;
    let answers = std::thread::scope(|scope| {
        let uses: Vec<_> = (0..4)
            .map(|_| scope.spawn(|| refresh(world, &tokens.refresh)))
            .collect();
        uses.into_iter()
            .map(|one| one.join().map_err(|_| anyhow::anyhow!("a use panicked"))?)
            .collect::<Result<Vec<_>>>()
    })?;
    let (won, lost): (Vec<_>, Vec<_>) = answers.iter().partition(|answer| answer.codes().is_empty());
    for answer in lost {
        answer.refused("CONFLICT")?;
    }
    let [winner] = won.as_slice() else {
        anyhow::bail!("one use should bring the next pair, not {}", won.len());
    };
    let next = pair(winner, "refreshToken")?;
    refresh(world, &next.refresh)?.text("/refreshToken/access_token")?;
    Ok(())
}

fn a_session_that_is_over_opens_nothing(world: &World) -> Result<()> {
    let user = world.register("over")?;
    let tokens = sign_in(world, &user.name, &user.password)?;
    let logout = |who| world.shop.query(who, "mutation { logout }");
    let ended = logout(As::Token(&tokens.access))?;
    ended.expect(ended.data("/logout")? == &json!(true), "there was a session")?;
    refresh(world, &tokens.refresh)?.refused("UNAUTHENTICATED")?;
    world
        .shop
        .query(As::Token(&tokens.access), "{ me { _id } }")?
        .refused("UNAUTHENTICATED")?;
    logout(As::Token(&tokens.access))?.refused("UNAUTHENTICATED")?;
    // The user's other session is none of its business.
    let me = world.shop.query(user.caller(), "{ me { _id } }")?;
    me.expect(me.text("/me/_id")? == user.id, "the other session should go on")
}

fn sessions_are_listed_and_ended_one_by_one(world: &World) -> Result<()> {
    let user = world.register("list")?;
    let tokens = sign_in(world, &user.name, &user.password)?;
    let query = "{ sessions { _id userId createdAt lastUsedAt expiresAt current } }";
    let answer = world.shop.query(user.caller(), query)?;
    answer.expect(answer.list("/sessions")?.len() == 2, "there are two sessions")?;
    answer.expect(
        answer.column("/sessions", "/current")? == [json!(false), json!(true)],
        "the newest should come first, and the older one asks",
    )?;
    check_time(answer.text("/sessions/0/expiresAt")?)?;
    let id = answer.text("/sessions/0/_id")?;
    let revoke = "mutation ($id: ID!) { revokeSession(id: $id) { _id } }";
    let revoked = world.shop.graphql(user.caller(), revoke, json!({ "id": id }))?;
    revoked.text("/revokeSession/_id")?;
    refresh(world, &tokens.refresh)?.refused("UNAUTHENTICATED")?;
    let again = world.shop.graphql(user.caller(), revoke, json!({ "id": id }))?;
    again.refused("NOT_FOUND")?;
    let left = world.shop.query(user.caller(), query)?;
    left.expect(left.list("/sessions")?.len() == 1, "one session should be left")
}

fn what_is_no_refresh_token_is_refused(world: &World) -> Result<()> {
    let user = world.register("no-token")?;
    let long = "A".repeat(10_000);
    for text in [
        "",
        " ",
        "null",
        user.token.as_str(),
        &"A".repeat(64),
        &long,
        "\u{0}",
    ] {
        refresh(world, text)?.refused("UNAUTHENTICATED")?;
    }
    Ok(())
}

fn too_many_wrong_passwords_have_to_wait_and_the_owner_does_not(world: &World) -> Result<()> {
    let user = world.register("throttled")?;
    let mut limited = None;
    for _ in 0..200 {
        let answer = login(&world.shop, &user.name, "not the password")?;
        if answer.codes() == ["RATE_LIMITED"] {
            limited = Some(answer);
            break;
        }
        answer.refused("UNAUTHENTICATED")?;
    }
    let Some(limited) = limited else {
        anyhow::bail!("200 wrong passwords should be too many");
    };
    let seconds = limited
        .errors()
        .first()
        .and_then(|error| error.pointer("/extensions/retryAfter"))
        .and_then(Value::as_u64);
    limited.expect(
        seconds.is_some_and(|seconds| (1..=900).contains(&seconds)),
        "it should be told how long to wait",
    )?;
    let query = "mutation ($input: LoginInput!) { login(input: $input) { user { _id } } }";
    let input = json!({ "input": { "username": user.name, "password": user.password } });
    let owner = world.shop.graphql(user.caller(), query, input)?;
    owner.expect(
        owner.text("/login/user/_id")? == user.id,
        "who is signed in elsewhere should not have to wait",
    )
}

fn the_audit_log_tells_of_sign_ins_without_their_secrets(world: &World) -> Result<()> {
    let user = world.register("audited")?;
    let wrong = unique("a-wrong-password");
    login(&world.shop, &user.name, &wrong)?.refused("UNAUTHENTICATED")?;
    let tokens = sign_in(world, &user.name, &user.password)?;
    let query = "query ($after: String, $user: ID!) { auditLog(first: 2, after: $after, filter: { subject: $user }) {
        edges { node { _id time action outcome actor subject detail } } pageInfo { hasNextPage endCursor } } }";
    let first = world.shop.graphql(As::Key, query, json!({ "user": user.id }))?;
    let outcomes = first.column("/auditLog/edges", "/node/outcome")?;
    first.expect(
        outcomes == [json!("SUCCESS"), json!("FAILURE")],
        "the newest should come first",
    )?;
    first.expect(
        first.column("/auditLog/edges", "/node/actor")? == [json!(user.id), json!("anonymous")],
        "the actors should be told",
    )?;
    let after = first.data("/auditLog/pageInfo/endCursor")?;
    let rest = world
        .shop
        .graphql(As::Key, query, json!({ "user": user.id, "after": after }))?;
    rest.expect(
        rest.column("/auditLog/edges", "/node/action")? == [json!("REGISTER")],
        "the registration should come last",
    )?;
    for answer in [&first, &rest] {
        let text = answer.reply.text();
        for secret in [&wrong, &user.password, &tokens.refresh, &tokens.access] {
            answer.expect(!text.contains(secret.as_str()), "no secret should be in the log")?;
        }
    }
    Ok(())
}
