//! The command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

/// A wasmCloud host, wadm, and what a lattice is run with.
///
/// Start NATS (2.10 or newer, with JetStream), `wadm`, one `host` or more, put the named configurations that the manifest names
/// (`config put`), and `deploy` the manifest.
#[derive(Debug, Parser)]
#[command(version)]
pub struct Cli {
    /// Which lattice.
    #[command(flatten)]
    pub lattice: Lattice,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// Which lattice, and where its NATS server is.
#[derive(Debug, Args)]
pub struct Lattice {
    /// The address of the NATS server, as HOST:PORT or as a URL.
    #[arg(
        long,
        global = true,
        env = "MERCATO_NATS",
        value_name = "ADDRESS",
        default_value = "127.0.0.1:4222"
    )]
    pub nats: String,
    /// The name of the lattice.
    #[arg(
        id = "lattice",
        long = "lattice",
        global = true,
        env = "MERCATO_LATTICE",
        value_name = "NAME",
        default_value = "default"
    )]
    pub name: String,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run a host until SIGTERM or Ctrl-C; prints `ready ID` when it is up.
    Host(Host),
    /// Run wadm, which deploys manifests, until SIGTERM or Ctrl-C; prints `ready` when it answers.
    Wadm(Wadm),
    /// Named configurations, which components, providers and links refer to.
    #[command(subcommand)]
    Config(Config),
    /// Deploy a manifest, and wait until everything in it runs.
    Deploy(Deploy),
    /// End an application, and forget its manifest.
    Undeploy {
        /// The name of the application, as in the manifest.
        name: String,
    },
    /// Show hosts, what runs on them, links and applications.
    Status {
        /// As JSON, for programs.
        #[arg(long)]
        json: bool,
    },
    /// Print every call of one component or provider to another as it is made, until SIGTERM or Ctrl-C; `ready` comes first.
    Calls {
        /// As JSON, one object a line.
        #[arg(long)]
        json: bool,
    },
    /// Put a provider's executable into a signed provider archive for this machine's architecture.
    Archive(Archive),
}

/// `mercato-lattice host`.
#[derive(Debug, Args)]
pub struct Host {
    /// A label that manifests can place by, such as `zone=a`; repeat for more.
    #[arg(long = "label", value_name = "KEY=VALUE", value_parser = pair)]
    pub labels: Vec<(String, String)>,
    /// The file of the host's seed, which makes it the same host at each start; made if it is missing.
    #[arg(long, env = "MERCATO_HOST_SEED_FILE", value_name = "FILE")]
    pub seed_file: PathBuf,
    /// How often the host says that it is there, in seconds. wadm's --cleanup must be more than twice as long.
    #[arg(long, default_value_t = 30, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..))]
    pub heartbeat: u64,
    /// How to write logs.
    #[arg(long, env = "MERCATO_LOG_FORMAT", value_enum, default_value_t = LogFormat::Text)]
    pub log_format: LogFormat,
    /// Where to send traces: the URL of a collector that takes OTLP over HTTP.
    #[arg(long, value_name = "URL")]
    pub traces: Option<String>,
}

/// How to write logs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

/// `mercato-lattice wadm`.
#[derive(Debug, Args)]
pub struct Wadm {
    /// After so many seconds without a sign of life, a host's work is given to others.
    #[arg(long, default_value_t = 70, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..))]
    pub cleanup: u64,
    /// How to write logs.
    #[arg(long, env = "MERCATO_LOG_FORMAT", value_enum, default_value_t = LogFormat::Text)]
    pub log_format: LogFormat,
}

/// `mercato-lattice config`.
#[derive(Debug, Subcommand)]
pub enum Config {
    /// Put a named configuration in place of what was there. Secrets are best given by --stdin or --env: command lines are seen by
    /// everyone on the machine.
    Put {
        /// Its name.
        name: String,
        /// What it holds.
        #[arg(value_name = "KEY=VALUE", value_parser = pair)]
        values: Vec<(String, String)>,
        /// Read lines of KEY=VALUE from stdin too.
        #[arg(long)]
        stdin: bool,
        /// Take the value of an environment variable, under this key.
        #[arg(long = "env", value_name = "KEY=VARIABLE", value_parser = pair)]
        variables: Vec<(String, String)>,
    },
    /// Show the keys of a named configuration; the values stay hidden.
    Get {
        /// Its name.
        name: String,
    },
}

/// `mercato-lattice deploy`.
#[derive(Debug, Args)]
pub struct Deploy {
    /// The manifest.
    pub file: PathBuf,
    /// Use the files in this folder in place of the manifest's images: `NAME.wasm` for a component whose image is
    /// `registry/NAME:tag`, `NAME.par` for a provider.
    #[arg(long, value_name = "DIR")]
    pub images: Option<PathBuf>,
    /// Deploy as this version, in place of the manifest's own. A version can't be changed once it was deployed.
    #[arg(long)]
    pub version: Option<String>,
    /// How long to wait for everything to run.
    #[arg(long, default_value_t = 120, value_name = "SECONDS")]
    pub timeout: u64,
}

/// `mercato-lattice archive`.
#[derive(Debug, Args)]
pub struct Archive {
    /// The provider's executable.
    pub binary: PathBuf,
    /// The provider's name.
    #[arg(long)]
    pub name: String,
    /// Where to put the archive.
    #[arg(short, long, value_name = "FILE")]
    pub out: PathBuf,
}

fn pair(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        _ => Err("write it as KEY=VALUE".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn the_name_of_a_configuration_is_not_that_of_the_lattice() {
        let cli = Cli::parse_from(["mercato-lattice", "--lattice", "l", "config", "get", "c"]);
        assert_eq!(cli.lattice.name, "l");
        assert!(matches!(cli.command, Command::Config(Config::Get { name }) if name == "c"));
    }

    #[test]
    fn a_value_may_contain_the_sign_that_separates() {
        assert_eq!(pair("url=a?b=c"), Ok(("url".to_owned(), "a?b=c".to_owned())));
        assert!(pair("url").is_err() && pair("=x").is_err());
    }
}
