//! Ended sessions, roles and failed sign-ins do not depend on the cache. The tests configure their shops, and
//! then restart them with an empty cache, or empty the cache while they run.

use anyhow::{Context, Result};
use libtest_mimic::Trial;
use serde_json::json;

use crate::binary::{Binary, binary_trial};
use crate::configured::{Host, configured_trials};
use crate::process::{Home, SECRET};
use crate::redis;
use crate::sessions::sign_in;
use crate::shop::{As, Shop, User};
use crate::tokens;

/// The servers of a shop: the setting, and the variable with the address.
const SERVERS: [(&str, &str, &str); 3] = [
    ("MERCATO_DOCUMENTS", "", "MERCATO_TEST_MONGODB"),
    ("MERCATO_EVENTS", "kafka://", "MERCATO_TEST_KAFKA"),
    ("MERCATO_CACHE", "", "MERCATO_TEST_REDIS"),
];

const FAILURES: (&str, &str) = ("SIGN_IN_FAILURES", "3");

/// A test of the binary with settings that name servers.
type ServersTest = fn(&Binary, &[(&str, &str)]) -> Result<()>;

/// The tests of this area.
pub fn tests() -> Vec<Trial> {
    let mut tests = configured_trials!(
        "durable_safety",
        portable = [
            tokens_that_ended_stay_ended_without_the_cache,
            failed_sign_ins_count_without_the_cache
        ]
    );
    tests.push(with_servers(
        "durable_safety::redis_is_flushed_while_the_shop_runs",
        redis_is_flushed_while_the_shop_runs,
    ));
    tests
}

/// Returns a test of the binary with servers. It is ignored if one of them is missing.
fn with_servers(name: &str, test: ServersTest) -> Trial {
    let address =
        |(setting, scheme, variable)| Some((setting, format!("{scheme}{}", std::env::var(variable).ok()?)));
    let servers: Option<Vec<_>> = SERVERS.into_iter().map(address).collect();
    match servers {
        Some(servers) => binary_trial(name, move |binary| {
            let servers: Vec<_> = servers
                .iter()
                .map(|(name, value)| (*name, value.as_str()))
                .collect();
            test(binary, &servers)
        }),
        None => Trial::test(name, || Ok(()))
            .with_kind("needs MERCATO_TEST_MONGODB, MERCATO_TEST_KAFKA and MERCATO_TEST_REDIS")
            .with_ignored_flag(true),
    }
}

/// Tokens that have ended, and one that has not.
struct Tokens {
    ended: Vec<(&'static str, String)>,
    valid: String,
}

impl Tokens {
    /// Ends a token in each way.
    fn new(shop: &Shop) -> Result<Self> {
        let user = shop.register("durable")?;
        let logged_out = sign_in(shop, &user)?.access;
        shop.query(As::Token(&logged_out), "mutation { logout }")?
            .has("/logout", true)?;
        let revoked = sign_in(shop, &user)?.access;
        let claims = tokens::verified(shop.secret(), &revoked)?;
        let query = "mutation ($id: ID!) { revokeSession(id: $id) { _id } }";
        shop.graphql(user.caller(), query, json!({ "id": claims.get("sid") }))?
            .text("/revokeSession/_id")?;

        let changed = shop.register("durable-password")?;
        let other = sign_in(shop, &changed)?.access;
        let query = "mutation ($old: String!, $new: String!) {
            changePassword(input: { current: $old, new: $new }) { _id } }";
        let passwords = json!({ "old": changed.password, "new": format!("{} too", changed.password) });
        shop.graphql(changed.caller(), query, passwords)?
            .text("/changePassword/_id")?;

        let promoted = shop.register("durable-role")?;
        set_role(shop, &promoted, "ADMIN")?;
        let admin = sign_in(shop, &promoted)?.access;
        shop.query(As::Token(&admin), "{ auditLog(first: 1) { edges { cursor } } }")?
            .list("/auditLog/edges")?;
        // A token of another shop with the same secret has no session.
        let foreign = json!({ "userId": promoted.id, "role": "ADMIN" });
        let foreign = tokens::signed(shop.secret(), &foreign)?;
        set_role(shop, &promoted, "CUSTOMER")?;

        let erased = shop.register("durable-erased")?;
        let query = "mutation ($id: ID!) { eraseUser(id: $id) { _id } }";
        shop.graphql(As::Key, query, json!({ "id": erased.id }))?
            .text("/eraseUser/_id")?;
        Ok(Self {
            ended: vec![
                ("of a session that was logged out", logged_out),
                ("of a session that was revoked", revoked),
                ("from before a new password", other),
                ("of an ADMIN who became CUSTOMER", admin),
                ("of an ADMIN who became CUSTOMER, without a session", foreign),
                ("from before the first role", promoted.token),
                ("of an erased user", erased.token),
            ],
            valid: user.token,
        })
    }

    /// Fails unless the ended tokens open nothing, and the valid one does.
    fn check(&self, shop: &Shop) -> Result<()> {
        for (what, token) in &self.ended {
            for query in ["{ me { _id } }", "{ auditLog(first: 1) { edges { cursor } } }"] {
                let answer = shop.query(As::Token(token), query)?;
                answer
                    .refused("UNAUTHENTICATED")
                    .with_context(|| format!("a token {what}"))?;
            }
        }
        let me = shop.query(As::Token(&self.valid), "{ me { _id } }")?;
        me.text("/me/_id").map(drop)
    }
}

fn set_role(shop: &Shop, user: &User, role: &str) -> Result<()> {
    let query = "mutation ($id: ID!, $role: Role!) { setRole(id: $id, role: $role) { role } }";
    shop.graphql(As::Key, query, json!({ "id": user.id, "role": role }))?
        .has("/setRole/role", role)
}

fn tokens_that_ended_stay_ended_without_the_cache(host: &Host) -> Result<()> {
    let home = Home::new()?;
    let running = host.start(&home, &[FAILURES])?;
    let shop = running.shop();
    let tokens = Tokens::new(&shop)?;
    tokens.check(&shop)?;
    let running = host.without_cache(running, &home, &[FAILURES])?;
    tokens.check(&running.shop())?;
    running.stop()
}

fn failed_sign_ins_count_without_the_cache(host: &Host) -> Result<()> {
    let home = Home::new()?;
    let running = host.start(&home, &[FAILURES])?;
    let (locked, window) = lock(&running.shop())?;
    let running = host.without_cache(running, &home, &[FAILURES])?;
    check_locked(&running.shop(), &locked, window)?;
    running.stop()
}

/// Fails to sign in as a new user until that is refused. Returns the user and the window of the failures.
fn lock(shop: &Shop) -> Result<(User, u64)> {
    let user = shop.register("locked")?;
    let window = window();
    for _ in 0..3 {
        shop.login(&user.name, "not the password")?
            .refused("UNAUTHENTICATED")?;
    }
    check_locked(shop, &user, window)?;
    Ok((user, window))
}

/// Fails unless a user can't sign in, as long as the window of the failures lasts.
fn check_locked(shop: &Shop, user: &User, failed_in: u64) -> Result<()> {
    let answer = shop.login(&user.name, &user.password)?;
    if window() != failed_in {
        return Ok(());
    }
    answer.refused("RATE_LIMITED").map(drop)
}

/// Returns the number of the present window of 15 minutes.
fn window() -> u64 {
    tokens::now() / 900
}

fn redis_is_flushed_while_the_shop_runs(binary: &Binary, servers: &[(&str, &str)]) -> Result<()> {
    let home = Home::new()?;
    let settings = [servers, &[FAILURES, ("API_SECRET", SECRET)]].concat();
    let running = Host::Process(binary.clone()).start(&home, &settings)?;
    let shop = running.shop();
    let tokens = Tokens::new(&shop)?;
    tokens.check(&shop)?;
    let (locked, window) = lock(&shop)?;
    let address = servers.iter().find(|(name, _)| *name == "MERCATO_CACHE");
    let (_, address) = address.context("the shop has a cache")?;
    redis::flush(address)?;
    tokens.check(&shop)?;
    check_locked(&shop, &locked, window)?;
    running.stop()
}
