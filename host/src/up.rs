//! `mercato up`: everything is opened, joined, served, and closed again.

use std::collections::HashMap;
use std::env::VarError;
use std::io::Write;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use mercato_ports::manifest::ShopManifest;
use mercato_shop::browsers::Browsers;
use mercato_shop::settings;
use mercato_shop::settings::secret::API_SECRET;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tracing::info;

use crate::cli::Up;
use crate::data::DataFolder;
use crate::events::Subscribers;
use crate::exit::{Code, Failure};
use crate::http::client_address;
use crate::http::places::Places;
use crate::http::watch::{self as streams, Watches};
use crate::metrics::Metrics;
use crate::providers::Providers;
use crate::runtime::{Limits, Platform, Pool};
use crate::shop::Shop;
use crate::{http, providers, secret};

/// Runs the shop until it is told to stop.
///
/// # Errors
/// Why it could not start.
pub async fn run(options: Up) -> Result<(), Failure> {
    let shop = Shop::read(&options.shop)?;
    let set = settings(&shop.manifest)?;
    let browsers = Browsers::read(&|name| set.get(name).cloned())
        .map_err(|reason| Failure::new(Code::Config, reason))?;
    let listener = listen(SocketAddr::new(options.host, options.port)).await?;
    let address = listener
        .local_addr()
        .map_err(|error| Failure::new(Code::Software, error.to_string()))?;
    let data = if options.ephemeral {
        DataFolder::temporary()?
    } else {
        DataFolder::open(&options.data.data)?
    };
    let cache = providers::cache(&options.servers)?;
    let providers = Providers::open(data.path(), &shop.manifest, &options.storage, &options.servers).await?;
    let documents = providers.documents();
    let config = config(set, &shop.manifest, data.path())?;
    let address_header = client_address::header(&config)?;
    let platform = Arc::new(Platform {
        documents: documents.clone(),
        cache,
        mailer: providers::mailer(data.path(), &options.storage, &options.servers)?,
        http_client: providers::http_client(&options.servers)?,
        config,
    });
    let limits = limits(&options);
    let pool = Pool::new(&shop, platform, limits, cache_folder(data.path()).as_deref()).await;
    let pool = Arc::new(pool.map_err(|error| unusable(&options.shop, &error))?);

    let metrics = Arc::new(Metrics::default());
    let subscribers = Arc::new(Subscribers::new(pool.clone(), metrics.clone()));
    let (stop, stopped) = watch::channel(false);
    let dispatcher = tokio::spawn(providers.dispatch(subscribers, stopped));
    let (ending, ended) = watch::channel(false);
    let service = http::Service {
        pool: pool.clone(),
        documents,
        body_limit: options.requests.body_limit.saturating_mul(1024),
        watches: Watches::new(pool, places(&options), ended),
        address_header,
        metrics,
        browsers,
    };
    let signal = stop_signal()?;
    // Streams that are held open would go on for as long as connections are given to end.
    let told_to_stop = async move {
        signal.await;
        let _ = ending.send(true);
    };
    announce(address)?;
    info!(%address, shop = %options.shop.display(), data = %data.path().display(), "serving");
    http::serve(listener, Arc::new(service), told_to_stop).await;
    let _ = stop.send(true);
    let _ = dispatcher.await;
    info!("stopped");
    Ok(())
}

async fn listen(address: SocketAddr) -> Result<TcpListener, Failure> {
    TcpListener::bind(address).await.map_err(|error| {
        let advice = match error.kind() {
            std::io::ErrorKind::AddrInUse => {
                "another program listens there: stop it, or choose another --port"
            }
            std::io::ErrorKind::PermissionDenied => {
                "ports under 1024 need special rights: choose another --port"
            }
            _ => "choose an address of this machine with --host, and a free --port",
        };
        Failure::new(
            Code::Unavailable,
            format!("can't listen on {address} ({error}): {advice}"),
        )
    })
}

/// The values of the names that the manifest declares, from the environment.
///
/// # Errors
/// Where one of them is not written as it has to be.
fn settings(manifest: &ShopManifest) -> Result<HashMap<String, String>, Failure> {
    let mut set = HashMap::new();
    for name in manifest.config_names() {
        match std::env::var(name) {
            Ok(value) if value.trim().is_empty() => {}
            Ok(value) => drop(set.insert(name.to_owned(), value)),
            Err(VarError::NotPresent) => {}
            Err(VarError::NotUnicode(_)) => {
                return Err(Failure::new(
                    Code::Config,
                    format!("{name} must be written in UTF-8"),
                ));
            }
        }
    }
    settings::check(&|name| set.get(name).cloned()).map_err(|reason| Failure::new(Code::Config, reason))?;
    Ok(set)
}

/// What is set; the API secret in any case, where the shop finds the addresses of clients, and that streams are held open.
fn config(
    set: HashMap<String, String>,
    manifest: &ShopManifest,
    data: &Path,
) -> Result<HashMap<String, String>, Failure> {
    let mut config = set;
    if manifest.config_names().any(|name| name == API_SECRET) {
        let secret = secret::resolve(config.remove(API_SECRET), data)?;
        if let Some(file) = &secret.file {
            info!(file = %file.display(), "the API secret is in this file; set {API_SECRET} to choose another");
        }
        config.insert(API_SECRET.to_owned(), secret.value);
    }
    if manifest
        .config_names()
        .any(|name| name == client_address::SETTING)
    {
        let setting = config.entry(client_address::SETTING.to_owned());
        setting.or_insert_with(|| client_address::HEADER.to_owned());
    }
    if manifest.config_names().any(|name| name == streams::SETTING) {
        config.insert(streams::SETTING.to_owned(), "true".to_owned());
    }
    Ok(config)
}

fn limits(options: &Up) -> Limits {
    let memory = options.instances.instance_memory as usize * 1024 * 1024;
    Limits {
        instances: options.instances.instances,
        memory,
        memory_kept: memory / 2,
        calls: options.instances.instance_requests,
        cpu: Duration::from_secs(options.requests.cpu_limit.into()),
        time: Duration::from_secs(options.requests.time_limit.into()),
        queue: options.instances.queue,
        wait: Duration::from_secs(10),
    }
}

/// The places for streams: where nothing else is said, a quarter of them for one client.
fn places(options: &Up) -> Arc<Places> {
    let most = options.instances.streams;
    let each = options.instances.streams_per_client;
    Places::new(most, each.unwrap_or_else(|| most.div_ceil(4)))
}

/// Where compiled components are cached: with the user's other caches, so that a temporary data folder profits too.
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

fn unusable(shop: &Path, error: &wasmtime::Error) -> Failure {
    Failure::new(
        Code::Data,
        format!(
            "the shop {} can't run here: {error:#}; rebuild it with `cargo xtask compose`",
            shop.display()
        ),
    )
}

/// Done when the process is told to stop. The handlers are in place when this returns.
fn stop_signal() -> Result<impl Future<Output = ()>, Failure> {
    let listen =
        |kind| signal(kind).map_err(|error| Failure::new(Code::Software, format!("no signals: {error}")));
    let mut terminate = listen(SignalKind::terminate())?;
    let mut interrupt = listen(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}

/// The one line on standard output.
fn announce(address: SocketAddr) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "ready http://{address}")
        .and_then(|()| out.flush())
        .map_err(|error| Failure::new(Code::Software, format!("can't write to standard output: {error}")))
}
