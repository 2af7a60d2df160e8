//! A mail server that stores all mail and forwards none.

use std::path::PathBuf;

use anyhow::Result;

use super::program::cached;
use super::server::{Launch, Server};
use super::wire::Wire;
use super::{Home, ports, python};
use crate::project::Project;
use mercato_wasm_toolchain::process::clean;

const PACKAGES: &str = "\
aiosmtpd==1.4.6 --hash=sha256:72c99179ba5aa9ae0abbda6994668239b64a5ce054471955fe75f581d2592475
atpublic==5.1 --hash=sha256:135783dbd887fbddb6ef032d104da70c124f2b44b9e2d79df07b9da5334825e3
attrs==26.1.0 --hash=sha256:c647aa4a12dfbad9333ca4e71fe62ddc36f4e63b2d260a37a8b83d2f043ac309
";

/// The folder of the mail, below the server's folder: a Maildir, in whose folder `new` each message is a
/// file.
pub const MAILDIR: &str = "mails";

/// Returns the interpreter and the folder of the packages, and installs these if they are missing.
///
/// # Errors
/// Python is missing, or the packages can't be installed.
pub fn program(project: &Project) -> Result<(PathBuf, PathBuf)> {
    let folder = cached(project, "aiosmtpd-1.4.6", |work| python::install(PACKAGES, work))?;
    Ok((python::interpreter()?, folder))
}

/// Starts the mail server, and installs it if it is missing. The address is a URL.
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
        .args([
            "-m",
            "aiosmtpd",
            "--nosetuid",
            "--listen",
            &format!("127.0.0.1:{port}"),
        ])
        .args(["--class", "aiosmtpd.handlers.Mailbox"])
        // The handler creates the folders inside only if this folder does not exist.
        .arg(home.path().join(MAILDIR));
    Server::start(Launch {
        name: "the mail server".to_owned(),
        command,
        home,
        address: format!("smtp://127.0.0.1:{port}"),
        port: Some(port),
        ready: Box::new(move || {
            let mut wire = Wire::connect(port)?;
            wire.expect_line("220 ")?;
            wire.send(b"QUIT\r\n")?;
            wire.expect_line("221 ").map(|_| ())
        }),
    })
}
