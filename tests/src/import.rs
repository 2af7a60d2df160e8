//! `mercato import`: feeds as they are, into a running shop.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Output;
use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use libtest_mimic::Trial;
use serde_json::{Value, json};

use crate::client::As;
use crate::own::{Binary, Home, own_trial, refuses};
use crate::world::{World, unique};

/// The tests of this area.
pub fn tests(world: &Arc<World>) -> Vec<Trial> {
    let trial = |name: &str, test: fn(&World, &Binary) -> Result<()>| {
        let world = Arc::clone(world);
        own_trial(&format!("import::{name}"), move |binary| test(&world, binary))
    };
    vec![
        trial(
            "good_rows_go_in_and_bad_ones_are_reported",
            good_rows_go_in_and_bad_ones_are_reported,
        ),
        trial(
            "a_feed_that_is_imported_again_changes_nothing",
            a_feed_that_is_imported_again_changes_nothing,
        ),
        trial(
            "an_exported_table_is_imported_without_a_change",
            an_exported_table_is_imported_without_a_change,
        ),
        trial("json_lines_are_imported", json_lines_are_imported),
        trial("latin_1_is_recognised", latin_1_is_recognised),
        trial(
            "columns_of_other_names_are_mapped",
            columns_of_other_names_are_mapped,
        ),
        trial(
            "what_can_not_be_imported_at_all_is_told",
            what_can_not_be_imported_at_all_is_told,
        ),
    ]
}

/// Runs `mercato import` on a file.
pub fn import(world: &World, binary: &Binary, home: &Home, file: &Path, flags: &[&str]) -> Result<Output> {
    let mut command = binary.command(home.path());
    command
        .arg("import")
        .arg(file)
        .args(["--url", world.shop.url()])
        .args(flags);
    command.env("API_SECRET", world.shop.secret());
    let output = command.output()?;
    ensure!(
        output.status.success(),
        "the import should succeed, not end with {}:\n{}{}",
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(output)
}

/// The products of a manufacturer by their names: price, currency, quantity, version.
fn products(world: &World, maker: &str) -> Result<BTreeMap<String, Value>> {
    let query = "query ($maker: String) { productConnection(first: 100, filter: { manufacturer: $maker }) {
        edges { node { name price currency quantity version } } } }";
    let answer = world
        .shop
        .graphql(As::Anonymous, query, json!({ "maker": maker }))?;
    let nodes = answer.column("/productConnection/edges", "/node")?;
    let name = |node: &Value| Some(node.get("name")?.as_str()?.to_owned());
    nodes
        .into_iter()
        .map(|node| Some((name(&node)?, node)))
        .collect::<Option<_>>()
        .context("a product has a name")
}

/// A feed with good and bad rows; tells how it is written, and the lines of those that are refused.
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
    let mut refused = Vec::new();
    for (index, (row, good)) in rows.iter().enumerate() {
        text.push_str(row);
        text.push('\n');
        if !good {
            refused.push(index + 2);
        }
    }
    (text, refused)
}

fn good_rows_go_in_and_bad_ones_are_reported(world: &World, binary: &Binary) -> Result<()> {
    let (home, maker) = (Home::new()?, unique("feed"));
    let (file, report) = (home.path().join("feed.csv"), home.path().join("report.txt"));
    let (text, refused) = feed(&maker);
    std::fs::write(&file, text)?;
    import(
        world,
        binary,
        &home,
        &file,
        &["--report", &report.to_string_lossy()],
    )?;
    let found = products(world, &maker)?;
    for (name, price, currency, quantity) in [
        ("plain", 1_299, None, 5),
        ("dollars", 129_900, Some("USD"), 1),
        ("pounds", 6_971, Some("GBP"), 1),
        ("yen", 500, Some("JPY"), 1),
        ("quoted, \"name\"", 500, None, 3),
    ] {
        let product = found
            .get(name)
            .with_context(|| format!("{name} should be there: {found:?}"))?;
        ensure!(
            product.get("price") == Some(&json!(price)),
            "the price should be {price}: {product}"
        );
        ensure!(
            product.get("quantity") == Some(&json!(quantity)),
            "the quantity should be {quantity}: {product}"
        );
        let right = currency.is_none_or(|currency| product.get("currency") == Some(&json!(currency)));
        ensure!(right, "the currency should be {currency:?}: {product}");
    }
    ensure!(found.len() == 5, "no bad row should be there: {found:?}");
    let report = std::fs::read_to_string(&report)?;
    let entries: Vec<&str> = report.lines().filter(|line| !line.trim().is_empty()).collect();
    for line in &refused {
        let number = line.to_string();
        let told = entries.iter().any(|entry| {
            entry
                .split(|c: char| !c.is_ascii_digit())
                .any(|word| word == number)
        });
        ensure!(told, "line {number} should be in the report:\n{report}");
    }
    let header = 1;
    let count = entries.len();
    ensure!(
        count == refused.len() || count == refused.len() + header,
        "refused lines alone should be reported:\n{report}"
    );
    Ok(())
}

fn a_feed_that_is_imported_again_changes_nothing(world: &World, binary: &Binary) -> Result<()> {
    let (home, maker) = (Home::new()?, unique("feed"));
    let file = home.path().join("feed.csv");
    std::fs::write(&file, feed(&maker).0)?;
    import(world, binary, &home, &file, &[])?;
    let first = products(world, &maker)?;
    import(world, binary, &home, &file, &[])?;
    let second = products(world, &maker)?;
    ensure!(
        first.len() == 5 && first == second,
        "the second import should change nothing: {first:?} {second:?}"
    );
    Ok(())
}

fn an_exported_table_is_imported_without_a_change(world: &World, binary: &Binary) -> Result<()> {
    let (home, maker) = (Home::new()?, unique("table"));
    for (name, price, currency) in [
        ("plain", 1_299, "USD"),
        ("=1+1, \"quoted\"", 500, "JPY"),
        ("@SUM(A1)", 1_250, "KWD"),
    ] {
        world.product_of(json!({
            "name": name, "manufacturer": maker, "externalId": format!("{maker}/{name}"), "price": price, "currency": currency,
            "quantity": 3, "description": "Two\nlines, and a comma", "attributes": [{ "name": "size", "value": "M" }],
        }))?;
    }
    let before = products(world, &maker)?;
    let query =
        "query ($maker: String) { exportProducts(filter: { manufacturer: $maker }, format: CSV) { data } }";
    let exported = world.shop.graphql(As::Key, query, json!({ "maker": maker }))?;
    let file = home.path().join("export.csv");
    std::fs::write(&file, exported.text("/exportProducts/data")?)?;
    let output = import(world, binary, &home, &file, &[])?;
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    ensure!(
        told.contains("3 rows: 0 created, 0 updated, 3 unchanged, 0 refused"),
        "the table should be taken as it is:\n{told}"
    );
    ensure!(
        before.len() == 3 && products(world, &maker)? == before,
        "nothing should have changed: {before:?}"
    );
    Ok(())
}

fn json_lines_are_imported(world: &World, binary: &Binary) -> Result<()> {
    let (home, maker) = (Home::new()?, unique("feed"));
    let file = home.path().join("feed.jsonl");
    let [first, second] = [
        json!({ "sku": format!("{maker}-1"), "name": "one", "brand": maker, "price": "1.50 EUR", "quantity": 4 }),
        json!({ "sku": format!("{maker}-2"), "name": "two", "brand": maker, "price": 2.25, "quantity": "7" }),
    ];
    std::fs::write(&file, format!("{first}\nthis is no JSON\n\n{second}\n"))?;
    import(world, binary, &home, &file, &[])?;
    let found = products(world, &maker)?;
    let price = |name: &str| found.get(name).and_then(|product| product.get("price")).cloned();
    ensure!(price("one") == Some(json!(150)), "one should cost 150: {found:?}");
    ensure!(price("two") == Some(json!(225)), "two should cost 225: {found:?}");
    ensure!(
        found.len() == 2,
        "the line that is no JSON should be left out: {found:?}"
    );
    Ok(())
}

fn latin_1_is_recognised(world: &World, binary: &Binary) -> Result<()> {
    let (home, maker) = (Home::new()?, unique("feed"));
    let file = home.path().join("feed.csv");
    let mut bytes = format!("id,name,brand,price\n{maker}-1,Caf").into_bytes();
    bytes.extend(b"\xe9 \xfcber \xbd");
    bytes.extend(format!(",{maker},9.99\n").into_bytes());
    std::fs::write(&file, bytes)?;
    import(world, binary, &home, &file, &[])?;
    let found = products(world, &maker)?;
    ensure!(
        found.contains_key("Café über ½"),
        "the name should be read as Latin-1: {found:?}"
    );
    Ok(())
}

fn columns_of_other_names_are_mapped(world: &World, binary: &Binary) -> Result<()> {
    let (home, maker) = (Home::new()?, unique("feed"));
    let file = home.path().join("feed.csv");
    std::fs::write(
        &file,
        format!("id,brand,Produktname,price\n{maker}-1,{maker},Kessel,9.99\n"),
    )?;
    let mut unmapped = binary.command(home.path());
    unmapped
        .arg("import")
        .arg(&file)
        .args(["--url", world.shop.url()])
        .env("API_SECRET", world.shop.secret());
    refuses(&home, &mut unmapped, &["Produktname", "--map"])?;
    ensure!(
        products(world, &maker)?.is_empty(),
        "nothing should have been imported"
    );
    import(world, binary, &home, &file, &["--map", "name=Produktname"])?;
    ensure!(
        products(world, &maker)?.contains_key("Kessel"),
        "the mapped column should be the name"
    );
    Ok(())
}

fn what_can_not_be_imported_at_all_is_told(world: &World, binary: &Binary) -> Result<()> {
    let (home, maker) = (Home::new()?, unique("feed"));
    let file = home.path().join("feed.csv");
    std::fs::write(
        &file,
        format!("id,name,brand,price\n{maker}-1,one,{maker},9.99\n"),
    )?;
    let command = |file: &Path, url: &str, key: &str| {
        let mut command = binary.command(home.path());
        command
            .arg("import")
            .arg(file)
            .args(["--url", url])
            .env("API_SECRET", key);
        command
    };
    let (url, key) = (world.shop.url(), world.shop.secret());
    refuses(
        &home,
        &mut command(&home.path().join("missing.csv"), url, key),
        &["missing.csv"],
    )?;
    let wrong = refuses(
        &home,
        &mut command(&file, url, "a-wrong-key-0123456789"),
        &["key"],
    )?;
    ensure!(
        !wrong.contains("a-wrong-key"),
        "a key should never be shown:\n{}",
        wrong
    );
    // A port where nobody listens: it was free a moment ago.
    let free = std::net::TcpListener::bind(("127.0.0.1", 0))?.local_addr()?;
    refuses(
        &home,
        &mut command(&file, &format!("http://{free}"), key),
        &[&free.to_string()],
    )?;
    ensure!(
        products(world, &maker)?.is_empty(),
        "nothing should have been imported"
    );
    Ok(())
}
