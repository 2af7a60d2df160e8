//! `mercato backup`, `mercato restore` and `mercato check`, with kills, losses and damage.

use std::fs::{self, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, ensure};
use libtest_mimic::Trial;
use serde_json::json;

use crate::binary::{Binary, binary_trials, fails_with_code};
use crate::fixtures::{Stock, unique};
use crate::process::{Home, Process, Running, START};
use crate::shop::{As, Shop};
use crate::wait::eventually;

/// The tests of this area.
pub fn tests() -> Vec<Trial> {
    binary_trials!(
        "backup",
        [
            a_backup_of_a_selling_shop_restores_balanced_books,
            a_killed_backup_leaves_no_file,
            a_killed_restore_leaves_no_empty_shop,
            a_backup_is_private_and_names_what_it_lacks,
            each_command_says_what_to_do,
            a_damaged_database_is_found_and_left_unchanged,
            a_missing_database_is_refused_until_it_is_restored,
            lost_changes_are_accepted_only_on_demand,
            a_database_of_a_newer_version_is_refused
        ]
    )
}

/// The exit code for damaged data.
const DATA: i32 = 65;
/// The exit code for a missing file.
const NO_INPUT: i32 = 66;
/// The exit code for a file that cannot be written.
const CANT_CREATE: i32 = 73;
/// The exit code for a data folder in use.
const BUSY: i32 = 75;

/// Returns a command for this data folder.
fn command(binary: &Binary, home: &Home, data: &Path, arguments: &[&str]) -> Command {
    let mut command = binary.command(home.path());
    command.args(arguments).arg("--data").arg(data);
    command
}

/// Runs a command that must succeed. Returns its output.
fn succeeds(command: &mut Command) -> Result<String> {
    let output = command.output()?;
    let log = String::from_utf8_lossy(&output.stderr);
    ensure!(
        output.status.success() && log.is_empty(),
        "{command:?} failed:\n{log}"
    );
    Ok(String::from_utf8(output.stdout)?)
}

/// Runs a command that must fail with this code and these words.
fn refused(home: &Home, mut command: Command, code: i32, words: &[&str]) -> Result<()> {
    let (found, log) = fails_with_code(home, &mut command, words)?;
    ensure!(
        found == code,
        "the exit code should be {code}, not {found}:\n{log}"
    );
    Ok(())
}

fn backup(binary: &Binary, home: &Home, file: &str) -> Result<String> {
    succeeds(&mut command(
        binary,
        home,
        &home.data(),
        &["backup", file, "--force"],
    ))
}

fn database(home: &Home) -> PathBuf {
    home.data().join("mercato.db")
}

/// Starts a shop in another data folder.
fn start_in(binary: &Binary, home: &Home, data: &Path) -> Result<Running> {
    let mut command = binary.up_with(home, data, "0");
    Running::start(home, command.env("RESERVATION_SECONDS", "2"))
}

/// Creates products, then stops the shop.
fn closed_shop(binary: &Binary, home: &Home, products: usize) -> Result<()> {
    let running = binary.start(home)?;
    let rows = (0..products)
        .map(|n| {
            json!({ "externalId": unique("row"), "name": format!("Row {n}"), "price": 100, "quantity": 5,
                "description": "A long description of a product. ".repeat(20) })
        })
        .collect::<Vec<_>>();
    for batch in rows.chunks(500) {
        running
            .shop()
            .import_products(batch)?
            .data("/importProducts/outcomes")?;
    }
    running.stop()
}

fn stocks(shop: &Shop, products: &[String]) -> Result<Vec<Stock>> {
    products.iter().map(|product| shop.stock(product)).collect()
}

fn a_backup_of_a_selling_shop_restores_balanced_books(binary: &Binary) -> Result<()> {
    let home = Home::new()?;
    let mut running = start_in(binary, &home, &home.data())?;
    let shop = running.shop();
    let products = [shop.product(10, 40)?, shop.product(10, 100_000)?];
    let user = shop.register("buyer")?;
    let stopped = AtomicBool::new(false);
    let (confirmed, printed) = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..8)
            .map(|_| {
                let (shop, user, products, stopped) = (&shop, &user, &products, &stopped);
                scope.spawn(move || -> Result<Vec<(Instant, String)>> {
                    let mut confirmed = Vec::new();
                    let [rare, common] = products;
                    while !stopped.load(Ordering::SeqCst) {
                        let answer = shop.place_order(user.caller(), &[(rare, 1), (common, 2)])?;
                        let answer = if answer.errors().is_empty() {
                            answer
                        } else {
                            shop.place_order(user.caller(), &[(common, 1)])?
                        };
                        confirmed.push((Instant::now(), answer.text("/placeOrder/_id")?.to_owned()));
                    }
                    Ok(confirmed)
                })
            })
            .collect();
        let backups = || -> Result<(Instant, String)> {
            std::thread::sleep(Duration::from_secs(1));
            backup(binary, &home, "first.backup")?;
            std::thread::sleep(Duration::from_millis(500));
            let begun = Instant::now();
            Ok((begun, backup(binary, &home, "second.backup")?))
        };
        let made = backups();
        stopped.store(true, Ordering::SeqCst);
        let mut confirmed = Vec::new();
        for worker in workers {
            confirmed.extend(worker.join().map_err(|_| anyhow!("a worker panicked"))??);
        }
        let (begun, printed) = made?;
        confirmed.retain(|(time, _)| *time < begun);
        Ok::<_, anyhow::Error>((confirmed, printed))
    })?;
    ensure!(confirmed.len() > 20, "orders should be placed before the backup");
    ensure!(printed.contains("generation 1"), "{printed}");
    running.process.kill()?;

    let other = home.path().join("other-machine");
    let printed = succeeds(&mut command(binary, &home, &other, &["restore", "second.backup"]))?;
    ensure!(
        printed.contains("generation 2") && printed.contains("API_SECRET"),
        "{printed}"
    );
    let restored = start_in(binary, &home, &other)?;
    let shop = restored.shop();
    stocks(&shop, &products)?;
    for (_, order) in &confirmed {
        let query = "query ($id: ID!) { order(id: $id) { _id } }";
        shop.graphql(As::Key, query, json!({ "id": order }))?
            .has("/order/_id", order)?;
    }
    eventually(Duration::from_secs(30), "no unit should stay reserved", || {
        let stocks = stocks(&shop, &products)?;
        Ok((stocks.iter().all(|stock| stock.reserved == 0), stocks))
    })?;
    shop.login(&user.name, &user.password)?;
    restored.stop()?;
    // The killed shop starts, too.
    start_in(binary, &home, &home.data())?.stop()
}

/// Returns whether a folder has an unfinished backup.
fn is_unfinished(folder: &Path) -> Result<bool> {
    let mut entries = fs::read_dir(folder)?.filter_map(Result::ok);
    Ok(entries.any(|entry| entry.file_name().to_string_lossy().ends_with(".partial")))
}

fn a_killed_backup_leaves_no_file(binary: &Binary) -> Result<()> {
    let home = Home::new()?;
    closed_shop(binary, &home, 3_000)?;
    let backups = home.path().join("backups");
    fs::create_dir(&backups)?;
    let file = backups.join("shop.backup");
    let name = file.to_string_lossy().into_owned();
    let mut killed = 0;
    for round in 0..5 {
        let mut process = Process::start(
            &home,
            &mut command(binary, &home, &home.data(), &["backup", &name, "--force"]),
        )?;
        let deadline = Instant::now() + START;
        while !is_unfinished(&backups)? && !file.exists() && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(1));
        }
        std::thread::sleep(Duration::from_millis(5 * round));
        process.kill()?;
        if file.exists() {
            succeeds(&mut command(binary, &home, &home.data(), &["check", &name]))?;
            fs::remove_file(&file)?;
        } else {
            killed += 1;
        }
    }
    ensure!(killed > 0, "a backup should be killed before it is complete");
    backup(binary, &home, &name)?;
    succeeds(&mut command(binary, &home, &home.data(), &["check", &name]))?;
    ensure!(
        !is_unfinished(&backups)?,
        "a backup should remove what a killed one has left"
    );
    Ok(())
}

fn a_killed_restore_leaves_no_empty_shop(binary: &Binary) -> Result<()> {
    let home = Home::new()?;
    closed_shop(binary, &home, 1_000)?;
    backup(binary, &home, "shop.backup")?;
    for round in 0..8 {
        let data = home.path().join(format!("data-{round}"));
        let restore = ["restore", "shop.backup", "--force"];
        let mut process = Process::start(&home, &mut command(binary, &home, &data, &restore))?;
        let copy = data.join("restoring.db");
        let deadline = Instant::now() + START;
        while !copy.exists() && !data.join("shop.json").exists() && Instant::now() < deadline {
            std::thread::sleep(Duration::from_micros(200));
        }
        std::thread::sleep(Duration::from_millis(10 * round));
        process.kill()?;
        if !data.join("shop.json").exists() {
            // Nothing but a copy without a name is there, so the folder is still new.
            succeeds(&mut command(binary, &home, &data, &restore))?;
        } else if !data.join("mercato.db").exists() {
            refused(
                &home,
                binary.up_with(&home, &data, "0"),
                DATA,
                &["mercato restore"],
            )?;
            succeeds(&mut command(binary, &home, &data, &restore))?;
        }
        let printed = succeeds(&mut command(binary, &home, &data, &["check"]))?;
        ensure!(printed.contains("catalog.products: 1000"), "{printed}");
    }
    Ok(())
}

fn a_backup_is_private_and_names_what_it_lacks(binary: &Binary) -> Result<()> {
    use std::os::unix::fs::PermissionsExt;
    let home = Home::new()?;
    let mut up = binary.up(&home);
    let running = Running::start(&home, up.env_remove("API_SECRET"))?;
    let secret = fs::read_to_string(home.data().join("api-secret"))?;
    let name = unique("kept");
    Shop::new(&running.url, secret.trim()).register_as(&name, "a good password")?;
    let printed = backup(binary, &home, "shop.backup")?;
    ensure!(printed.contains("api-secret"), "{printed}");
    ensure!(!printed.contains(secret.trim()), "{printed}");
    running.stop()?;
    let file = home.path().join("shop.backup");
    let mode = fs::metadata(&file)?.permissions().mode() & 0o777;
    ensure!(mode == 0o600, "the backup should have mode 600, not {mode:o}");
    ensure!(
        !holds(&fs::read(&file)?, secret.trim().as_bytes()),
        "a backup should not hold the API secret"
    );
    let printed = succeeds(&mut command(
        binary,
        &home,
        &home.data(),
        &["check", "shop.backup"],
    ))?;
    for line in [
        "accounts.users: 1",
        "integrity: ok",
        "dead letters: 0",
        "generation 1",
    ] {
        ensure!(printed.contains(line), "`{line}` should be in\n{printed}");
    }
    // A restore into the same folder keeps the secret, so clients need no other one.
    let restore = ["restore", "shop.backup", "--force"];
    let printed = succeeds(&mut command(binary, &home, &home.data(), &restore))?;
    ensure!(printed.contains("replaced-"), "{printed}");
    let mut up = binary.up(&home);
    let running = Running::start(&home, up.env_remove("API_SECRET"))?;
    Shop::new(&running.url, secret.trim())
        .query(As::Key, "{ users { username } }")?
        .has("/users/0/username", &name)?;
    running.stop()
}

fn holds(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

fn each_command_says_what_to_do(binary: &Binary) -> Result<()> {
    let home = Home::new()?;
    let data = home.data();
    let running = binary.start(&home)?;
    backup(binary, &home, "shop.backup")?;
    let new = home.path().join("new");
    let run = |arguments: &[&str], data: &Path| command(binary, &home, data, arguments);
    refused(
        &home,
        run(&["backup", "shop.backup"], &data),
        CANT_CREATE,
        &["--force"],
    )?;
    let inside = data.join("shop.backup").to_string_lossy().into_owned();
    refused(&home, run(&["backup", &inside], &data), CANT_CREATE, &["outside"])?;
    refused(
        &home,
        run(&["backup", "no/folder/x"], &data),
        CANT_CREATE,
        &["no/folder/x"],
    )?;
    refused(&home, run(&["backup", "x"], &new), NO_INPUT, &["--data"])?;
    refused(&home, run(&["check"], &new), NO_INPUT, &["--data"])?;
    refused(&home, run(&["check", "nothing"], &data), NO_INPUT, &["nothing"])?;
    refused(&home, run(&["restore", "nothing"], &new), NO_INPUT, &["nothing"])?;
    refused(&home, run(&["restore", "shop.backup"], &data), BUSY, &["stop it"])?;
    succeeds(&mut run(&["check"], &data))?;
    running.stop()?;
    refused(
        &home,
        run(&["restore", "shop.backup"], &data),
        CANT_CREATE,
        &["--force"],
    )?;
    let text = home.path().join("text");
    fs::write(&text, "no database")?;
    refused(
        &home,
        run(&["check", "text"], &data),
        DATA,
        &["not a Mercato database"],
    )?;
    refused(&home, run(&["restore", "text"], &new), DATA, &["not a backup"])?;
    damage(&home.path().join("shop.backup"))?;
    refused(&home, run(&["check", "shop.backup"], &data), DATA, &["damaged"])?;
    let force = ["restore", "shop.backup", "--force"];
    refused(&home, run(&force, &data), DATA, &["damaged", "shop.backup"])?;
    binary.start(&home)?.stop()
}

/// Overwrites a page in the middle of a file.
fn damage(file: &Path) -> Result<()> {
    let middle = fs::metadata(file)?.len() / 2 / 4_096 * 4_096;
    let mut file = OpenOptions::new().write(true).open(file)?;
    file.seek(SeekFrom::Start(middle))?;
    file.write_all(&[0x5A; 4_096])?;
    Ok(())
}

fn a_damaged_database_is_found_and_left_unchanged(binary: &Binary) -> Result<()> {
    let home = Home::new()?;
    closed_shop(binary, &home, 500)?;
    backup(binary, &home, "shop.backup")?;
    damage(&database(&home))?;
    let before = fs::read(database(&home))?;
    let check = command(binary, &home, &home.data(), &["check"]);
    refused(&home, check, DATA, &["mercato.db", "damaged", "mercato restore"])?;
    refused(
        &home,
        binary.up(&home),
        DATA,
        &["mercato.db", "damaged", "mercato restore"],
    )?;
    let another = command(binary, &home, &home.data(), &["backup", "another.backup"]);
    refused(&home, another, DATA, &["damaged"])?;
    ensure!(
        !home.path().join("another.backup").exists(),
        "no backup should be left"
    );
    ensure!(
        fs::read(database(&home))? == before,
        "a damaged database should not change"
    );
    let restore = ["restore", "shop.backup", "--force"];
    succeeds(&mut command(binary, &home, &home.data(), &restore))?;
    binary.start(&home)?.stop()
}

fn a_missing_database_is_refused_until_it_is_restored(binary: &Binary) -> Result<()> {
    let home = Home::new()?;
    let running = binary.start(&home)?;
    let name = unique("kept");
    running.shop().register_as(&name, "a good password")?;
    backup(binary, &home, "shop.backup")?;
    running.stop()?;
    fs::remove_file(database(&home))?;
    refused(
        &home,
        binary.up(&home),
        DATA,
        &["missing", "shop.json", "mercato restore"],
    )?;
    fs::write(database(&home), "")?;
    refused(&home, binary.up(&home), DATA, &["empty", "mercato restore"])?;
    let check = command(binary, &home, &home.data(), &["check"]);
    refused(&home, check, DATA, &["mercato restore"])?;
    let restore = ["restore", "shop.backup", "--force"];
    succeeds(&mut command(binary, &home, &home.data(), &restore))?;
    let running = binary.start(&home)?;
    running
        .shop()
        .login(&name, "a good password")?
        .text("/login/user/_id")?;
    running.stop()?;
    // The old database of another generation is not taken for the restored one.
    fs::copy(home.path().join("shop.backup"), database(&home))?;
    refused(&home, binary.up(&home), DATA, &["generation 1", "generation 2"])
}

fn lost_changes_are_accepted_only_on_demand(binary: &Binary) -> Result<()> {
    let home = Home::new()?;
    binary.start(&home)?.stop()?;
    let mut running = binary.start(&home)?;
    running.shop().register_as(&unique("lost"), "a good password")?;
    running.process.kill()?;
    let log = home.data().join("mercato.db-wal");
    let whole = fs::read(&log)?;
    fs::remove_file(&log)?;
    refused(
        &home,
        binary.up(&home),
        DATA,
        &["write-ahead log", "--accept-loss"],
    )?;
    let half = whole.get(..whole.len() / 2).context("the log has a half")?;
    fs::write(&log, half)?;
    refused(
        &home,
        binary.up(&home),
        DATA,
        &["write-ahead log", "--accept-loss"],
    )?;
    let check = command(binary, &home, &home.data(), &["check"]);
    refused(&home, check, DATA, &["write-ahead log"])?;
    // The whole log is put back, so nothing is lost.
    fs::write(&log, &whole)?;
    let mut running = binary.start(&home)?;
    let users = running.shop().query(As::Key, "{ users { _id } }")?;
    users.expect(users.list("/users")?.len() == 1, "the user should exist")?;
    running.shop().register_as(&unique("lost"), "a good password")?;
    running.process.kill()?;
    fs::remove_file(&log)?;
    Running::start(&home, binary.up(&home).arg("--accept-loss"))?.stop()?;
    binary.start(&home)?.stop()
}

fn a_database_of_a_newer_version_is_refused(binary: &Binary) -> Result<()> {
    // The place of `PRAGMA user_version` in a SQLite file: four bytes, the highest first.
    const VERSION: u64 = 60;
    let home = Home::new()?;
    binary.start(&home)?.stop()?;
    backup(binary, &home, "shop.backup")?;
    let other = home.path().join("other");
    for file in [database(&home), home.path().join("shop.backup")] {
        let mut file = OpenOptions::new().read(true).write(true).open(file)?;
        let mut version = [0; 4];
        file.seek(SeekFrom::Start(VERSION))?;
        file.read_exact(&mut version)?;
        ensure!(u32::from_be_bytes(version) < 90, "the format is {version:?}");
        file.seek(SeekFrom::Start(VERSION))?;
        file.write_all(&99_u32.to_be_bytes())?;
    }
    let words = ["format 99", "newer"];
    refused(&home, binary.up(&home), DATA, &words)?;
    refused(
        &home,
        command(binary, &home, &home.data(), &["check"]),
        DATA,
        &words,
    )?;
    let restore = command(binary, &home, &other, &["restore", "shop.backup"]);
    refused(&home, restore, DATA, &words)
}
