//! README's commands, one after the other, as a new user types them.

use std::fs;
use std::path::Path;
use std::process::Stdio;

use anyhow::{Context, Result, ensure};
use libtest_mimic::Trial;

use crate::own::{Binary, Home, Running, own_trials};

/// The tests of this area.
pub fn tests() -> Vec<Trial> {
    own_trials!("readme", [its_commands_do_what_it_says])
}

const README: &str = include_str!("../../README.md");

/// What runs these tests, and what it is made of: they can't be run by them.
const TASKS: [&str; 2] = ["cargo xtask up", "cargo xtask test"];

fn its_commands_do_what_it_says(binary: &Binary) -> Result<()> {
    let home = Home::new()?;
    let data = home.path().join(".mercato");
    let mut up = binary.up(&home, &data);
    up.env_remove("API_SECRET");
    let shop = Running::start(&home, &mut up)?;

    let mut blocks = blocks(README);
    for task in TASKS {
        ensure!(
            blocks.first().is_some_and(|block| block.trim() == task),
            "README should begin with `{task}`"
        );
        blocks.remove(0);
    }
    let mercato = home.path().join("target/debug/mercato");
    fs::create_dir_all(mercato.parent().context("a folder")?)?;
    std::os::unix::fs::symlink(binary.program(), &mercato)?;
    let script =
        format!("set -euo pipefail\n{}", blocks.concat()).replace("http://127.0.0.1:3000", &shop.url);
    let output = run(home.path(), &script)?;
    ensure!(!output.contains("\"errors\""), "a request was refused:\n{output}");
    for expected in [
        r#""name":"Wool sock","price":1250,"quantity":50"#,
        r#""hasNextPage":false"#,
        r#""username":"ada""#,
        r#""total":2500,"currency":"USD""#,
        r#""status":"PENDING","total":2500,"products":[{"name":"Wool sock","quantity":2}]"#,
        r#""unitPrice":1250,"available":48}],"changes":[],"total":2500"#,
        r#""subtotal":1250,"discount":125,"tax":0,"total":1125"#,
        r#""status":"CANCELLED","timeline":["#,
        r#""kind":"ORDER_SHIPPED","medium":"SMS","enabled":true"#,
        r#""status":"SENT","reason":null"#,
        r#""kind":"MESSAGE","medium":"EMAIL","recipient":"a…@example.com""#,
        r#""name":"Felt hat","price":2900"#,
        r#""status":"pending","subtotal":2900"#,
        r#"data: {"data":{"productChanged":{"name":"Wool sock","price":1250,"#,
        "event: next\nid: ",
        "304",
        r#""name":"Felt hat","price":2500"#,
    ] {
        ensure!(
            output.contains(expected),
            "README's commands should print {expected}:\n{output}"
        );
    }
    let refused = fs::read_to_string(home.path().join("refused.csv"))?;
    ensure!(
        refused.contains("free"),
        "the import should refuse the third row only:\n{refused}"
    );
    shop.stop()?;

    // What README tells inside its sentences.
    for (command, expected) in [
        ("up --help", "--port"),
        ("import --help", "--map"),
        ("dead-letters list", ""),
    ] {
        let command = format!("target/debug/mercato {command}");
        ensure!(README.contains(&command), "README should tell of `{command}`");
        let script = format!(
            "set -eu\nexport MERCATO_SHOP='{}'\n{command}\n",
            binary.shop.display()
        );
        let output = run(home.path(), &script)?;
        ensure!(
            output.contains(expected),
            "`{command}` should tell of {expected}:\n{output}"
        );
    }
    Ok(())
}

/// The code blocks that are for a shell.
fn blocks(markdown: &str) -> Vec<String> {
    let shell = markdown.split("```sh\n").skip(1);
    shell
        .filter_map(|rest| rest.split("```").next().map(str::to_owned))
        .collect()
}

/// Runs a script in a folder; what it prints.
fn run(folder: &Path, script: &str) -> Result<String> {
    let output = std::process::Command::new("bash")
        .args(["-c", script])
        .current_dir(folder)
        // The key of the shop under test is none of this shop's, which has made its own.
        .env_remove("API_SECRET")
        .stdin(Stdio::null())
        .output()
        .context("bash can't be started")?;
    let text = format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    ensure!(output.status.success(), "{} in\n{script}\n{text}", output.status);
    Ok(text)
}
