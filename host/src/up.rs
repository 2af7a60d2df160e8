//! `mercato up`: opens the ports, serves the shop, and shuts down.

use std::collections::HashMap;
use std::env::VarError;
use std::io::Write;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use mercato_ports::manifest::ShopManifest;
use mercato_shop::http::{BrowserPolicy, client_address};
use mercato_shop::settings;
use mercato_shop::settings::secret::API_SECRET;
use tokio::net::TcpListener;
use tokio::runtime::Handle;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tracing::info;

use crate::cli::Up;
use crate::command_error::{Code, CommandError};
use crate::data::DataFolder;
use crate::events::Subscribers;
use crate::http::connections::Connections;
use crate::http::open_files;
use crate::http::stream_slots::StreamSlots;
use crate::http::streams::{self, Streams};
use crate::logs::LineLimit;
use crate::metrics::Metrics;
use crate::providers::Providers;
use crate::runtime::{Limits, Platform, Pool};
use crate::shop::Shop;
use crate::{demo, http, providers, secret};

/// How long a request waits for an instance. A client that waits longer has often given up.
const MAX_WAIT: Duration = Duration::from_secs(5);

/// How much the memory of an instance may grow before the instance is replaced, in bytes.
const REUSABLE_GROWTH: usize = 24 << 20;

/// Runs the shop until a signal stops it. Events are handled on the given threads.
///
/// # Errors
/// If the shop cannot start.
pub async fn run(options: Up, events: &Handle) -> Result<(), CommandError> {
    let shop = Shop::read(&options.shop)?;
    let settings = read_settings(&shop.manifest)?;
    let browsers = BrowserPolicy::read(&|name| settings.get(name).cloned())
        .map_err(|reason| CommandError::new(Code::Config, reason))?;
    let listener = listen(SocketAddr::new(options.host, options.port)).await?;
    let address = listener
        .local_addr()
        .map_err(|error| CommandError::new(Code::Software, error.to_string()))?;
    let data = if options.ephemeral {
        DataFolder::temporary()?
    } else {
        DataFolder::open(&options.data.data)?
    };
    let cache = providers::cache(&options.servers)?;
    let providers = Providers::open(data.path(), &shop.manifest, &options.storage, &options.servers).await?;
    let documents = providers.documents();
    let config = config(settings, &shop.manifest, data.path(), &options.servers.http_hosts)?;
    let key = config.get(API_SECRET).cloned().unwrap_or_default();
    let address_header = settings::text::address_header(&|name| config.get(name).cloned())
        .map_err(|reason| CommandError::new(Code::Config, reason))?
        .unwrap_or(client_address::HEADER);
    let platform = Arc::new(Platform {
        documents: documents.clone(),
        cache,
        mailer: providers::mailer(data.path(), &options.storage, &options.servers)?,
        passwords: providers::passwords(),
        http_client: providers::http_client(&options.servers)?,
        config,
    });
    let limits = limits(&options);
    let pool = Pool::new(shop, platform, limits, cache_folder(data.path()).as_deref()).await;
    let pool = pool.map_err(|error| cannot_run(&options.shop, &error))?;

    let metrics = Arc::new(Metrics::default());
    let subscribers = Arc::new(Subscribers::new(pool.clone(), metrics.clone()));
    let (stop_dispatcher, dispatcher_stopped) = watch::channel(false);
    let dispatcher = events.spawn(providers.dispatch(subscribers, dispatcher_stopped));
    let (stop_streams, streams_stopped) = watch::channel(false);
    let service = http::Service {
        pool: pool.clone(),
        documents,
        connections: connections(&options),
        body_limit: options.requests.body_limit as usize * 1024,
        streams: Streams::new(pool, stream_slots(&options), streams_stopped),
        address_header,
        metrics,
        browsers,
        pace: http::Pace::new(),
        refusal_lines: LineLimit::new(10, Duration::from_secs(1)),
        stopping: http::Stopping::default(),
    };
    let signal = stop_signal()?;
    // Without this, open event streams would delay the shutdown until its time limit.
    let shutdown = async move {
        signal.await;
        let _ = stop_streams.send(true);
    };
    announce(address)?;
    info!(%address, shop = %options.shop.display(), data = %data.path().display(), "serving");
    if options.demo {
        // A thread of its own does not delay the shutdown.
        std::thread::spawn(move || demo::run(address, key));
    }
    http::serve(listener, Arc::new(service), shutdown).await;
    let _ = stop_dispatcher.send(true);
    let _ = dispatcher.await;
    info!("stopped");
    Ok(())
}

async fn listen(address: SocketAddr) -> Result<TcpListener, CommandError> {
    TcpListener::bind(address).await.map_err(|error| {
        let advice = match error.kind() {
            std::io::ErrorKind::AddrInUse => {
                "another program uses this port: stop it, or choose another --port"
            }
            std::io::ErrorKind::PermissionDenied => {
                "ports under 1024 need special permissions: choose another --port"
            }
            _ => "choose an address of this machine with --host, and a free --port",
        };
        CommandError::new(
            Code::Unavailable,
            format!("cannot listen on {address} ({error}): {advice}"),
        )
    })
}

/// Reads the settings that the manifest declares from the environment.
///
/// # Errors
/// If a setting is invalid.
fn read_settings(manifest: &ShopManifest) -> Result<HashMap<String, String>, CommandError> {
    let mut values = HashMap::new();
    for name in manifest.config_names() {
        match std::env::var(name) {
            Ok(value) if value.trim().is_empty() => {}
            Ok(value) => drop(values.insert(name.to_owned(), value)),
            Err(VarError::NotPresent) => {}
            Err(VarError::NotUnicode(_)) => {
                return Err(CommandError::new(
                    Code::Config,
                    format!("{name} must be written in UTF-8"),
                ));
            }
        }
    }
    settings::check(&|name| values.get(name).cloned())
        .map_err(|reason| CommandError::new(Code::Config, reason))?;
    Ok(values)
}

/// Adds the settings that the host decides: the API secret, the header of the client's address, and the hosts
/// that the shop may call. The host also holds event streams open, which the shop must know.
fn config(
    settings: HashMap<String, String>,
    manifest: &ShopManifest,
    data: &Path,
    http_hosts: &str,
) -> Result<HashMap<String, String>, CommandError> {
    let mut config = settings;
    if manifest.config_names().any(|name| name == settings::hosts::NAME) {
        config.insert(settings::hosts::NAME.to_owned(), http_hosts.to_owned());
    }
    if manifest.config_names().any(|name| name == API_SECRET) {
        let secret = secret::resolve(config.remove(API_SECRET), data)?;
        if let Some(file) = &secret.file {
            info!(file = %file.display(), "the API secret is in this file; {API_SECRET} replaces it");
        }
        config.insert(API_SECRET.to_owned(), secret.value);
    }
    if manifest
        .config_names()
        .any(|name| name == client_address::SETTING)
    {
        let setting = config.entry(client_address::SETTING.to_owned());
        setting.or_insert_with(|| client_address::HEADER.to_string());
    }
    if manifest.config_names().any(|name| name == streams::SETTING) {
        config.insert(streams::SETTING.to_owned(), "true".to_owned());
    }
    Ok(config)
}

fn limits(options: &Up) -> Limits {
    const MIB: usize = 1024 * 1024;
    let (instances, requests) = (&options.instances, &options.requests);
    Limits {
        instances: instances.instances,
        instance_memory: instances.instance_memory as usize * MIB,
        memory: instances.memory as usize * MIB,
        reusable_growth: REUSABLE_GROWTH.min(instances.instance_memory as usize * MIB / 2),
        calls: instances.instance_requests,
        cpu: Duration::from_secs(requests.cpu_limit.into()),
        cpu_anonymous: Duration::from_secs(requests.cpu_limit_anonymous.into()),
        time: Duration::from_secs(requests.time_limit.into()),
        queue: instances.queue,
        wait: MAX_WAIT,
    }
}

/// Returns the limits of connections. By default one client may have half of them.
fn connections(options: &Up) -> Arc<Connections> {
    let wanted = options.connections.connections as usize;
    let files = open_files::raise();
    let limit = open_files::connections(files, wanted);
    if limit < wanted {
        info!(limit, files, "the limit of open files allows fewer connections");
    }
    let per_client = options.connections.connections_per_client;
    Connections::new(
        limit,
        per_client.map_or(limit.div_ceil(2), |count| count as usize),
    )
}

/// Returns the slots for event streams. By default one client may use a quarter of them.
fn stream_slots(options: &Up) -> Arc<StreamSlots> {
    let total = options.instances.streams;
    let per_client = options.instances.streams_per_client;
    StreamSlots::new(total, per_client.unwrap_or_else(|| total.div_ceil(4)))
}

/// Returns the folder for compiled components. It is in the user's cache folder, so that a shop with a
/// temporary data folder uses it too.
fn cache_folder(data: &Path) -> Option<PathBuf> {
    let user = std::env::var_os("XDG_CACHE_HOME")
        .map(PathBuf::from)
        .or_else(|| std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".cache")))
        .filter(|folder| folder.is_absolute())
        .map(|folder| folder.join("mercato/compiled"));
    let candidates = [
        user,
        std::path::absolute(data).ok().map(|data| data.join("compiled")),
    ];
    candidates
        .into_iter()
        .flatten()
        .find(|folder| std::fs::create_dir_all(folder).is_ok())
}

fn cannot_run(shop: &Path, error: &wasmtime::Error) -> CommandError {
    CommandError::new(
        Code::Data,
        format!(
            "the shop {} cannot run in this version of mercato: {error:#}; \
             build it again with `cargo xtask compose`",
            shop.display()
        ),
    )
}

/// Installs the handlers of SIGTERM and SIGINT. The future completes on the first of these signals.
fn stop_signal() -> Result<impl Future<Output = ()>, CommandError> {
    let listen = |kind| {
        signal(kind)
            .map_err(|error| CommandError::new(Code::Software, format!("cannot wait for signals: {error}")))
    };
    let mut terminate = listen(SignalKind::terminate())?;
    let mut interrupt = listen(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}

/// Prints where the shop accepts requests.
fn announce(address: SocketAddr) -> Result<(), CommandError> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "ready http://{address}")
        .and_then(|()| out.flush())
        .map_err(|error| {
            CommandError::new(
                Code::Software,
                format!("cannot write to standard output: {error}"),
            )
        })
}
