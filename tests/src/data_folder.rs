//! The data folder: its contents, its permissions, and what happens if it is unusable.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use libtest_mimic::Trial;

use crate::binary::{Binary, binary_trials, fails};
use crate::fixtures::unique;
use crate::process::{Home, Running};
use crate::shop::{As, Shop};

/// The tests of this area.
pub fn tests() -> Vec<Trial> {
    binary_trials!(
        "data_folder",
        [
            it_refuses_a_folder_that_cannot_be_created,
            it_refuses_a_broken_database_and_does_not_change_it,
            a_second_shop_on_the_same_folder_is_refused,
            a_generated_secret_is_readable_by_its_owner_only,
            data_survives_a_restart
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
