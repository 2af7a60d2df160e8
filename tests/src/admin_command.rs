//! `mercato admin create`.

use std::io::Write;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use libtest_mimic::Trial;

use crate::binary::{Binary, binary_trials, fails_with_code};
use crate::fixtures::unique;
use crate::process::{Home, Running, SECRET};
use crate::shop::{As, Shop};

/// The tests of this area.
pub fn tests() -> Vec<Trial> {
    binary_trials!(
        "admin_command",
        [
            it_creates_an_admin_with_a_generated_password,
            it_reads_the_password_from_standard_input,
            it_promotes_an_existing_user,
            it_explains_what_is_wrong
        ]
    )
}

fn create(binary: &Binary, home: &Home, url: &str, name: &str) -> Command {
    let mut command = binary.command(home.path());
    command.args(["admin", "create", name, "--url", url]);
    command.env("API_SECRET", SECRET);
    command
}

/// Runs a command that must succeed, with this standard input. Returns the lines of its output.
fn lines(command: &mut Command, input: &str) -> Result<Vec<String>> {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    child
        .stdin
        .take()
        .context("the input is piped")?
        .write_all(input.as_bytes())?;
    let output = child.wait_with_output()?;
    let log = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "the command should succeed:\n{log}");
    ensure!(log.is_empty(), "the command should log nothing:\n{log}");
    let printed = String::from_utf8(output.stdout)?;
    Ok(printed.lines().map(str::to_owned).collect())
}

/// Fails unless a user signs in with this password, as an ADMIN.
fn is_admin(shop: &Shop, name: &str, password: &str) -> Result<()> {
    let signed_in = shop.login(name, password)?;
    let token = signed_in.text("/login/access_token")?;
    let me = shop.query(
        As::Token(token),
        "{ me { username role } users { _id } sessions { _id } }",
    )?;
    me.has("/me/username", name)?;
    me.has("/me/role", "ADMIN")?;
    me.expect(
        me.list("/sessions")?.len() == 1,
        "the command should leave no session",
    )
}

fn it_creates_an_admin_with_a_generated_password(binary: &Binary) -> Result<()> {
    let home = Home::new()?;
    let running = binary.start(&home)?;
    let name = unique("root");
    let printed = lines(&mut create(binary, &home, &running.url, &name), "")?;
    let [first, second] = printed.as_slice() else {
        anyhow::bail!("two lines should be printed: {printed:?}");
    };
    ensure!(first.contains(&name) && first.contains("ADMIN"), "{first}");
    let password = second
        .strip_prefix("password: ")
        .context("the password is printed")?;
    ensure!(password.len() >= 20, "a generated password should be long");
    is_admin(&running.shop(), &name, password)?;
    let again = lines(&mut create(binary, &home, &running.url, &name), "")?;
    ensure!(
        again.len() == 1 && again.iter().all(|line| line.contains("already")),
        "{again:?}"
    );
    running.stop()
}

fn it_reads_the_password_from_standard_input(binary: &Binary) -> Result<()> {
    let home = Home::new()?;
    // The shop has a generated API key, which the command finds in the data folder.
    let mut up = binary.up(&home);
    up.env_remove("API_SECRET");
    let running = Running::start(&home, &mut up)?;
    let name = unique("root");
    let mut command = create(binary, &home, &running.url, &name);
    command.env_remove("API_SECRET").arg("--data").arg(home.data());
    command.arg("--password-stdin");
    let printed = lines(&mut command, "correct horse battery\r\n")?;
    ensure!(
        printed.len() == 1,
        "the password should not be printed: {printed:?}"
    );
    is_admin(&running.shop(), &name, "correct horse battery")?;
    running.stop()
}

fn it_promotes_an_existing_user(binary: &Binary) -> Result<()> {
    let home = Home::new()?;
    let running = binary.start(&home)?;
    let shop = running.shop();
    let user = shop.register("Promoted")?;
    let mut command = create(binary, &home, &running.url, &user.name.to_uppercase());
    let printed = lines(&mut command, "")?;
    ensure!(
        printed.len() == 1
            && printed
                .iter()
                .all(|line| line.contains("sign in again") && line.contains("password is unchanged")),
        "{printed:?}"
    );
    shop.query(user.caller(), "{ me { role } }")?
        .refused("UNAUTHENTICATED")?;
    let signed_in = shop.login(&user.name, &user.password)?;
    let token = signed_in.text("/login/access_token")?;
    shop.query(As::Token(token), "{ me { role } }")?
        .has("/me/role", "ADMIN")?;
    running.stop()
}

fn it_explains_what_is_wrong(binary: &Binary) -> Result<()> {
    let home = Home::new()?;
    let running = binary.start(&home)?;
    let failure = |command: &mut Command, code: i32, words: &[&str]| {
        let (found, log) = fails_with_code(&home, command, words)?;
        ensure!(
            found == code,
            "the exit code should be {code}, not {found}:\n{log}"
        );
        Ok(())
    };
    let create = |name: &str| create(binary, &home, &running.url, name);
    failure(
        create("a").arg("--data").arg(home.data()),
        65,
        &["username", "3 to 64"],
    )?;
    failure(
        create("bo\u{200B}ss").arg("--password-stdin"),
        66,
        &["standard input"],
    )?;
    failure(
        create("root").env("API_SECRET", "wrong"),
        69,
        &["API_SECRET", "--key"],
    )?;
    let mut without_key = create("root");
    failure(
        without_key.env_remove("API_SECRET"),
        78,
        &["--data", "api-secret"],
    )?;
    let mut help = binary.command(home.path());
    let printed = lines(help.args(["admin", "create", "--help"]), "")?.join("\n");
    for word in ["--password-stdin", "--url", "ADMIN"] {
        ensure!(printed.contains(word), "the help should have {word}:\n{printed}");
    }
    running.stop()
}
