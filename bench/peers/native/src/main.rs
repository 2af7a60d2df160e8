//! The shop as one native program: the same services, store, cache and event delivery as `mercato up`, behind
//! axum and without WebAssembly. The benchmark compares both.

mod ports;
mod shop;

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use anyhow::Result;
use axum::Router;
use axum::body::{self, Body};
use axum::extract::{ConnectInfo, Request, State};
use axum::http::StatusCode;
use axum::response::Response;
use axum::serve::ListenerExt;
use clap::Parser;
use mercato_embedded::{DispatchOptions, Dispatcher};
use mercato_gateway::Gateway;
use mercato_shop::http::{client_address, request_id};
use mimalloc::MiMalloc;
use shop::Shop;
use tokio::net::TcpListener;
use tokio::runtime::{Builder, Handle, Runtime};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::oneshot;
use tracing::info;
use tracing_appender::non_blocking::NonBlockingBuilder;

/// The same allocator as that of the program `mercato`.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

/// The same lower priority for events as in the program `mercato`.
#[cfg(target_os = "linux")]
const EVENT_NICENESS: i32 = 5;

#[derive(Parser)]
struct Options {
    /// The data folder.
    #[arg(long)]
    data: PathBuf,
    /// The port on 127.0.0.1.
    #[arg(long)]
    port: u16,
}

fn main() -> Result<()> {
    let options = Options::parse();
    // A line for each request, as the program `mercato` writes it.
    let (writer, _guard) = NonBlockingBuilder::default().finish(std::io::stderr());
    tracing_subscriber::fmt()
        .with_writer(writer)
        .with_ansi(false)
        .init();
    let events = runtime_for_events()?;
    let requests = Builder::new_multi_thread().enable_all().build()?;
    requests.block_on(run(options, events.handle()))
}

async fn run(options: Options, events: &Handle) -> Result<()> {
    let shop = Arc::new(Shop::open(&options.data)?);
    let (stop, stopped) = oneshot::channel::<()>();
    let dispatcher = Dispatcher::new(Arc::clone(&shop.store), DispatchOptions::default());
    let subscribers = Arc::clone(&shop.subscribers);
    let dispatcher = events.spawn(async move {
        let stopped = async {
            // An error means that the sender was dropped, which stops the delivery too.
            let _ = stopped.await;
        };
        dispatcher.run(subscribers, stopped).await;
    });

    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, options.port)).await?;
    println!("ready http://{}", listener.local_addr()?);
    let listener = listener.tap_io(|stream| {
        // Without it, requests are only slower.
        let _ = stream.set_nodelay(true);
    });
    let mut terminate = signal(SignalKind::terminate())?;
    let service = Router::new()
        .fallback(answer)
        .with_state(shop)
        .into_make_service_with_connect_info::<SocketAddr>();
    axum::serve(listener, service)
        .with_graceful_shutdown(async move {
            terminate.recv().await;
        })
        .await?;
    drop(stop);
    dispatcher.await?;
    Ok(())
}

async fn answer(
    State(shop): State<Arc<Shop>>,
    ConnectInfo(client): ConnectInfo<SocketAddr>,
    request: Request,
) -> Response {
    let started = Instant::now();
    let (mut head, body) = request.into_parts();
    let Ok(bytes) = body::to_bytes(body, Gateway::BODY_LIMIT).await else {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::PAYLOAD_TOO_LARGE;
        return response;
    };
    client_address::set(&mut head.headers, client.ip());
    let id = request_id::establish(&mut head.headers);
    let reply = shop
        .gateway
        .handle(&Request::from_parts(head, bytes.into()))
        .map(Body::from);
    info!(id = ?id, status = reply.status().as_u16(), micros = started.elapsed().as_micros());
    reply
}

/// Starts the threads that handle events.
fn runtime_for_events() -> std::io::Result<Runtime> {
    Builder::new_multi_thread()
        .enable_all()
        .thread_name("events")
        .on_thread_start(yield_to_requests)
        .build()
}

#[cfg(target_os = "linux")]
fn yield_to_requests() {
    let this_thread = rustix::thread::gettid();
    // Without it, events only delay requests a little more.
    let _ = rustix::process::setpriority_process(Some(this_thread), EVENT_NICENESS);
}

/// Only Linux has a priority of single threads here.
#[cfg(not(target_os = "linux"))]
fn yield_to_requests() {}
