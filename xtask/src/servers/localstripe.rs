//! localstripe: an imitation of Stripe that takes no money.

use std::path::PathBuf;

use anyhow::Result;

use super::program::cached;
use super::server::{Launch, Server};
use super::wire::Wire;
use super::{Home, ports, python};
use crate::project::Project;
use mercato_wasm_toolchain::process::clean;

/// Each hash is of the one file that fits every machine and every Python from 3.10.
const PACKAGES: &str = "\
aiohappyeyeballs==2.7.1 --hash=sha256:9243213661e29250eb41368e5daa826fc017156c3b8a11440826b2e3ed376472
aiohttp==3.14.5 --hash=sha256:5558a7f5a05af9ecf744af91e5baefc436f93c9333e656c27ec253f9a6bbe178
aiosignal==1.4.0 --hash=sha256:053243f8b92b990551949e63930a839ff0cf0b0ebbe0597b0f3fb19e1a0fe82e
async-timeout==5.0.1 --hash=sha256:39e3809566ff85354557ec2398b55e096c8364bacac9405a7a1fa429e77fe76c
attrs==26.1.0 --hash=sha256:c647aa4a12dfbad9333ca4e71fe62ddc36f4e63b2d260a37a8b83d2f043ac309
frozenlist==1.8.0 --hash=sha256:0c18a16eab41e82c295618a77502e17b195883241c563b00f0aa5106fc4eaa0d
idna==3.20 --hash=sha256:ab7ae7122974553370f0bdb919e1a960b2cd1bc1ef0276416d896db81c14582c
localstripe==1.15.10 --hash=sha256:e055538b786cee59f80c86d4ab7f7b31fb2cf32c3cbd28320cb463fc62dac220
multidict==7.1.0 --hash=sha256:d9ef29cfd98e17085b4f91bba8fa1570bec6787d5c52ce653ed33a58785585d0
propcache==0.5.4 --hash=sha256:62c60aec739ed00124573cce1178138fd690c7676352d67a37328c1cf51d7468
python-dateutil==2.9.0.post0 --hash=sha256:a8b2bc7bffae282281c8140a97d3aa9c14da0b136dfe83f850eea9a5f7470427
six==1.17.0 --hash=sha256:4721f391ed90541fddacab5acf947aa0d3dc7d27b2e1e8eda2be8970586c3274
typing-extensions==4.16.0 --hash=sha256:481caa481374e813c1b176ada14e97f1f67a4539ce9cfeb3f350d78d6370c2e8
yarl==1.25.1 --hash=sha256:681c758b0490f9e96b78e5fa8e8dc6e648e9185bb6eaebe73183c33ea0c445f3
";

/// The tools that build the packages that are published as sources only.
const TOOLS: &str = "setuptools==84.2.1 \
    --hash=sha256:ca140b45d5325a9478f880e351484f62fef15f336462e449ca0c03c873d589c2\n";

/// Builds aiohttp without a C compiler.
const BUILD: [(&str, &str); 1] = [("AIOHTTP_NO_EXTENSIONS", "1")];

/// The script that runs the server.
const RUN: &str = include_str!("localstripe.py");

/// Returns the interpreter and the folder of the packages, and installs these if they are missing.
///
/// # Errors
/// Python is missing, or the packages can't be installed.
fn program(project: &Project) -> Result<(PathBuf, PathBuf)> {
    let folder = cached(project, "localstripe-1.15.10", |work| {
        python::build(PACKAGES, TOOLS, &BUILD, work)
    })?;
    Ok((python::interpreter()?, folder))
}

/// Starts localstripe, and installs it if it is missing. The address is HOST:PORT, which serves Stripe's API
/// over HTTP.
///
/// # Errors
/// Python is missing, or the server can't be installed or does not start.
pub fn start(project: &Project, home: Home) -> Result<Server> {
    let (python, folder) = program(project)?;
    let port = ports::free()?;
    let mut command = clean(python);
    command
        .env("PYTHONPATH", folder)
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .args(["-c", RUN, &port.to_string()]);
    Server::start(Launch {
        name: "localstripe".to_owned(),
        command,
        home,
        address: format!("127.0.0.1:{port}"),
        port: Some(port),
        ready: Box::new(move || {
            let mut wire = Wire::connect(port)?;
            // A request without a key is refused.
            wire.send(b"GET /v1/charges HTTP/1.0\r\n\r\n")?;
            wire.expect_line("HTTP/1.0 401 ").map(|_| ())
        }),
    })
}
