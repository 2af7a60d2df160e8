//! The data folder: what is kept in it, who may use it, and what happens where it is not as it should be.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use libtest_mimic::Trial;

use crate::client::{As, Shop};
use crate::own::{Binary, Home, Running, own_trials, refuses};
use crate::world::{login, register, unique};

/// The tests of this area.
pub fn tests() -> Vec<Trial> {
    own_trials!(
        "data_folder",
        [
            a_folder_that_can_not_be_made_is_told,
            a_broken_database_is_told_and_left_as_it_is,
            a_second_shop_on_the_same_folder_is_refused,
            a_generated_secret_is_kept_for_its_owner_alone,
            what_was_answered_is_there_after_a_restart,
        ]
    )
}

fn a_folder_that_can_not_be_made_is_told(binary: &Binary) -> Result<()> {
    let home = Home::new()?;
    let file = home.path().join("a-file");
    std::fs::write(&file, "precious")?;
    refuses(&home, &mut binary.up(&home, &file.join("data")), &["a-file"])?;
    refuses(&home, &mut binary.up(&home, &file), &["a-file"])?;
    ensure!(
        std::fs::read_to_string(&file)? == "precious",
        "what is in the way should be left as it is"
    );
    Ok(())
}

/// The database's file, known by its first bytes.
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

fn a_broken_database_is_told_and_left_as_it_is(binary: &Binary) -> Result<()> {
    let home = Home::new()?;
    Running::start(&home, &mut binary.up(&home, &home.data()))?.stop()?;
    let file = database(&home.data())?;
    let whole = std::fs::read(&file)?;
    let mut broken = vec![b'#'; 4_096];
    broken.extend(whole.iter().skip(4_096));
    std::fs::write(&file, &broken)?;
    let name = file
        .file_name()
        .map(|name| name.to_string_lossy().into_owned())
        .unwrap_or_default();
    refuses(&home, &mut binary.up(&home, &home.data()), &[&name])?;
    ensure!(
        std::fs::read(&file)? == broken,
        "a broken database should be left for those who can repair it"
    );
    std::fs::write(&file, whole)?;
    Running::start(&home, &mut binary.up(&home, &home.data()))?.stop()
}

fn a_second_shop_on_the_same_folder_is_refused(binary: &Binary) -> Result<()> {
    let home = Home::new()?;
    let running = Running::start(&home, &mut binary.up(&home, &home.data()))?;
    refuses(&home, &mut binary.up(&home, &home.data()), &["data", "mercato"])?;
    let answer = running.shop().query(As::Anonymous, "{ __typename }")?;
    answer.expect(
        answer.text("/__typename")? == "Query",
        "the first shop should go on",
    )?;
    running.stop()?;
    Running::start(&home, &mut binary.up(&home, &home.data()))?.stop()
}

fn a_generated_secret_is_kept_for_its_owner_alone(binary: &Binary) -> Result<()> {
    let home = Home::new()?;
    let mut values = Vec::new();
    for _ in 0..2 {
        let mut command = binary.up(&home, &home.data());
        command.env_remove("API_SECRET").env("RUST_LOG", "trace");
        let mut running = Running::start(&home, &mut command)?;
        let file = home.data().join("api-secret");
        let value = std::fs::read_to_string(&file)?.trim().to_owned();
        ensure!(value.len() >= 32, "a generated secret should be long");
        let mode = std::fs::metadata(&file)?.permissions().mode() & 0o777;
        ensure!(
            mode == 0o600,
            "its file should be its owner's alone, not {mode:o}"
        );
        Shop::new(&running.url, &value)
            .query(As::Key, "{ users { _id } }")?
            .list("/users")?;
        running.process.terminate()?;
        running.process.wait(std::time::Duration::from_secs(20))?;
        let log = running.process.log()?;
        ensure!(!log.contains(&value), "the secret should not be in the log");
        ensure!(
            !running.process.printed().join("\n").contains(&value),
            "the secret should not be printed"
        );
        ensure!(
            log.contains("api-secret"),
            "the place of the secret should be told:\n{log}"
        );
        values.push(value);
    }
    ensure!(values.first() == values.last(), "the secret should stay the same");
    Ok(())
}

fn what_was_answered_is_there_after_a_restart(binary: &Binary) -> Result<()> {
    let home = Home::new()?;
    let (name, password) = (unique("kept"), "a good password");
    let running = Running::start(&home, &mut binary.up(&home, &home.data()))?;
    let answer = register(&running.shop(), As::Anonymous, &name, password)?;
    let id = answer.text("/registerUser/user/_id")?.to_owned();
    running.stop()?;
    let running = Running::start(&home, &mut binary.up(&home, &home.data()))?;
    let again = login(&running.shop(), &name, password)?;
    again.expect(
        again.text("/login/user/_id")? == id,
        "the user should be the same",
    )?;
    register(&running.shop(), As::Anonymous, &name, password)?.refused("CONFLICT")?;
    running.stop()
}
