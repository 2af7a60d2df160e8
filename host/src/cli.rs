//! The command line.

use std::net::IpAddr;
use std::path::PathBuf;

use clap::builder::FalseyValueParser;
use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::command_error;
use crate::import;
use crate::logs::Format;

/// Mercato, an e-commerce backend of WebAssembly components, in one process.
///
/// `mercato up` runs a shop. `mercato import` imports a product feed into a running shop. `mercato admin create`
/// makes the first user of the staff. `mercato backup` copies the database of a shop to a file. Every setting is a
/// flag or an environment variable. Variables are also read from the file `.env` in the current folder,
/// unless the environment sets them.
#[derive(Debug, Parser)]
#[command(version, after_help = command_error::HELP)]
pub struct Cli {
    /// The command to run.
    #[command(subcommand)]
    pub command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the shop until SIGTERM or Ctrl-C. Print `ready URL` when the shop accepts requests.
    Up(Up),
    Import(import::Options),
    /// Manage the users with the role ADMIN, in a running shop.
    #[command(subcommand)]
    Admin(Admin),
    Backup(Backup),
    Restore(Restore),
    Check(Check),
    /// List dead letters, or deliver one again. Stop the shop first, unless its events are in Kafka.
    #[command(subcommand)]
    DeadLetters(DeadLetters),
}

/// The options of `mercato up`.
#[derive(Debug, Args)]
pub struct Up {
    /// The file of the composed shop, a WebAssembly component.
    #[arg(
        long,
        env = "MERCATO_SHOP",
        value_name = "FILE",
        default_value = "target/shop/shop.wasm"
    )]
    pub shop: PathBuf,
    /// The address to listen on. The default accepts connections from this machine only, 0.0.0.0 from all
    /// networks.
    #[arg(
        long,
        env = "MERCATO_HOST",
        value_name = "ADDRESS",
        default_value = "127.0.0.1"
    )]
    pub host: IpAddr,
    /// The port to listen on. With 0 the system chooses a free port.
    #[arg(long, env = "MERCATO_PORT", default_value_t = 3000)]
    pub port: u16,
    /// The data folder.
    #[command(flatten)]
    pub data: Data,
    /// Use a temporary data folder instead of --data, and remove it at the end.
    #[arg(long, env = "MERCATO_EPHEMERAL", value_parser = FalseyValueParser::new())]
    pub ephemeral: bool,
    /// Fill the shop with demo data: products, categories, discounts, customers and orders. Print `demo` and the
    /// customers' password when they are complete.
    #[arg(long)]
    pub demo: bool,
    /// Storage in the data folder.
    #[command(flatten)]
    pub storage: Storage,
    /// Servers that replace the data folder.
    #[command(flatten)]
    pub servers: Servers,
    /// The log.
    #[command(flatten)]
    pub logs: Logs,
    /// The limits of instances.
    #[command(flatten)]
    pub instances: Instances,
    /// The limits of requests.
    #[command(flatten)]
    pub requests: Requests,
    /// The limits of connections.
    #[command(flatten)]
    pub connections: Connections,
}

/// The data folder.
#[derive(Debug, Args)]
pub struct Data {
    /// The folder of the database and of mail files. It also stores a generated secret, unless API_SECRET is
    /// set.
    #[arg(long, env = "MERCATO_DATA", value_name = "DIR", default_value = ".mercato")]
    pub data: PathBuf,
}

/// Storage in the data folder.
#[derive(Debug, Args)]
pub struct Storage {
    /// What a change waits for before it is confirmed.
    #[arg(long, env = "MERCATO_DURABILITY", value_enum, default_value_t = Durability::Full)]
    pub durability: Durability,
    /// Start although the database lacks confirmed changes. They are lost.
    #[arg(long)]
    pub accept_loss: bool,
    /// The sender of mail. Without --mail, each message becomes a file in the folder `mail` of the data
    /// folder.
    #[arg(
        long,
        env = "MERCATO_MAIL_FROM",
        value_name = "ADDRESS",
        default_value = "Mercato <shop@localhost>"
    )]
    pub mail_from: String,
}

/// Servers that replace the data folder. Set an address with a password in the environment, not on the
/// command line.
#[derive(Debug, Args)]
pub struct Servers {
    /// The MongoDB replica set for documents: `mongodb://[user:password@]host:port/?replicaSet=name`. It
    /// needs --events and --cache.
    #[arg(
        long,
        env = "MERCATO_DOCUMENTS",
        value_name = "URL",
        hide_env_values = true,
        requires = "events"
    )]
    pub documents: Option<String>,
    /// The Kafka brokers for events: `kafka://host:port`, several separated by commas. They need --documents.
    #[arg(
        long,
        env = "MERCATO_EVENTS",
        value_name = "URL",
        hide_env_values = true,
        requires = "documents"
    )]
    pub events: Option<String>,
    /// The Redis server for the cache: `redis://[user:password@]host:port`. Without it the cache is in
    /// memory.
    #[arg(long, env = "MERCATO_CACHE", value_name = "URL", hide_env_values = true)]
    pub cache: Option<String>,
    /// The mail server: `smtp://[user:password@]host:port`, or `smtps://` for TLS from the start.
    #[arg(long, env = "MERCATO_MAIL", value_name = "URL", hide_env_values = true)]
    pub mail: Option<String>,
    /// The hosts that the shop may send requests to, separated by commas. A host is reached by HTTPS only, a
    /// host with a port also by HTTP.
    #[arg(
        long,
        env = "HTTP_CLIENT_HOSTS",
        value_name = "HOSTS",
        default_value = "api.stripe.com,api.twilio.com"
    )]
    pub http_hosts: String,
}

/// What a change waits for.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum Durability {
    /// Wait for the disk. Changes survive a loss of power.
    Full,
    /// Wait for the operating system only, which is faster. Changes survive a crash of the process.
    Relaxed,
}

impl From<Durability> for mercato_embedded::Durability {
    fn from(durability: Durability) -> Self {
        match durability {
            Durability::Full => Self::Full,
            Durability::Relaxed => Self::Relaxed,
        }
    }
}

/// The log.
#[derive(Debug, Args)]
pub struct Logs {
    /// The log lines to write, such as `warn`, or `info,mercato::http=warn` to omit the lines of requests.
    #[arg(long, env = "RUST_LOG", value_name = "FILTER", default_value = "info")]
    pub log: String,
    /// The format of log lines.
    #[arg(long, env = "MERCATO_LOG_FORMAT", value_enum, default_value_t = Format::Text)]
    pub log_format: Format,
}

/// The limits of instances.
#[derive(Debug, Args)]
pub struct Instances {
    /// The maximum number of instances of the shop for requests. Each runs one request at a time. Half as many
    /// are added for events.
    #[arg(
        long,
        env = "MERCATO_INSTANCES",
        default_value_t = 64,
        value_parser = clap::value_parser!(u32).range(1..=1000)
    )]
    pub instances: u32,
    /// The maximum memory of one instance, in MiB.
    #[arg(
        long,
        env = "MERCATO_INSTANCE_MEMORY",
        value_name = "MIB",
        default_value_t = 128,
        value_parser = clap::value_parser!(u32).range(1..=4095)
    )]
    pub instance_memory: u32,
    /// The maximum memory of all instances, in MiB. A request that needs more gets status 503.
    #[arg(
        long,
        env = "MERCATO_MEMORY",
        value_name = "MIB",
        default_value_t = 2048,
        value_parser = clap::value_parser!(u32).range(64..)
    )]
    pub memory: u32,
    /// The number of requests after which an instance is replaced.
    #[arg(
        long,
        env = "MERCATO_INSTANCE_REQUESTS",
        value_name = "COUNT",
        default_value_t = 10_000,
        value_parser = clap::value_parser!(u32).range(1..)
    )]
    pub instance_requests: u32,
    /// The maximum number of requests that wait for an instance, for at most five seconds. Further requests get
    /// status 503 at once.
    #[arg(long, env = "MERCATO_QUEUE", value_name = "COUNT", default_value_t = 256)]
    pub queue: usize,
    /// The maximum number of open event streams. Other clients must reconnect every second.
    #[arg(long, env = "MERCATO_STREAMS", value_name = "COUNT", default_value_t = 1000)]
    pub streams: usize,
    /// The maximum number of open event streams of one client address. The default is a quarter of --streams.
    #[arg(long, env = "MERCATO_STREAMS_PER_CLIENT", value_name = "COUNT")]
    pub streams_per_client: Option<usize>,
}

/// The limits of requests.
#[derive(Debug, Args)]
pub struct Requests {
    /// The maximum time of a request, in seconds. After it the request gets status 504.
    // The maximum is a minute because another request can reuse the Idempotency-Key after two minutes.
    #[arg(
        long,
        env = "MERCATO_TIME_LIMIT",
        value_name = "SECONDS",
        default_value_t = 30,
        value_parser = clap::value_parser!(u32).range(1..=60)
    )]
    pub time_limit: u32,
    /// The maximum computing time of a request, in seconds of a processor. After it the request is cancelled.
    #[arg(
        long,
        env = "MERCATO_CPU_LIMIT",
        value_name = "SECONDS",
        default_value_t = 5,
        value_parser = clap::value_parser!(u32).range(1..)
    )]
    pub cpu_limit: u32,
    /// The maximum computing time of a request without a token or an API key, in seconds of a processor.
    #[arg(
        long,
        env = "MERCATO_CPU_LIMIT_ANONYMOUS",
        value_name = "SECONDS",
        default_value_t = 2,
        value_parser = clap::value_parser!(u32).range(1..)
    )]
    pub cpu_limit_anonymous: u32,
    /// The maximum size of a request body, in KiB. A larger body gets status 413.
    // The gateway never reads more than 1024.
    #[arg(
        long,
        env = "MERCATO_BODY_LIMIT",
        value_name = "KIB",
        default_value_t = 1024,
        value_parser = clap::value_parser!(u32).range(1..=1024)
    )]
    pub body_limit: u32,
}

/// The limits of connections.
#[derive(Debug, Args)]
pub struct Connections {
    /// The maximum number of connections. At the limit, those without a request are closed, oldest first. The limit
    /// is lower where the system allows fewer open files.
    #[arg(
        long,
        env = "MERCATO_CONNECTIONS",
        value_name = "COUNT",
        default_value_t = 4096,
        value_parser = clap::value_parser!(u32).range(1..)
    )]
    pub connections: u32,
    /// The maximum number of connections of one client address. The default is half of --connections.
    #[arg(
        long,
        env = "MERCATO_CONNECTIONS_PER_CLIENT",
        value_name = "COUNT",
        value_parser = clap::value_parser!(u32).range(1..)
    )]
    pub connections_per_client: Option<u32>,
}

/// The subcommands of `mercato admin`.
#[derive(Debug, Subcommand)]
pub enum Admin {
    Create(NewAdmin),
}

/// Create a user with the role ADMIN, or give an existing user this role.
///
/// The password of a new user is asked for without showing it. Without a terminal, or for an empty answer, a
/// password is generated and printed once. An existing user keeps the password.
#[derive(Debug, Args)]
pub struct NewAdmin {
    /// The user name.
    pub username: String,
    /// Read the password from the first line of standard input.
    #[arg(long)]
    pub password_stdin: bool,
    /// The shop.
    #[command(flatten)]
    pub shop: RunningShop,
}

/// A running shop, and its API key.
#[derive(Debug, Args)]
pub struct RunningShop {
    /// The URL of the shop.
    #[arg(long, env = "MERCATO_URL", default_value = "http://127.0.0.1:3000")]
    pub url: String,
    /// The API key of the shop. By default it is read from the data folder. Set it in the environment, so that no
    /// list of processes shows it.
    #[arg(long, env = "API_SECRET", hide_env_values = true)]
    pub key: Option<String>,
    /// The data folder of the shop, for a generated API key.
    #[arg(long, env = "MERCATO_DATA", value_name = "DIR", default_value = ".mercato")]
    pub data: PathBuf,
}

/// Copy the database of a data folder to a file. The shop may run meanwhile.
///
/// The file holds all documents and events as they were at one moment. All of it is checked before it gets its
/// name. It holds neither the API secret nor the mail files.
#[derive(Debug, Args)]
pub struct Backup {
    /// The file to write. It must not be in the data folder.
    pub file: PathBuf,
    /// Replace the file if it exists.
    #[arg(long)]
    pub force: bool,
    /// The data folder.
    #[command(flatten)]
    pub data: Data,
}

/// Copy a backup into a data folder. Stop the shop first.
///
/// All of the backup is checked before the folder is changed. The API secret and the mail files of the folder
/// are left unchanged.
#[derive(Debug, Args)]
pub struct Restore {
    /// The file of `mercato backup`.
    pub file: PathBuf,
    /// Replace the database of the folder. The old one is kept in a new folder inside.
    #[arg(long)]
    pub force: bool,
    /// The data folder. It is created if it does not exist.
    #[command(flatten)]
    pub data: Data,
}

/// Check all of a data folder or of a backup, and print what it holds. The shop may run meanwhile.
#[derive(Debug, Args)]
pub struct Check {
    /// The backup. By default the data folder is checked.
    pub file: Option<PathBuf>,
    /// The data folder.
    #[command(flatten)]
    pub data: Data,
}

/// The subcommands of `mercato dead-letters`.
#[derive(Debug, Subcommand)]
pub enum DeadLetters {
    /// List dead letters, oldest first, one JSON object a line.
    List {
        /// The data folder.
        #[command(flatten)]
        data: Data,
        /// The file of the composed shop.
        #[arg(
            long,
            env = "MERCATO_SHOP",
            value_name = "FILE",
            default_value = "target/shop/shop.wasm"
        )]
        shop: PathBuf,
        /// The Kafka brokers of the shop, if its events are in Kafka.
        #[arg(long, env = "MERCATO_EVENTS", value_name = "URL", hide_env_values = true)]
        events: Option<String>,
        /// The maximum number of dead letters to list.
        #[arg(long, default_value_t = 100)]
        limit: u32,
    },
    /// Deliver a dead letter again: at once with Kafka, otherwise after the next start of the shop.
    Replay {
        /// The `id` of the dead letter, as `list` shows it.
        id: u64,
        /// The Kafka brokers of the shop, if its events are in Kafka.
        #[arg(long, env = "MERCATO_EVENTS", value_name = "URL", hide_env_values = true)]
        events: Option<String>,
        /// The data folder.
        #[command(flatten)]
        data: Data,
        /// The file of the composed shop.
        #[arg(
            long,
            env = "MERCATO_SHOP",
            value_name = "FILE",
            default_value = "target/shop/shop.wasm"
        )]
        shop: PathBuf,
    },
}
