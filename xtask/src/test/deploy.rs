//! Checks docker-compose.yml and haproxy.cfg with the programs that read them.

use std::path::Path;

use anyhow::{Result, anyhow, bail};
use libtest_mimic::{Failed, Trial};

use super::runner::Runner;
use crate::servers::haproxy;
use mercato_wasm_toolchain::process::{clean, output};

/// The variables that `docker-compose.yml` requires.
const PASSWORDS: [&str; 2] = ["MONGODB_PASSWORD", "REDIS_PASSWORD"];
/// The variables that `deploy/haproxy.cfg` requires.
const ADDRESSES: [&str; 3] = ["MERCATO_LISTEN", "MERCATO_GATEWAY_A", "MERCATO_GATEWAY_B"];

/// Returns the tests. Those whose program is missing are skipped.
pub fn trials(runner: &mut Runner) -> Vec<Trial> {
    let compose = output(clean("docker").args(["compose", "version"]))
        .map_err(|_| anyhow!("docker with its plugin compose is not installed"));
    let proxy = haproxy::program(runner.project);
    if let Err(error) = &compose {
        runner.tally.note_missing("docker compose", error);
    }
    if let Err(error) = &proxy {
        runner.tally.note_missing("HAProxy", error);
    }
    let file = runner.project.root.join("docker-compose.yml");
    let config = runner.project.root.join("deploy/haproxy.cfg");
    vec![
        trial(
            "deploy::docker compose accepts docker-compose.yml",
            compose.is_ok(),
            move || check_compose_file(&file),
        ),
        trial("deploy::HAProxy accepts haproxy.cfg", proxy.is_ok(), move || {
            check_proxy_config(&proxy?, &config)
        }),
    ]
}

fn trial(name: &str, possible: bool, test: impl FnOnce() -> Result<()> + Send + 'static) -> Trial {
    let test = || test().map_err(|error| Failed::from(format!("{error:#}")));
    Trial::test(name, test).with_ignored_flag(!possible)
}

fn check_compose_file(file: &Path) -> Result<()> {
    let config = || {
        let mut docker = clean("docker");
        // A developer's `.env` beside the file must not set the passwords.
        docker
            .args(["compose", "--env-file", "/dev/null", "-f"])
            .arg(file);
        docker.args(["config", "--quiet"]);
        docker
    };
    let mut without_passwords = config();
    for name in PASSWORDS {
        without_passwords.env_remove(name);
    }
    if output(&mut without_passwords).is_ok() {
        bail!("docker-compose.yml does not require passwords");
    }
    output(config().envs(PASSWORDS.map(|name| (name, "x")))).map(drop)
}

fn check_proxy_config(program: &Path, config: &Path) -> Result<()> {
    for keeps in [None, Some(("MERCATO_KEEP_CONNECTIONS", "true"))] {
        let mut command = clean(program);
        command.arg("-c").arg("-f").arg(config).envs(keeps);
        output(command.envs(ADDRESSES.map(|name| (name, "127.0.0.1:1"))))?;
    }
    Ok(())
}
