//! The command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

/// A wasmCloud host, wadm, and the commands to operate a lattice.
///
/// Start NATS (2.10 or newer, with JetStream), `wadm`, and one or more `host`s. Then write the named
/// configurations of the manifest with `config put`, and `deploy` the manifest.
#[derive(Debug, Parser)]
#[command(version)]
pub struct Cli {
    /// The lattice.
    #[command(flatten)]
    pub lattice: Lattice,
    /// The command to run.
    #[command(subcommand)]
    pub command: Command,
}

/// A lattice and its NATS server.
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
    /// Run a host until SIGTERM or Ctrl-C. Print `ready ID` when it runs.
    Host(Host),
    /// Run wadm, which deploys manifests, until SIGTERM or Ctrl-C. Print `ready` when it answers.
    Wadm(Wadm),
    /// Write or show named configurations, which components, providers and links use.
    #[command(subcommand)]
    Config(Config),
    /// Deploy a manifest, and wait until all of its components and providers run.
    Deploy(Deploy),
    /// Stop an application, and delete its manifest.
    Undeploy {
        /// The name of the application in its manifest.
        name: String,
    },
    /// Show the hosts with their components and providers, the links, and the applications.
    Status {
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Print each call between components and providers until SIGTERM or Ctrl-C, after the line `ready`.
    Calls {
        /// Print one JSON object a line.
        #[arg(long)]
        json: bool,
    },
    /// Create a signed provider archive from an executable for this machine's architecture.
    Archive(Archive),
}

/// The options of `mercato-lattice host`.
#[derive(Debug, Args)]
pub struct Host {
    /// A label for the placement rules of manifests, such as `zone=a`. Repeat it for several labels.
    #[arg(long = "label", value_name = "KEY=VALUE", value_parser = pair)]
    pub labels: Vec<(String, String)>,
    /// The file of the host's seed, which determines its id. It is created if it does not exist.
    #[arg(long, env = "MERCATO_HOST_SEED_FILE", value_name = "FILE")]
    pub seed_file: PathBuf,
    /// The interval of heartbeats, in seconds. --cleanup of wadm must be more than twice as long.
    #[arg(
        long,
        default_value_t = 30,
        value_name = "SECONDS",
        value_parser = clap::value_parser!(u64).range(1..)
    )]
    pub heartbeat: u64,
    /// The format of log lines.
    #[arg(long, env = "MERCATO_LOG_FORMAT", value_enum, default_value_t = LogFormat::Text)]
    pub log_format: LogFormat,
    /// The URL of a collector of traces (OTLP over HTTP).
    #[arg(long, value_name = "URL")]
    pub traces: Option<String>,
}

/// The format of log lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// Text for people.
    Text,
    /// One JSON object a line.
    Json,
}

/// The options of `mercato-lattice wadm`.
#[derive(Debug, Args)]
pub struct Wadm {
    /// After this many seconds without a heartbeat of a host, its components are moved to other hosts.
    #[arg(
        long,
        default_value_t = 70,
        value_name = "SECONDS",
        value_parser = clap::value_parser!(u64).range(1..)
    )]
    pub cleanup: u64,
    /// The format of log lines.
    #[arg(long, env = "MERCATO_LOG_FORMAT", value_enum, default_value_t = LogFormat::Text)]
    pub log_format: LogFormat,
}

/// The subcommands of `mercato-lattice config`.
#[derive(Debug, Subcommand)]
pub enum Config {
    /// Write a named configuration, and replace a previous one. Pass secrets by --stdin or --env, because all
    /// users of the machine can see command lines.
    Put {
        /// The name of the configuration.
        name: String,
        /// The values.
        #[arg(value_name = "KEY=VALUE", value_parser = pair)]
        values: Vec<(String, String)>,
        /// Also read lines of KEY=VALUE from standard input.
        #[arg(long)]
        stdin: bool,
        /// Set a key to the value of an environment variable.
        #[arg(long = "env", value_name = "KEY=VARIABLE", value_parser = pair)]
        variables: Vec<(String, String)>,
    },
    /// Show the keys of a named configuration, without its values.
    Get {
        /// The name of the configuration.
        name: String,
    },
}

/// The options of `mercato-lattice deploy`.
#[derive(Debug, Args)]
pub struct Deploy {
    /// The file of the manifest.
    pub file: PathBuf,
    /// Replace the images of the manifest by the files in this folder: `registry/NAME:tag` by `NAME.wasm` for
    /// a component, or by `NAME.par` for a provider.
    #[arg(long, value_name = "DIR")]
    pub images: Option<PathBuf>,
    /// Replace the version of the manifest. A deployed version cannot be changed.
    #[arg(long)]
    pub version: Option<String>,
    /// How long to wait until the application runs.
    #[arg(long, default_value_t = 120, value_name = "SECONDS")]
    pub timeout: u64,
}

/// The options of `mercato-lattice archive`.
#[derive(Debug, Args)]
pub struct Archive {
    /// The executable of the provider.
    pub binary: PathBuf,
    /// The name of the provider.
    #[arg(long)]
    pub name: String,
    /// The file of the new archive.
    #[arg(short, long, value_name = "FILE")]
    pub out: PathBuf,
}

fn pair(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        _ => Err("write KEY=VALUE".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_valid() {
        Cli::command().debug_assert();
    }

    #[test]
    fn parses_the_names_of_the_lattice_and_of_a_configuration() {
        let cli = Cli::parse_from(["mercato-lattice", "--lattice", "l", "config", "get", "c"]);
        assert_eq!(cli.lattice.name, "l");
        assert!(matches!(cli.command, Command::Config(Config::Get { name }) if name == "c"));
    }

    #[test]
    fn accepts_an_equals_sign_in_a_value() {
        assert_eq!(pair("url=a?b=c"), Ok(("url".to_owned(), "a?b=c".to_owned())));
        assert!(pair("url").is_err() && pair("=x").is_err());
    }
}
