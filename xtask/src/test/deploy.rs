//! The files of a deployment by containers, as the programs see them that read them.

use std::path::Path;

use anyhow::{Result, anyhow, bail};
use libtest_mimic::{Failed, Trial};

use super::tally::Tally;
use crate::project::Project;
use crate::servers::haproxy;
use mercato_wasm_toolchain::process::{clean, output};

/// What `docker-compose.yml` asks for.
const PASSWORDS: [&str; 2] = ["MONGODB_PASSWORD", "REDIS_PASSWORD"];
/// What `deploy/haproxy.cfg` asks for.
const ADDRESSES: [&str; 3] = ["MERCATO_LISTEN", "MERCATO_GATEWAY_A", "MERCATO_GATEWAY_B"];

/// The tests; what can't be had for them is noted as missing.
pub fn trials(project: &Project, tally: &mut Tally) -> Vec<Trial> {
    let compose = output(clean("docker").args(["compose", "version"]))
        .map_err(|_| anyhow!("docker with its plugin compose is not installed"));
    let proxy = haproxy::program(project);
    if let Err(error) = &compose {
        tally.miss("docker compose", error);
    }
    if let Err(error) = &proxy {
        tally.miss("HAProxy", error);
    }
    let file = project.root.join("docker-compose.yml");
    let config = project.root.join("deploy/haproxy.cfg");
    vec![
        trial(
            "deploy::docker compose takes docker-compose.yml",
            compose.is_ok(),
            move || takes_compose_file(&file),
        ),
        trial("deploy::HAProxy takes haproxy.cfg", proxy.is_ok(), move || {
            takes_config(&proxy?, &config)
        }),
    ]
}

fn trial(name: &str, possible: bool, test: impl FnOnce() -> Result<()> + Send + 'static) -> Trial {
    let test = || test().map_err(|error| Failed::from(format!("{error:#}")));
    Trial::test(name, test).with_ignored_flag(!possible)
}

fn takes_compose_file(file: &Path) -> Result<()> {
    let config = || {
        let mut docker = clean("docker");
        // A `.env` beside the file is somebody's own.
        docker
            .args(["compose", "--env-file", "/dev/null", "-f"])
            .arg(file);
        docker.args(["config", "--quiet"]);
        docker
    };
    let mut bare = config();
    for name in PASSWORDS {
        bare.env_remove(name);
    }
    if output(&mut bare).is_ok() {
        bail!("it does without passwords");
    }
    output(config().envs(PASSWORDS.map(|name| (name, "x")))).map(|_| ())
}

fn takes_config(program: &Path, config: &Path) -> Result<()> {
    let mut command = clean(program);
    command.arg("-c").arg("-f").arg(config);
    output(command.envs(ADDRESSES.map(|name| (name, "127.0.0.1:1")))).map(|_| ())
}
