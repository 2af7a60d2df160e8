//! `mercato up` at its start: what it needs, what it says when that is not there, and what it never does.

use std::net::{TcpListener, TcpStream};
use std::time::Duration;

use anyhow::{Result, ensure};
use libtest_mimic::Trial;

use crate::client::{As, Shop};
use crate::own::{Binary, Home, Running, exits, own_trials, refuses};

/// The tests of this area.
pub fn tests() -> Vec<Trial> {
    own_trials!(
        "startup",
        [
            it_says_ready_once_and_nothing_else,
            it_is_reached_from_this_machine_only,
            a_port_in_use_is_told,
            a_missing_shop_is_told,
            a_file_that_is_no_shop_is_told,
            documents_that_others_may_use_need_a_cache_that_they_share,
            a_secret_that_is_too_short_is_refused_without_being_shown,
            a_setting_that_is_wrong_is_told_before_anything_starts,
            a_request_may_not_take_longer_than_a_minute,
            a_file_named_env_is_honoured_and_the_environment_wins,
            an_ephemeral_shop_leaves_nothing_behind,
            help_explains_every_command,
        ]
    )
}

fn it_says_ready_once_and_nothing_else(binary: &Binary) -> Result<()> {
    let home = Home::new()?;
    let mut running = Running::start(&home, &mut binary.up(&home, &home.data()))?;
    let answer = running.shop().query(As::Anonymous, "{ __typename }")?;
    answer.expect(
        answer.text("/__typename")? == "Query",
        "a shop that says ready should serve",
    )?;
    running.process.terminate()?;
    let status = running.process.wait(Duration::from_secs(20))?;
    ensure!(status.success(), "SIGTERM should end it well, not with {status}");
    let printed = running.process.printed();
    ensure!(
        printed == [format!("ready {}", running.url)],
        "one line should be printed, not {printed:?}"
    );
    Ok(())
}

fn it_is_reached_from_this_machine_only(binary: &Binary) -> Result<()> {
    let home = Home::new()?;
    let running = Running::start(&home, &mut binary.up(&home, &home.data()))?;
    ensure!(
        running.url.starts_with("http://127.0.0.1:"),
        "{} should be the loopback address",
        running.url
    );
    let port = running.port()?;
    TcpStream::connect(("127.0.0.1", port))?;
    // Another address of this machine, where Linux would answer for a socket that is bound to all addresses.
    let elsewhere = TcpStream::connect(("127.0.0.2", port));
    ensure!(elsewhere.is_err(), "it should listen on 127.0.0.1 alone");
    running.stop()
}

fn a_port_in_use_is_told(binary: &Binary) -> Result<()> {
    let home = Home::new()?;
    let taken = TcpListener::bind(("127.0.0.1", 0))?;
    let port = taken.local_addr()?.port().to_string();
    let mut command = binary.command(home.path());
    command
        .arg("up")
        .arg("--shop")
        .arg(&binary.shop)
        .args(["--port", &port])
        .arg("--data")
        .arg(home.data());
    command
        .env("API_SECRET", crate::own::SECRET)
        .env("RUST_LOG", "warn");
    refuses(&home, &mut command, &[&port, "port"])?;
    drop(taken);
    Running::start(&home, &mut binary.up(&home, &home.data()))?.stop()
}

fn a_missing_shop_is_told(binary: &Binary) -> Result<()> {
    let home = Home::new()?;
    let missing = binary.with_shop(home.path().join("no-such-shop.wasm"));
    refuses(
        &home,
        &mut missing.up(&home, &home.data()),
        &["no-such-shop.wasm"],
    )?;
    Ok(())
}

fn a_file_that_is_no_shop_is_told(binary: &Binary) -> Result<()> {
    let home = Home::new()?;
    let whole = std::fs::read(&binary.shop)?;
    let half = whole.get(..whole.len() / 2).unwrap_or_default();
    // A core module, a component without parts, text, nothing, and half of a shop.
    let files: [(&str, &[u8]); 5] = [
        ("module.wasm", b"\0asm\x01\0\0\0"),
        ("component.wasm", b"\0asm\x0d\0\x01\0"),
        ("text.wasm", b"this is no shop"),
        ("empty.wasm", b""),
        ("half.wasm", half),
    ];
    for (name, content) in files {
        let shop = home.path().join(name);
        std::fs::write(&shop, content)?;
        let wrong = binary.with_shop(shop);
        refuses(&home, &mut wrong.up(&home, &home.data()), &[name])?;
    }
    Ok(())
}

fn documents_that_others_may_use_need_a_cache_that_they_share(binary: &Binary) -> Result<()> {
    let home = Home::new()?;
    let mut command = binary.up(&home, &home.data());
    // Nobody listens there, and nobody is asked.
    command.args(["--documents", "mongodb://127.0.0.1:1/?replicaSet=none"]);
    command.args(["--events", "kafka://127.0.0.1:1"]);
    refuses(&home, &mut command, &["--documents", "--cache", "MERCATO_CACHE"])?;
    Ok(())
}

fn a_secret_that_is_too_short_is_refused_without_being_shown(binary: &Binary) -> Result<()> {
    let home = Home::new()?;
    for secret in ["kurz", "fifteen-letters"] {
        let log = refuses(
            &home,
            binary.up(&home, &home.data()).env("API_SECRET", secret),
            &["API_SECRET"],
        )?;
        ensure!(!log.contains(secret), "a secret should never be shown:\n{}", log);
    }
    Ok(())
}

fn a_setting_that_is_wrong_is_told_before_anything_starts(binary: &Binary) -> Result<()> {
    // BSD's EX_CONFIG.
    const CONFIG: i32 = 78;
    let home = Home::new()?;
    for (name, value) in [
        ("ACCESS_TOKEN_SECONDS", "abc"),
        ("API_SECRET", "short"),
        ("CORS_ORIGINS", "shop.example"),
        ("CURRENCY", "eur"),
        ("KEEPER_EMAIL", "nobody"),
        ("OIDC_ISSUER", "accounts.google.com"),
        ("ORDER_EXPIRY_SECONDS", "abc"),
        ("PAYMENT_GATEWAY", "nope"),
        ("PAYMENT_GATEWAY", "test"),
        ("PERSISTED_QUERIES", "only"),
        ("RATE_LIMIT", "abc"),
        ("TAX_RATES", "DE=19,FR"),
        ("TAX_RATES", "DE=abc"),
        ("TOKEN_KEYS", "{"),
        ("TWILIO_ACCOUNT_SID", "AC1"),
    ] {
        let (code, log) = exits(&home, binary.up(&home, &home.data()).env(name, value), &[name])?;
        ensure!(
            code == CONFIG,
            "{name}={value} should exit with {CONFIG}, not {code}:\n{log}"
        );
        ensure!(
            !home.data().exists(),
            "with {name}={value}, nothing should have been started"
        );
    }
    Running::start(&home, &mut binary.up(&home, &home.data()))?.stop()
}

/// After two minutes another request may take its `Idempotency-Key` over.
fn a_request_may_not_take_longer_than_a_minute(binary: &Binary) -> Result<()> {
    let home = Home::new()?;
    for limit in ["0", "61", "3600"] {
        let mut command = binary.up(&home, &home.data());
        refuses(
            &home,
            command.env("MERCATO_TIME_LIMIT", limit),
            &["time-limit", "1..=60"],
        )?;
    }
    Ok(())
}

fn a_file_named_env_is_honoured_and_the_environment_wins(binary: &Binary) -> Result<()> {
    let home = Home::new()?;
    let (of_file, of_environment) = ("of-the-file-0123456789abcdef", "of-the-environment-0123456789");
    std::fs::write(home.path().join(".env"), format!("API_SECRET={of_file}\n"))?;
    let mut without = binary.up(&home, &home.data());
    without.env_remove("API_SECRET");
    let running = Running::start(&home, &mut without)?;
    Shop::new(&running.url, of_file)
        .query(As::Key, "{ users { _id } }")?
        .list("/users")?;
    running.stop()?;
    let running = Running::start(
        &home,
        binary.up(&home, &home.data()).env("API_SECRET", of_environment),
    )?;
    Shop::new(&running.url, of_environment)
        .query(As::Key, "{ users { _id } }")?
        .list("/users")?;
    Shop::new(&running.url, of_file)
        .query(As::Key, "{ users { _id } }")?
        .refused("UNAUTHENTICATED")?;
    running.stop()
}

fn an_ephemeral_shop_leaves_nothing_behind(binary: &Binary) -> Result<()> {
    let home = Home::new()?;
    let (temporary, current) = (home.path().join("tmp"), home.path().join("current"));
    std::fs::create_dir(&temporary)?;
    std::fs::create_dir(&current)?;
    let mut command = binary.command(&current);
    command
        .arg("up")
        .arg("--shop")
        .arg(&binary.shop)
        .args(["--port", "0", "--ephemeral"]);
    command
        .env("API_SECRET", crate::own::SECRET)
        .env("TMPDIR", &temporary);
    let running = Running::start(&home, &mut command)?;
    let name = crate::world::unique("ephemeral");
    crate::world::register(&running.shop(), As::Anonymous, &name, "a good password")?
        .text("/registerUser/user/_id")?;
    running.stop()?;
    for folder in [temporary, current] {
        let left: Vec<_> = std::fs::read_dir(&folder)?
            .filter_map(Result::ok)
            .map(|entry| entry.path())
            .collect();
        ensure!(left.is_empty(), "nothing should be left: {left:?}");
    }
    Ok(())
}

fn help_explains_every_command(binary: &Binary) -> Result<()> {
    let home = Home::new()?;
    for (arguments, words) in [
        (vec!["--help"], vec!["up", "import", "exit"]),
        (
            vec!["up", "--help"],
            vec!["--port", "--host", "--data", "--ephemeral", "127.0.0.1", "3000"],
        ),
        (
            vec!["import", "--help"],
            vec!["--url", "--map", "--report", "--currency"],
        ),
    ] {
        let output = binary.command(home.path()).args(&arguments).output()?;
        let text = String::from_utf8_lossy(&output.stdout).to_lowercase();
        ensure!(output.status.success(), "{arguments:?} should succeed");
        for word in words {
            ensure!(
                text.contains(word),
                "{arguments:?} should speak of {word}:\n{text}"
            );
        }
    }
    Ok(())
}
