//! The command line.

use std::net::IpAddr;
use std::path::PathBuf;

use clap::builder::FalseyValueParser;
use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::exit;
use crate::import;
use crate::logs::Format;

/// Mercato: an e-commerce backend of WebAssembly components, in one process.
///
/// `mercato up` runs the shop, `mercato import` puts a product feed into a running one. Every setting is a flag or an
/// environment variable; a `.env` file in the current folder is read too, and the real environment wins over it.
#[derive(Debug, Parser)]
#[command(version, after_help = exit::HELP)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the shop until SIGTERM or Ctrl-C; prints `ready URL` when it serves.
    Up(Up),
    /// Put a product feed (CSV or JSON Lines) into a running shop.
    Import(import::Options),
    /// Look at events that no subscriber took, or deliver one again. A shop that keeps them in its data folder must be stopped.
    #[command(subcommand)]
    DeadLetters(DeadLetters),
}

/// `mercato up`.
#[derive(Debug, Args)]
pub struct Up {
    /// The composed shop: a WebAssembly component.
    #[arg(
        long,
        env = "MERCATO_SHOP",
        value_name = "FILE",
        default_value = "target/shop/shop.wasm"
    )]
    pub shop: PathBuf,
    /// The address to listen on. The default can be reached from this machine only; 0.0.0.0 from everywhere.
    #[arg(
        long,
        env = "MERCATO_HOST",
        value_name = "ADDRESS",
        default_value = "127.0.0.1"
    )]
    pub host: IpAddr,
    /// The port to listen on; 0 takes any that is free.
    #[arg(long, env = "MERCATO_PORT", default_value_t = 3000)]
    pub port: u16,
    /// Where the shop's data are.
    #[command(flatten)]
    pub data: Data,
    /// Use a temporary data folder, whatever --data says, and remove it at the end.
    #[arg(long, env = "MERCATO_EPHEMERAL", value_parser = FalseyValueParser::new())]
    pub ephemeral: bool,
    /// How data and mail are kept in the data folder.
    #[command(flatten)]
    pub storage: Storage,
    /// Servers that are used instead of the data folder.
    #[command(flatten)]
    pub servers: Servers,
    /// How logs are written.
    #[command(flatten)]
    pub logs: Logs,
    /// What instances of the shop may use.
    #[command(flatten)]
    pub instances: Instances,
    /// What requests may use.
    #[command(flatten)]
    pub requests: Requests,
}

/// Where the data are.
#[derive(Debug, Args)]
pub struct Data {
    /// The folder that holds the database, outgoing mail and, unless API_SECRET is set, the generated secret.
    #[arg(long, env = "MERCATO_DATA", value_name = "DIR", default_value = ".mercato")]
    pub data: PathBuf,
}

/// How data and mail are kept.
#[derive(Debug, Args)]
pub struct Storage {
    /// What a change waits for before it is confirmed.
    #[arg(long, env = "MERCATO_DURABILITY", value_enum, default_value_t = Durability::Full)]
    pub durability: Durability,
    /// The sender of mail; without --mail it is put into the folder `mail` of the data folder.
    #[arg(
        long,
        env = "MERCATO_MAIL_FROM",
        value_name = "ADDRESS",
        default_value = "Mercato <shop@localhost>"
    )]
    pub mail_from: String,
}

/// Servers that are used instead of the data folder. Their addresses may hold passwords: those are best set by the environment.
#[derive(Debug, Args)]
pub struct Servers {
    /// Keep documents in this MongoDB replica set: `mongodb://[user:password@]host:port/?replicaSet=name`. It needs --events and --cache.
    #[arg(
        long,
        env = "MERCATO_DOCUMENTS",
        value_name = "URL",
        hide_env_values = true,
        requires = "events"
    )]
    pub documents: Option<String>,
    /// Deliver events by this Kafka: `kafka://host:port`, several brokers separated by commas.
    #[arg(
        long,
        env = "MERCATO_EVENTS",
        value_name = "URL",
        hide_env_values = true,
        requires = "documents"
    )]
    pub events: Option<String>,
    /// Cache in this Redis: `redis://[user:password@]host:port`; in the memory of this process otherwise, unless --documents is set.
    #[arg(long, env = "MERCATO_CACHE", value_name = "URL", hide_env_values = true)]
    pub cache: Option<String>,
    /// Send mail through this server: `smtp://[user:password@]host:port`, or `smtps://`.
    #[arg(long, env = "MERCATO_MAIL", value_name = "URL", hide_env_values = true)]
    pub mail: Option<String>,
    /// Where the shop may send requests to: hosts, reached by HTTPS, or with their ports, with commas between them.
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
    /// The disk: it survives the loss of power.
    Full,
    /// The operating system: it survives the end of the process; faster.
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

/// How logs are written.
#[derive(Debug, Args)]
pub struct Logs {
    /// Which log lines to write, such as `warn`, or `info,mercato::http=warn` to leave out the line per request.
    #[arg(long, env = "RUST_LOG", value_name = "FILTER", default_value = "info")]
    pub log: String,
    /// How to write them.
    #[arg(long, env = "MERCATO_LOG_FORMAT", value_enum, default_value_t = Format::Text)]
    pub log_format: Format,
}

/// What instances of the shop may use.
#[derive(Debug, Args)]
pub struct Instances {
    /// The most instances of the shop, and so the most requests that run at a time.
    #[arg(long, env = "MERCATO_INSTANCES", default_value_t = 64, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub instances: u32,
    /// The most memory of one instance, in MiB.
    #[arg(long, env = "MERCATO_INSTANCE_MEMORY", value_name = "MIB", default_value_t = 128, value_parser = clap::value_parser!(u32).range(1..=4095))]
    pub instance_memory: u32,
    /// An instance is replaced after so many requests.
    #[arg(long, env = "MERCATO_INSTANCE_REQUESTS", value_name = "COUNT", default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(1..))]
    pub instance_requests: u32,
    /// The most requests that wait for an instance; more are answered with 503 at once.
    #[arg(long, env = "MERCATO_QUEUE", value_name = "COUNT", default_value_t = 1024)]
    pub queue: usize,
    /// The most streams of events that are held open; the clients of others come again every second.
    #[arg(long, env = "MERCATO_STREAMS", value_name = "COUNT", default_value_t = 1000)]
    pub streams: usize,
    /// The most of them for one client, by its address; a quarter, unless told otherwise.
    #[arg(long, env = "MERCATO_STREAMS_PER_CLIENT", value_name = "COUNT")]
    pub streams_per_client: Option<usize>,
}

/// What requests may use.
#[derive(Debug, Args)]
pub struct Requests {
    /// How long a request may take in all, in seconds; then it is answered with 504. It ends before another can take its Idempotency-Key over.
    #[arg(long, env = "MERCATO_TIME_LIMIT", value_name = "SECONDS", default_value_t = 30, value_parser = clap::value_parser!(u32).range(1..=60))]
    pub time_limit: u32,
    /// How long a request may compute, in seconds; then it is broken off.
    #[arg(long, env = "MERCATO_CPU_LIMIT", value_name = "SECONDS", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..))]
    pub cpu_limit: u32,
    /// The largest request body, in KiB; a larger one is answered with 413.
    #[arg(long, env = "MERCATO_BODY_LIMIT", value_name = "KIB", default_value_t = 1024)]
    pub body_limit: usize,
}

/// `mercato dead-letters`.
#[derive(Debug, Subcommand)]
pub enum DeadLetters {
    /// List them, oldest first, one JSON object a line.
    List {
        /// Where the shop's data are.
        #[command(flatten)]
        data: Data,
        /// The composed shop.
        #[arg(
            long,
            env = "MERCATO_SHOP",
            value_name = "FILE",
            default_value = "target/shop/shop.wasm"
        )]
        shop: PathBuf,
        /// The Kafka of a shop whose events it delivers.
        #[arg(long, env = "MERCATO_EVENTS", value_name = "URL", hide_env_values = true)]
        events: Option<String>,
        /// The most to list.
        #[arg(long, default_value_t = 100)]
        limit: u32,
    },
    /// Deliver one again: at once by Kafka, else when the shop is next started.
    Replay {
        /// The `id` that `list` shows.
        id: u64,
        /// The Kafka of a shop whose events it delivers.
        #[arg(long, env = "MERCATO_EVENTS", value_name = "URL", hide_env_values = true)]
        events: Option<String>,
        /// Where the shop's data are.
        #[command(flatten)]
        data: Data,
        /// The composed shop.
        #[arg(
            long,
            env = "MERCATO_SHOP",
            value_name = "FILE",
            default_value = "target/shop/shop.wasm"
        )]
        shop: PathBuf,
    },
}
