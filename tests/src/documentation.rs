//! The commands of the documentation, in their order, as a new user types them.

use std::fs;
use std::path::Path;
use std::process::Stdio;

use anyhow::{Context, Result, ensure};
use libtest_mimic::Trial;

use crate::binary::{Binary, binary_trials};
use crate::process::{Home, Running};

/// The tests of this area.
pub fn tests() -> Vec<Trial> {
    binary_trials!("documentation", [its_commands_work_twice])
}

/// The pages, in the order in which they continue each other.
const PAGES: [&str; 6] = [
    include_str!("../../README.md"),
    include_str!("../../docs/api/graphql.md"),
    include_str!("../../docs/api/rest.md"),
    include_str!("../../docs/import.md"),
    include_str!("../../docs/operations.md"),
    include_str!("../../docs/authentication.md"),
];

/// The commands that these tests cannot run: one starts a shop, and the other runs these tests.
const TASKS: [&str; 2] = ["cargo xtask up", "cargo xtask test"];

/// What the commands of all pages print.
const PRINTED: [&str; 17] = [
    r#""name":"Wool sock","price":1250,"quantity":50"#,
    r#""hasNextPage":"#,
    r#""username":"ada-"#,
    r#""total":2500,"currency":"USD""#,
    r#""status":"PENDING","total":2500,"lines":[{"name":"Wool sock","quantity":2}]"#,
    r#""unitPrice":1250,"available":48}],"changes":[],"total":2500"#,
    r#""subtotal":1250,"discount":125,"tax":0,"total":1125"#,
    r#""status":"CANCELLED","timeline":["#,
    r#""kind":"ORDER_SHIPPED","medium":"SMS","enabled":true"#,
    r#""status":"SENT","reason":null"#,
    r#""kind":"MESSAGE","medium":"EMAIL","recipient":"a…@example.com""#,
    r#""price":2900,"compareAtPrice":null"#,
    r#""status":"pending","subtotal":2900"#,
    r#"data: {"data":{"productChanged":{"name":"Wool sock","price":1250,"#,
    "event: next\nid: ",
    "304",
    r#""price":2500,"compareAtPrice":null"#,
];

fn its_commands_work_twice(binary: &Binary) -> Result<()> {
    let home = Home::new()?;
    let data = home.path().join(".mercato");
    let mut up = binary.up_with(&home, &data, "0");
    let shop = Running::start(&home, up.env_remove("API_SECRET"))?;
    let mercato = home.path().join("target/debug/mercato");
    fs::create_dir_all(mercato.parent().context("the binary is in a folder")?)?;
    std::os::unix::fs::symlink(binary.program(), &mercato)?;

    let mut blocks: Vec<_> = PAGES.into_iter().flat_map(blocks).collect();
    for task in TASKS {
        ensure!(
            blocks.first().is_some_and(|block| block.trim() == task),
            "README should begin with `{task}`"
        );
        blocks.remove(0);
    }
    let script =
        format!("set -euo pipefail\n{}", blocks.concat()).replace("http://127.0.0.1:3000", &shop.url);
    for round in 1..=2 {
        let output = run(home.path(), &script)?;
        ensure!(
            !output.contains("\"errors\""),
            "a request of round {round} was refused:\n{output}"
        );
        for expected in PRINTED {
            ensure!(
                output.contains(expected),
                "the commands of round {round} should print {expected}:\n{output}"
            );
        }
        let refused = fs::read_to_string(home.path().join("refused.csv"))?;
        ensure!(
            refused.contains("free"),
            "the import should refuse the third row only:\n{refused}"
        );
    }
    let keys = fs::read_to_string(home.path().join("token-keys.json"))?;
    ensure!(keys.contains("\"crv\":\"Ed25519\""), "{keys}");
    shop.stop()?;
    commands_without_a_shop_work(binary, &home)
}

/// Runs the commands inside sentences, which need a data folder at most.
fn commands_without_a_shop_work(binary: &Binary, home: &Home) -> Result<()> {
    let documented = [
        include_str!("../../docs/deploy/single.md"),
        include_str!("../../docs/import.md"),
        include_str!("../../docs/operations.md"),
    ]
    .concat();
    for (command, expected) in [
        ("up --help", "--port"),
        ("import --help", "--map"),
        ("dead-letters list", ""),
    ] {
        let command = format!("target/debug/mercato {command}");
        ensure!(documented.contains(&command), "a page should contain `{command}`");
        let script = format!(
            "set -eu\nexport MERCATO_SHOP='{}'\n{command}\n",
            binary.shop.display()
        );
        let output = run(home.path(), &script)?;
        ensure!(
            output.contains(expected),
            "`{command}` should print {expected}:\n{output}"
        );
    }
    Ok(())
}

/// Returns the code blocks for a shell.
fn blocks(markdown: &str) -> Vec<String> {
    let shell = markdown.split("```sh\n").skip(1);
    shell
        .filter_map(|rest| rest.split("```").next().map(str::to_owned))
        .collect()
}

/// Runs a script in a folder and returns its output.
fn run(folder: &Path, script: &str) -> Result<String> {
    let output = std::process::Command::new("bash")
        .args(["-c", script])
        .current_dir(folder)
        // This shop has generated its own key.
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
