//! The start of `mercato up`: its requirements, and its messages if one of them is missing.

use std::collections::HashSet;
use std::net::{TcpListener, TcpStream};

use anyhow::{Result, ensure};
use libtest_mimic::Trial;
use serde_json::Value;

use crate::binary::{Binary, binary_trials, fails, fails_with_code};
use crate::process::{Home, Running, SECRET};
use crate::shop::{As, Shop};
use crate::wait::{LATER, eventually};

/// The tests of this area.
pub fn tests() -> Vec<Trial> {
    binary_trials!(
        "startup",
        [
            it_prints_ready_once_and_nothing_else,
            it_listens_on_loopback_only,
            it_refuses_a_port_in_use,
            it_refuses_a_missing_shop,
            it_refuses_a_file_that_is_not_a_shop,
            shared_documents_need_a_shared_cache,
            it_refuses_a_short_secret_without_showing_it,
            it_refuses_an_invalid_setting_before_it_starts,
            the_time_limit_is_at_most_a_minute,
            it_reads_a_dotenv_file_and_the_environment_wins,
            an_ephemeral_shop_leaves_nothing_behind,
            a_demo_has_products_and_an_order_in_each_status_once,
            help_explains_every_command
        ]
    )
}

fn it_prints_ready_once_and_nothing_else(binary: &Binary) -> Result<()> {
    let home = Home::new()?;
    let mut running = binary.start(&home)?;
    let answer = running.shop().query(As::Anonymous, "{ __typename }")?;
    answer.has("/__typename", "Query")?;
    let status = running.process.stop()?;
    ensure!(
        status.success(),
        "SIGTERM should end mercato with success, not {status}"
    );
    let printed = running.process.printed();
    ensure!(
        printed == [format!("ready {}", running.url)],
        "one line should be printed, not {printed:?}"
    );
    Ok(())
}

fn a_demo_has_products_and_an_order_in_each_status_once(binary: &Binary) -> Result<()> {
    let home = Home::new()?;
    for _ in 0..2 {
        let mut running = Running::start(&home, binary.up(&home).arg("--demo"))?;
        eventually(LATER, "the demo should be complete", || {
            let lines = running.process.lines_so_far();
            Ok((lines.iter().any(|line| line.starts_with("demo: ")), lines))
        })?;
        let query = "{ productConnection(filter: { standalone: true }) { totalCount }
            orderConnection(first: 50) { totalCount nodes { status } }
            categories { _id } discounts(first: 10) { totalCount } }";
        let found = running.shop().query(As::Key, query)?;
        found.has("/productConnection/totalCount", 50)?;
        found.has("/orderConnection/totalCount", 14)?;
        found.has("/discounts/totalCount", 3)?;
        let statuses = found.column("/orderConnection/nodes", "/status")?;
        let distinct: HashSet<_> = statuses.iter().map(Value::to_string).collect();
        ensure!(distinct.len() == 7, "{statuses:?}");
        running.stop()?;
    }
    Ok(())
}

fn it_listens_on_loopback_only(binary: &Binary) -> Result<()> {
    let home = Home::new()?;
    let running = binary.start(&home)?;
    ensure!(
        running.url.starts_with("http://127.0.0.1:"),
        "{} should be the loopback address",
        running.url
    );
    let port = running.port()?;
    TcpStream::connect(("127.0.0.1", port))?;
    // On Linux, a socket that is bound to all addresses would answer on this one.
    let other = TcpStream::connect(("127.0.0.2", port));
    ensure!(other.is_err(), "mercato should listen on 127.0.0.1 only");
    running.stop()
}

fn it_refuses_a_port_in_use(binary: &Binary) -> Result<()> {
    let home = Home::new()?;
    let taken = TcpListener::bind(("127.0.0.1", 0))?;
    let port = taken.local_addr()?.port().to_string();
    let mut command = binary.up_with(&home, &home.data(), &port);
    fails(&home, &mut command, &[&port, "port"])?;
    drop(taken);
    binary.start(&home)?.stop()
}

fn it_refuses_a_missing_shop(binary: &Binary) -> Result<()> {
    let home = Home::new()?;
    let missing = binary.with_shop(home.path().join("no-such-shop.wasm"));
    fails(&home, &mut missing.up(&home), &["no-such-shop.wasm"]).map(drop)
}

fn it_refuses_a_file_that_is_not_a_shop(binary: &Binary) -> Result<()> {
    let home = Home::new()?;
    let whole = std::fs::read(&binary.shop)?;
    let half = whole.get(..whole.len() / 2).unwrap_or_default();
    // A core module, an empty component, a text, an empty file, and half of a shop.
    let files: [(&str, &[u8]); 5] = [
        ("module.wasm", b"\0asm\x01\0\0\0"),
        ("component.wasm", b"\0asm\x0d\0\x01\0"),
        ("text.wasm", b"this is not a shop"),
        ("empty.wasm", b""),
        ("half.wasm", half),
    ];
    for (name, content) in files {
        let shop = home.path().join(name);
        std::fs::write(&shop, content)?;
        let wrong = binary.with_shop(shop);
        fails(&home, &mut wrong.up(&home), &[name])?;
    }
    Ok(())
}

fn shared_documents_need_a_shared_cache(binary: &Binary) -> Result<()> {
    let home = Home::new()?;
    let mut command = binary.up(&home);
    // No server listens on these addresses, and mercato does not connect to them.
    command.args(["--documents", "mongodb://127.0.0.1:1/?replicaSet=none"]);
    command.args(["--events", "kafka://127.0.0.1:1"]);
    fails(&home, &mut command, &["--documents", "--cache", "MERCATO_CACHE"]).map(drop)
}

fn it_refuses_a_short_secret_without_showing_it(binary: &Binary) -> Result<()> {
    let home = Home::new()?;
    for secret in ["kurz", "fifteen-letters"] {
        let log = fails(&home, binary.up(&home).env("API_SECRET", secret), &["API_SECRET"])?;
        ensure!(
            !log.contains(secret),
            "the log should not contain the secret:\n{log}"
        );
    }
    Ok(())
}

fn it_refuses_an_invalid_setting_before_it_starts(binary: &Binary) -> Result<()> {
    // EX_CONFIG of BSD.
    const CONFIG: i32 = 78;
    let home = Home::new()?;
    for (name, value) in [
        ("ACCESS_TOKEN_SECONDS", "abc"),
        ("API_SECRET", "short"),
        ("CORS_ORIGINS", "shop.example"),
        ("CURRENCY", "eur"),
        ("OPERATOR_EMAIL", "nobody"),
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
        let (code, log) = fails_with_code(&home, binary.up(&home).env(name, value), &[name])?;
        ensure!(
            code == CONFIG,
            "{name}={value} should exit with {CONFIG}, not {code}:\n{log}"
        );
        ensure!(
            !home.data().exists(),
            "{name}={value} should not create a data folder"
        );
    }
    binary.start(&home)?.stop()
}

/// After two minutes, another request may reuse an `Idempotency-Key`, so that no request may take longer.
fn the_time_limit_is_at_most_a_minute(binary: &Binary) -> Result<()> {
    let home = Home::new()?;
    for limit in ["0", "61", "3600"] {
        let mut command = binary.up(&home);
        command.env("MERCATO_TIME_LIMIT", limit);
        fails(&home, &mut command, &["time-limit", "1..=60"])?;
    }
    Ok(())
}

fn it_reads_a_dotenv_file_and_the_environment_wins(binary: &Binary) -> Result<()> {
    let home = Home::new()?;
    let (in_file, in_environment) = ("of-the-file-0123456789abcdef", "of-the-environment-0123456789");
    std::fs::write(home.path().join(".env"), format!("API_SECRET={in_file}\n"))?;
    let users =
        |running: &Running, key: &str| Shop::new(&running.url, key).query(As::Key, "{ users { _id } }");
    let running = Running::start(&home, binary.up(&home).env_remove("API_SECRET"))?;
    users(&running, in_file)?.list("/users")?;
    running.stop()?;
    let running = Running::start(&home, binary.up(&home).env("API_SECRET", in_environment))?;
    users(&running, in_environment)?.list("/users")?;
    users(&running, in_file)?.refused("UNAUTHENTICATED")?;
    running.stop()
}

fn an_ephemeral_shop_leaves_nothing_behind(binary: &Binary) -> Result<()> {
    let home = Home::new()?;
    let (temporary, current) = (home.path().join("tmp"), home.path().join("current"));
    std::fs::create_dir(&temporary)?;
    std::fs::create_dir(&current)?;
    let mut command = binary.command(&current);
    command.arg("up").arg("--shop").arg(&binary.shop);
    command.args(["--port", "0", "--ephemeral"]);
    command.env("API_SECRET", SECRET).env("TMPDIR", &temporary);
    let running = Running::start(&home, &mut command)?;
    running.shop().register("ephemeral")?;
    running.stop()?;
    for folder in [temporary, current] {
        let left: Vec<_> = std::fs::read_dir(&folder)?
            .filter_map(Result::ok)
            .map(|entry| entry.path())
            .collect();
        ensure!(left.is_empty(), "{} should be empty: {left:?}", folder.display());
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
            ensure!(text.contains(word), "{arguments:?} should print {word}:\n{text}");
        }
    }
    Ok(())
}
