//! `mercato import`: feeds in their original form are imported into a running shop.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Output};
use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use libtest_mimic::Trial;
use serde_json::{Value, json};

use crate::binary::{Binary, binary_trials, fails};
use crate::fixtures::unique;
use crate::process::Home;
use crate::shop::{As, Shop};
use crate::values::text_at;

/// The tests of this area.
pub fn tests(shop: &Arc<Shop>) -> Vec<Trial> {
    binary_trials!(
        shop,
        "import_command",
        [
            good_rows_are_imported_and_bad_rows_are_reported,
            a_second_import_changes_nothing,
            a_dry_run_prints_what_it_would_send,
            an_exported_table_is_imported_without_a_change,
            json_lines_are_imported,
            latin_1_is_recognised,
            columns_of_other_names_are_mapped,
            an_import_that_cannot_start_names_the_reason,
        ]
    )
}

/// Returns `mercato import` for a file.
fn command(binary: &Binary, home: &Home, file: &Path, url: &str, key: &str) -> Command {
    let mut command = binary.command(home.path());
    command.arg("import").arg(file).args(["--url", url]);
    command.env("API_SECRET", key);
    command
}

/// The exit code of an import that refuses rows.
pub const REFUSED: i32 = 65;

/// Imports a file. Fails unless the command succeeds, or refuses rows only.
pub fn import(shop: &Shop, binary: &Binary, home: &Home, file: &Path, flags: &[&str]) -> Result<Output> {
    let mut command = command(binary, home, file, shop.url(), shop.secret());
    let output = command.args(flags).output()?;
    let log = String::from_utf8_lossy(&output.stderr);
    let refuses_rows = output.status.code() == Some(REFUSED) && log.contains("refused: correct");
    ensure!(
        output.status.success() || refuses_rows,
        "the import should succeed, not end with {}:\n{}{log}",
        output.status,
        String::from_utf8_lossy(&output.stdout),
    );
    Ok(output)
}

/// Imports a file with this name and content, and returns its log.
fn import_content(
    shop: &Shop,
    binary: &Binary,
    name: &str,
    content: impl AsRef<[u8]>,
    flags: &[&str],
) -> Result<String> {
    let home = Home::new()?;
    let file = home.path().join(name);
    std::fs::write(&file, content)?;
    let output = import(shop, binary, &home, &file, flags)?;
    Ok(String::from_utf8_lossy(&output.stderr).into_owned())
}

/// Returns the products of a manufacturer by their names.
fn products(shop: &Shop, maker: &str) -> Result<BTreeMap<String, Value>> {
    let products = shop.find_products(json!({ "manufacturer": maker }))?;
    products
        .into_iter()
        .map(|product| Ok((text_at(&product, "/name")?.to_owned(), product)))
        .collect()
}

/// Returns a feed with good and bad rows, and the line numbers of the bad rows.
fn feed(maker: &str) -> (String, Vec<usize>) {
    let long = "x".repeat(10_000);
    let rows = [
        (format!("{maker}-1,plain,a description,{maker},12.99,5"), true),
        (format!("{maker}-2,dollars,,{maker},\"$1,299.00\",1"), true),
        (format!("{maker}-3,,no name,{maker},1.00,1"), false),
        (format!("{maker}-4,no number,,{maker},call us,1"), false),
        (format!("{maker}-5,no price,,{maker},0,1"), false),
        (format!("{maker}-6,negative,,{maker},-1.00,1"), false),
        (format!("{maker}-7,fractions of a cent,,{maker},1.2345,1"), false),
        (format!("{maker}-8,pounds,,{maker},69.71 gbp,1"), true),
        (format!("{maker}-9,no quantity,,{maker},1.00,many"), false),
        (format!(",no id,,{maker},1.00,1"), false),
        (format!("{maker}-11,yen,,{maker},¥500,1"), true),
        (format!("{maker}-12,{long},,{maker},1.00,1"), false),
        (format!("{maker}-13,negative stock,,{maker},1.00,-1"), false),
        (
            format!("{maker}-14,\"quoted, \"\"name\"\"\",\"two\nlines\",{maker},5,3"),
            true,
        ),
    ];
    let mut text = "id,title,description,brand,price,stock\n".to_owned();
    let mut bad_lines = Vec::new();
    for (index, (row, good)) in rows.iter().enumerate() {
        text.push_str(row);
        text.push('\n');
        if !good {
            bad_lines.push(index + 2);
        }
    }
    (text, bad_lines)
}

fn good_rows_are_imported_and_bad_rows_are_reported(shop: &Shop, binary: &Binary) -> Result<()> {
    let (home, maker) = (Home::new()?, unique("feed"));
    let report = home.path().join("report.txt");
    let (text, bad_lines) = feed(&maker);
    let flags = ["--report", &report.to_string_lossy()];
    let file = home.path().join("feed.csv");
    std::fs::write(&file, text)?;
    let output = import(shop, binary, &home, &file, &flags)?;
    ensure!(
        output.status.code() == Some(REFUSED),
        "refused rows should have an exit code: {}",
        output.status
    );
    let found = products(shop, &maker)?;
    for (name, price, currency, quantity) in [
        ("plain", 1_299, None, 5),
        ("dollars", 129_900, Some("USD"), 1),
        ("pounds", 6_971, Some("GBP"), 1),
        ("yen", 500, Some("JPY"), 1),
        ("quoted, \"name\"", 500, None, 3),
    ] {
        let product = found
            .get(name)
            .with_context(|| format!("{name} should be imported: {found:?}"))?;
        let has = |field: &str, expected: Value| product.get(field) == Some(&expected);
        ensure!(
            has("price", json!(price))
                && has("quantity", json!(quantity))
                && currency.is_none_or(|currency| has("currency", json!(currency))),
            "the product should have price {price}, quantity {quantity}, currency {currency:?}: {product}"
        );
    }
    ensure!(found.len() == 5, "no bad row should be imported: {found:?}");
    let report = std::fs::read_to_string(&report)?;
    let entries: Vec<&str> = report.lines().filter(|line| !line.trim().is_empty()).collect();
    for line in &bad_lines {
        let number = line.to_string();
        let mut numbers = entries
            .iter()
            .flat_map(|entry| entry.split(|c: char| !c.is_ascii_digit()));
        ensure!(
            numbers.any(|word| word == number),
            "line {number} should be in the report:\n{report}"
        );
    }
    // The report may have a header.
    ensure!(
        entries.len() == bad_lines.len() || entries.len() == bad_lines.len() + 1,
        "the report should contain the bad rows only:\n{report}"
    );
    Ok(())
}

fn a_second_import_changes_nothing(shop: &Shop, binary: &Binary) -> Result<()> {
    let maker = unique("feed");
    let (text, _) = feed(&maker);
    import_content(shop, binary, "feed.csv", &text, &[])?;
    let first = products(shop, &maker)?;
    import_content(shop, binary, "feed.csv", &text, &[])?;
    let second = products(shop, &maker)?;
    ensure!(
        first.len() == 5 && first == second,
        "the second import should change nothing: {first:?} {second:?}"
    );
    Ok(())
}

fn a_dry_run_prints_what_it_would_send(shop: &Shop, binary: &Binary) -> Result<()> {
    let (home, maker) = (Home::new()?, unique("feed"));
    let (text, bad_lines) = feed(&maker);
    let file = home.path().join("feed.csv");
    std::fs::write(&file, text)?;
    let output = import(shop, binary, &home, &file, &["--dry-run"])?;
    let (sample, log) = (
        String::from_utf8(output.stdout)?,
        String::from_utf8(output.stderr)?,
    );
    let first = json!({ "externalId": format!("{maker}-1"), "name": "plain", "description": "a description",
        "manufacturer": maker, "priceAmount": 1_299, "quantity": 5 });
    let line = sample.lines().next().context("the sample has a line")?;
    ensure!(
        serde_json::from_str::<Value>(line)? == first,
        "the sample should begin with {first}:\n{sample}"
    );
    for words in [
        "Detected in",
        "encoding",
        "separator  comma",
        "decimals   point",
        "title = name",
        "nothing sent",
    ] {
        ensure!(log.contains(words), "the log should contain `{words}`:\n{log}");
    }
    // The shop refuses a name that is too long. A dry run does not know its limits.
    let refused = format!("{} refused", bad_lines.len() - 1);
    ensure!(
        log.contains(&refused),
        "the log should contain `{refused}`:\n{log}"
    );
    ensure!(products(shop, &maker)?.is_empty(), "nothing should be imported");
    Ok(())
}

fn an_exported_table_is_imported_without_a_change(shop: &Shop, binary: &Binary) -> Result<()> {
    let maker = unique("table");
    for (name, price, currency) in [
        ("plain", 1_299, "USD"),
        ("=1+1, \"quoted\"", 500, "JPY"),
        ("@SUM(A1)", 1_250, "KWD"),
    ] {
        shop.product_from(json!({
            "name": name, "manufacturer": maker, "externalId": format!("{maker}/{name}"), "price": price, "currency": currency,
            "quantity": 3, "description": "Two\nlines, and a comma", "attributes": [{ "name": "size", "value": "M" }],
        }))?;
    }
    let before = products(shop, &maker)?;
    let query =
        "query ($maker: String) { exportProducts(filter: { manufacturer: $maker }, format: CSV) { data } }";
    let exported = shop.graphql(As::Key, query, json!({ "maker": maker }))?;
    let table = exported.text("/exportProducts/data")?;
    let log = import_content(shop, binary, "export.csv", table, &[])?;
    ensure!(
        log.contains("3 rows: 0 created, 0 updated, 3 unchanged, 0 refused"),
        "the import should leave all rows unchanged:\n{log}"
    );
    ensure!(
        before.len() == 3 && products(shop, &maker)? == before,
        "the import should change no product: {before:?}"
    );
    Ok(())
}

fn json_lines_are_imported(shop: &Shop, binary: &Binary) -> Result<()> {
    let maker = unique("feed");
    let [first, second] = [
        json!({ "sku": format!("{maker}-1"), "name": "one", "brand": maker, "price": "1.50 EUR", "quantity": 4 }),
        json!({ "sku": format!("{maker}-2"), "name": "two", "brand": maker, "price": 2.25, "quantity": "7" }),
    ];
    let text = format!("{first}\nthis is not JSON\n\n{second}\n");
    import_content(shop, binary, "feed.jsonl", text, &[])?;
    let found = products(shop, &maker)?;
    let price = |name: &str| found.get(name).and_then(|product| product.get("price")).cloned();
    ensure!(price("one") == Some(json!(150)), "one should cost 150: {found:?}");
    ensure!(price("two") == Some(json!(225)), "two should cost 225: {found:?}");
    ensure!(
        found.len() == 2,
        "the line that is not JSON should be skipped: {found:?}"
    );
    Ok(())
}

fn latin_1_is_recognised(shop: &Shop, binary: &Binary) -> Result<()> {
    let maker = unique("feed");
    let mut bytes = format!("id,name,brand,price\n{maker}-1,Caf").into_bytes();
    bytes.extend(b"\xe9 \xfcber \xbd");
    bytes.extend(format!(",{maker},9.99\n").into_bytes());
    import_content(shop, binary, "feed.csv", bytes, &[])?;
    let found = products(shop, &maker)?;
    ensure!(
        found.contains_key("Café über ½"),
        "the name should be read as Latin-1: {found:?}"
    );
    Ok(())
}

fn columns_of_other_names_are_mapped(shop: &Shop, binary: &Binary) -> Result<()> {
    let (home, maker) = (Home::new()?, unique("feed"));
    let file = home.path().join("feed.csv");
    let text = format!("id,brand,Produktname,price\n{maker}-1,{maker},Kessel,9.99\n");
    std::fs::write(&file, text)?;
    let mut unmapped = command(binary, &home, &file, shop.url(), shop.secret());
    fails(&home, &mut unmapped, &["Produktname", "--map"])?;
    ensure!(
        products(shop, &maker)?.is_empty(),
        "no product should be imported"
    );
    import(shop, binary, &home, &file, &["--map", "name=Produktname"])?;
    ensure!(
        products(shop, &maker)?.contains_key("Kessel"),
        "the mapped column should be the name"
    );
    Ok(())
}

fn an_import_that_cannot_start_names_the_reason(shop: &Shop, binary: &Binary) -> Result<()> {
    let (home, maker) = (Home::new()?, unique("feed"));
    let (file, missing) = (home.path().join("feed.csv"), home.path().join("missing.csv"));
    std::fs::write(
        &file,
        format!("id,name,brand,price\n{maker}-1,one,{maker},9.99\n"),
    )?;
    let (url, key) = (shop.url(), shop.secret());
    // A process that has just released this port does not listen on it.
    let free = std::net::TcpListener::bind(("127.0.0.1", 0))?.local_addr()?;
    let closed = format!("http://{free}");
    let wrong_key = "a-wrong-key-0123456789";
    for (file, url, key, reason) in [
        (&missing, url, key, "missing.csv"),
        (&file, url, wrong_key, "key"),
        (&file, &closed, key, &free.to_string()),
    ] {
        let mut command = command(binary, &home, file, url, key);
        let log = fails(&home, &mut command, &[reason])?;
        ensure!(
            !log.contains(wrong_key),
            "the log should not contain a key:\n{log}"
        );
    }
    ensure!(
        products(shop, &maker)?.is_empty(),
        "no product should be imported"
    );
    Ok(())
}
