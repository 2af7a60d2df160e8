//! Apache Kafka: one node that is both broker and controller.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use sha2::{Digest, Sha256};

use super::program::{cached, on_path};
use super::server::{Launch, Server};
use super::wire::Wire;
use super::{Home, ports};
use crate::project::Project;
use mercato_wasm_toolchain::process::{clean, output, progress, run};

/// The packages that Maven downloads.
const POM: &str = include_str!("pom.xml");
/// The SHA-256 of every file that Maven must download.
const JARS: &str = include_str!("jars.sha256");
const LOGGING: &str = include_str!("log4j2.xml");
const COPY: &str = "org.apache.maven.plugins:maven-dependency-plugin:2.8:copy-dependencies";

/// Returns Java and the folder of Kafka's libraries, and installs the libraries if they are missing.
///
/// # Errors
/// Java is missing, or the libraries can't be installed.
pub fn program(project: &Project) -> Result<(PathBuf, PathBuf)> {
    Ok((java()?, libraries(project)?))
}

/// Starts Kafka, and installs it if it is missing. The address is HOST:PORT.
///
/// # Errors
/// Java is missing, or Kafka can't be installed or does not start.
pub fn start(project: &Project, home: Home) -> Result<Server> {
    let (java, libraries) = program(project)?;
    let (port, controller) = (ports::free()?, ports::free()?);
    let data = home.folder("data")?;
    let settings = home.path().join("server.properties");
    fs::write(&settings, properties(port, controller, &data))?;
    let logging = home.path().join("log4j2.xml");
    fs::write(&logging, LOGGING)?;

    let program = |class: &str| {
        let mut command = clean(&java);
        command.args(["-Xmx512m", "-Xms128m", "-XX:+UseSerialGC", "-cp"]);
        command.arg(libraries.join("*"));
        command.arg(format!("-Dlog4j2.configurationFile={}", logging.display()));
        command.arg(class);
        command
    };
    if !data.join("meta.properties").exists() {
        let mut format = program("kafka.tools.StorageTool");
        format.args(["format", "--cluster-id", &cluster_id()?, "--config"]);
        output(format.arg(&settings)).context("can't format Kafka's data folder")?;
    }
    let mut command: Command = program("kafka.Kafka");
    command.arg(&settings);
    Server::start(Launch {
        name: "Kafka".to_owned(),
        command,
        home,
        address: format!("127.0.0.1:{port}"),
        port: Some(port),
        ready: Box::new(move || has_broker(port)),
    })
}

fn properties(port: u16, controller: u16, data: &Path) -> String {
    format!(
        "process.roles=broker,controller\n\
         node.id=1\n\
         controller.quorum.voters=1@127.0.0.1:{controller}\n\
         controller.listener.names=CONTROLLER\n\
         listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}\n\
         advertised.listeners=PLAINTEXT://127.0.0.1:{port}\n\
         listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT\n\
         inter.broker.listener.name=PLAINTEXT\n\
         log.dirs={}\n\
         auto.create.topics.enable=false\n\
         group.initial.rebalance.delay.ms=0\n\
         offsets.topic.num.partitions=8\n\
         offsets.topic.replication.factor=1\n\
         transaction.state.log.num.partitions=8\n\
         transaction.state.log.replication.factor=1\n\
         transaction.state.log.min.isr=1\n\
         share.coordinator.state.topic.replication.factor=1\n\
         share.coordinator.state.topic.min.isr=1\n",
        data.display()
    )
}

/// Generates sixteen random bytes as Kafka writes them, in base64.
fn cluster_id() -> Result<String> {
    let digits = crate::secret::generate()?;
    // 22 digits of base64 hold 132 bits. The last 4 must be zero, and hexadecimal digits are digits of
    // base64.
    Ok(format!(
        "{}A",
        digits.get(..21).context("the secret is too short")?
    ))
}

fn java() -> Result<PathBuf> {
    if let Some(home) = std::env::var_os("JAVA_HOME").filter(|home| !home.is_empty()) {
        return Ok(Path::new(&home).join("bin/java"));
    }
    on_path("java").context("Kafka needs Java 17 or newer: set JAVA_HOME, or put `java` on the PATH")
}

/// Returns the folder of the libraries: in `KAFKA_HOME`, or in the cache.
fn libraries(project: &Project) -> Result<PathBuf> {
    if let Some(home) = std::env::var_os("KAFKA_HOME").filter(|home| !home.is_empty()) {
        let libraries = Path::new(&home).join("libs");
        if !libraries.is_dir() {
            bail!("KAFKA_HOME has no folder `libs`");
        }
        return Ok(libraries);
    }
    let version = POM
        .split_once("<artifactId>kafka_2.13</artifactId>")
        .and_then(|(_, rest)| rest.split_once("<version>")?.1.split_once("</version>"))
        .context("pom.xml does not name Kafka's version")?
        .0;
    let folder = cached(project, &format!("kafka-{version}"), |work| {
        let maven = on_path("mvn")
            .context("Kafka is not installed (KAFKA_HOME), and Maven (`mvn`) is missing to download it")?;
        progress(format_args!(
            "downloading Kafka {version} with Maven to the cache (once, about 100 MB)"
        ));
        let pom = work.join("pom.xml");
        fs::write(&pom, POM)?;
        let mut command = clean(maven);
        command.args(["--batch-mode", "--quiet", COPY, "-DincludeScope=runtime", "-f"]);
        command.arg(&pom);
        command.arg(format!("-DoutputDirectory={}", work.join("libs").display()));
        run(&mut command).context("Maven can't download Kafka")?;
        verify(&work.join("libs"), JARS)
    })?;
    Ok(folder.join("libs"))
}

/// Checks that a folder has exactly the files of a list that `sha256sum` wrote.
fn verify(folder: &Path, list: &str) -> Result<()> {
    let mut count = 0;
    for line in list.lines() {
        let (sum, name) = line
            .split_once("  ")
            .context("a line of jars.sha256 is invalid")?;
        let bytes = fs::read(folder.join(name)).with_context(|| format!("{name} was not downloaded"))?;
        if format!("{:x}", Sha256::digest(&bytes)) != sum {
            bail!("{name} has another SHA-256 than jars.sha256 says");
        }
        count += 1;
    }
    if fs::read_dir(folder)?.count() != count {
        bail!("Maven downloaded files that jars.sha256 does not list");
    }
    Ok(())
}

/// Requests the list of brokers, as clients do. It is empty until the controller knows its broker.
fn has_broker(port: u16) -> Result<()> {
    let mut wire = Wire::connect(port)?;
    let mut request = Vec::new();
    // Metadata, version 1, request 1, no client name, no topic.
    request.extend(3_i16.to_be_bytes());
    request.extend(1_i16.to_be_bytes());
    request.extend(1_i32.to_be_bytes());
    request.extend((-1_i16).to_be_bytes());
    request.extend(0_i32.to_be_bytes());
    wire.send(&u32::try_from(request.len())?.to_be_bytes())?;
    wire.send(&request)?;
    let answer = wire.receive(12)?;
    match answer.get(8..) {
        Some([0, 0, 0, 0]) => bail!("the controller has no broker yet"),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rejects_changed_missing_and_unknown_files() {
        let folder = tempfile::tempdir().unwrap();
        let list = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad  a.jar\n";
        let jar = folder.path().join("a.jar");
        assert!(verify(folder.path(), list).is_err());
        fs::write(&jar, "abc").unwrap();
        verify(folder.path(), list).unwrap();
        fs::write(folder.path().join("b.jar"), "").unwrap();
        assert!(verify(folder.path(), list).is_err());
        fs::remove_file(folder.path().join("b.jar")).unwrap();
        fs::write(&jar, "abd").unwrap();
        assert!(verify(folder.path(), list).is_err());
    }
}
