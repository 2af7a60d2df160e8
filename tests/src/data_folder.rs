//! The data folder: its contents, its permissions, and what happens if it is unusable.

use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use flate2::read::GzDecoder;
use libtest_mimic::Trial;
use serde_json::{Value, json};

use crate::binary::{Binary, binary_trials, fails};
use crate::fixtures::unique;
use crate::process::{Home, Running};
use crate::shop::{As, Shop};
use crate::values::text_at;

/// The tests of this area.
pub fn tests() -> Vec<Trial> {
    binary_trials!(
        "data_folder",
        [
            it_refuses_a_folder_that_cannot_be_created,
            it_refuses_a_broken_database_and_does_not_change_it,
            a_second_shop_on_the_same_folder_is_refused,
            a_generated_secret_is_readable_by_its_owner_only,
            data_survives_a_restart,
            a_data_folder_of_format_1_is_migrated_and_works
        ]
    )
}

fn it_refuses_a_folder_that_cannot_be_created(binary: &Binary) -> Result<()> {
    let home = Home::new()?;
    let file = home.path().join("a-file");
    std::fs::write(&file, "precious")?;
    for data in [&file.join("data"), &file] {
        fails(&home, &mut binary.up_with(&home, data, "0"), &["a-file"])?;
    }
    ensure!(
        std::fs::read_to_string(&file)? == "precious",
        "the file should not change"
    );
    Ok(())
}

/// Returns the database's file, by its first bytes.
fn database(data: &Path) -> Result<PathBuf> {
    let files = std::fs::read_dir(data)?
        .filter_map(Result::ok)
        .map(|entry| entry.path());
    let is_database =
        |path: &PathBuf| std::fs::read(path).is_ok_and(|bytes| bytes.starts_with(b"SQLite format 3\0"));
    files
        .into_iter()
        .find(is_database)
        .with_context(|| format!("there should be a database in {}", data.display()))
}

fn it_refuses_a_broken_database_and_does_not_change_it(binary: &Binary) -> Result<()> {
    let home = Home::new()?;
    binary.start(&home)?.stop()?;
    let file = database(&home.data())?;
    let whole = std::fs::read(&file)?;
    let mut broken = vec![b'#'; 4_096];
    broken.extend(whole.iter().skip(4_096));
    std::fs::write(&file, &broken)?;
    let name = file
        .file_name()
        .map(|name| name.to_string_lossy().into_owned())
        .unwrap_or_default();
    fails(&home, &mut binary.up(&home), &[&name])?;
    ensure!(
        std::fs::read(&file)? == broken,
        "a broken database should not change"
    );
    std::fs::write(&file, whole)?;
    binary.start(&home)?.stop()
}

fn a_second_shop_on_the_same_folder_is_refused(binary: &Binary) -> Result<()> {
    let home = Home::new()?;
    let running = binary.start(&home)?;
    fails(&home, &mut binary.up(&home), &["data", "mercato"])?;
    let answer = running.shop().query(As::Anonymous, "{ __typename }")?;
    answer.has("/__typename", "Query")?;
    running.stop()?;
    binary.start(&home)?.stop()
}

fn a_generated_secret_is_readable_by_its_owner_only(binary: &Binary) -> Result<()> {
    let home = Home::new()?;
    let mut values = Vec::new();
    for _ in 0..2 {
        let mut command = binary.up(&home);
        command.env_remove("API_SECRET").env("RUST_LOG", "trace");
        let mut running = Running::start(&home, &mut command)?;
        let file = home.data().join("api-secret");
        let value = std::fs::read_to_string(&file)?.trim().to_owned();
        ensure!(value.len() >= 32, "a generated secret should be long");
        let mode = std::fs::metadata(&file)?.permissions().mode() & 0o777;
        ensure!(
            mode == 0o600,
            "the secret's file should have mode 600, not {mode:o}"
        );
        Shop::new(&running.url, &value)
            .query(As::Key, "{ users { _id } }")?
            .list("/users")?;
        running.process.stop()?;
        let log = running.process.log()?;
        ensure!(!log.contains(&value), "the secret should not be in the log");
        ensure!(
            !running.process.printed().join("\n").contains(&value),
            "the secret should not be printed"
        );
        ensure!(
            log.contains("api-secret"),
            "the log should name the secret's file:\n{log}"
        );
        values.push(value);
    }
    ensure!(values.first() == values.last(), "the secret should stay the same");
    Ok(())
}

fn data_survives_a_restart(binary: &Binary) -> Result<()> {
    let home = Home::new()?;
    let (name, password) = (unique("kept"), "a good password");
    let running = binary.start(&home)?;
    let answer = running.shop().register_as(&name, password)?;
    let id = answer.text("/registerUser/user/_id")?.to_owned();
    running.stop()?;
    let running = binary.start(&home)?;
    let again = running.shop().login(&name, password)?;
    again.has("/login/user/_id", &id)?;
    running.shop().register_as(&name, password)?.refused("CONFLICT")?;
    running.stop()
}

/// A database of format 1, see the README beside it.
const FORMAT_1: &[u8] = include_bytes!("../fixtures/data-folder-v1/mercato.db.gz");

fn a_data_folder_of_format_1_is_migrated_and_works(binary: &Binary) -> Result<()> {
    let home = Home::new()?;
    std::fs::create_dir(home.data())?;
    let mut database = Vec::new();
    GzDecoder::new(FORMAT_1).read_to_end(&mut database)?;
    std::fs::write(home.data().join("mercato.db"), database)?;
    let mut up = binary.up(&home);
    up.env("PAYMENT_GATEWAY", "test")
        .env("MERCATO_ENVIRONMENT", "development");
    for round in 1..=2 {
        let running = Running::start(&home, &mut up)?;
        let shop = running.shop();
        finds_old_products(&shop)?;
        let answer = shop.login("Anna.Olsen", "correct horse battery")?;
        let anna = As::Token(answer.text("/login/access_token")?);
        if round == 1 {
            uses_old_orders(&shop, anna)?;
        }
        balances(&shop)?;
        running.stop()?;
    }
    ensure!(
        home.data().join("shop.json").exists(),
        "a folder of format 1 should get an identity"
    );
    Ok(())
}

fn finds_old_products(shop: &Shop) -> Result<()> {
    for (search, name) in [
        ("creme brulee", "Crème brûlée torch"),
        ("SOCK", "Wool Socks"),
        ("TEE-M", "T-shirt M"),
        ("烤鸭", "烤鸭 plate"),
    ] {
        let found = shop.find_products(json!({ "search": search }))?;
        ensure!(
            found
                .iter()
                .any(|product| text_at(product, "/name").is_ok_and(|found| found == name)),
            "`{search}` should find {name}: {found:?}"
        );
    }
    let query = "query ($after: String) { productConnection(first: 10, after: $after, sort: { key: NAME }) {
        totalCount edges { node { name } } pageInfo { hasNextPage endCursor } } }";
    let sorted = shop.all_nodes(As::Anonymous, query, "/productConnection", json!({}))?;
    let names = sorted
        .iter()
        .filter_map(|node| node.get("name")?.as_str())
        .collect::<Vec<_>>();
    ensure!(names.len() == 35, "35 old products should be listed: {names:?}");
    let position = |name: &str| names.iter().position(|found| *found == name);
    let order = [
        "Ångström Lamp",
        "apple peeler",
        "Bead number 01",
        "Bead number 24",
        "Wool Socks",
        "Zebra Rug",
    ];
    ensure!(
        order.iter().map(|name| position(name)).is_sorted(),
        "the names should be sorted: {names:?}"
    );
    Ok(())
}

/// Pays, cancels and ships orders that the older version has stored.
fn uses_old_orders(shop: &Shop, anna: As<'_>) -> Result<()> {
    const PENDING: &str = "01a22ade-eb59-730c-a18e-7c82eddbff39";
    const TO_CANCEL: &str = "01a22ade-eb66-7440-90c0-4d676c879ecc";
    const PAID: &str = "01a22ade-eb70-720b-bbe0-34b4e82f1888";
    shop.pay(anna, PENDING, "tok_ok")?
        .has("/payOrder/status", "SUCCEEDED")?;
    shop.cancel_order(anna, TO_CANCEL, None)?
        .has("/cancelOrder/status", "CANCELLED")?;
    shop.move_order(PAID, "PROCESSING")?;
    shop.move_order(PAID, "SHIPPED")?;
    shop.refund(PAID, None)?.has("/refundPayment/refunded", 1_125)?;
    let query = "query ($after: String) { orderConnection(first: 5, after: $after) {
        edges { node { _id total } } pageInfo { hasNextPage endCursor } } }";
    let orders = shop.all_nodes(anna, query, "/orderConnection", json!({}))?;
    ensure!(orders.len() == 21, "21 orders of the customer should be listed");
    shop.order(anna, &[("01a22ade-e95d-75be-ab32-0c660db795c3", 1)])
        .map(drop)
}

/// Checks that each unit of each product is in one place.
fn balances(shop: &Shop) -> Result<()> {
    let query = "query ($after: String) { productConnection(first: 100, after: $after) { edges { node {
        name stock { received onHand reserved sold writtenOff } } } pageInfo { hasNextPage endCursor } } }";
    for product in shop.all_nodes(As::Key, query, "/productConnection", json!({}))? {
        let count = |name: &str| product.pointer(&format!("/stock/{name}")).and_then(Value::as_i64);
        let places = ["onHand", "reserved", "sold", "writtenOff"];
        let sum = places.iter().map(|name| count(name)).sum::<Option<i64>>();
        ensure!(
            sum.is_some() && sum == count("received"),
            "the stock should add up: {product}"
        );
    }
    Ok(())
}
