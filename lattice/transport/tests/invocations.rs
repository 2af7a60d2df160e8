//! Invocations through a real NATS server, whose address is in `MERCATO_TEST_NATS`.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "tests fail by panicking"
)]

use std::env;
use std::future::Future;
use std::pin::{Pin, pin};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_nats::HeaderMap;
use bytes::Bytes;
use futures::future::join_all;
use futures::{Stream, StreamExt as _};
use libtest_mimic::{Arguments, Failed, Trial};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::time::{sleep, timeout};
use wrpc_transport::{Invoke as _, Serve as _};
use wrpc_transport_nats::{Client, Incoming, Outgoing};

type Invocation = anyhow::Result<(Option<HeaderMap>, Outgoing, Incoming)>;
type Invocations = Pin<Box<dyn Stream<Item = Invocation> + Send>>;

const INSTANCE: &str = "test:test/echo@0.1.0";
const NO_PATHS: [[Option<usize>; 0]; 0] = [];

fn main() -> ExitCode {
    let server = env::var("MERCATO_TEST_NATS").ok();
    let address = server.clone().unwrap_or_default();
    let trials = vec![
        trial("answers_a_small_invocation", &address, answers_a_small_invocation),
        trial(
            "carries_more_than_one_message_both_ways",
            &address,
            carries_more_than_one_message_both_ways,
        ),
        trial("passes_headers_on", &address, passes_headers_on),
        trial(
            "waits_for_a_server_that_starts_late",
            &address,
            waits_for_a_server_that_starts_late,
        ),
        trial(
            "fails_without_a_server_after_five_seconds",
            &address,
            fails_without_a_server_after_five_seconds,
        ),
        trial(
            "gives_waiting_invocations_back_to_the_group",
            &address,
            gives_waiting_invocations_back_to_the_group,
        ),
        trial("rejects_streams", &address, rejects_streams),
    ];
    let trials = trials
        .into_iter()
        .map(|trial| trial.with_ignored_flag(server.is_none()));
    libtest_mimic::run(&Arguments::from_args(), trials.collect()).exit_code()
}

fn trial<F: Future<Output = ()>>(
    name: &'static str,
    address: &str,
    test: impl FnOnce(Arc<async_nats::Client>) -> F + Send + 'static,
) -> Trial {
    let address = address.to_owned();
    Trial::test(name, move || {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(async {
            let nats = async_nats::connect(&address)
                .await
                .map_err(|error| Failed::from(error.to_string()))?;
            timeout(Duration::from_secs(30), test(Arc::new(nats))).await?;
            Ok(())
        })
    })
}

/// Returns a client below a prefix that no other test uses.
async fn client(nats: &Arc<async_nats::Client>, prefix: &str) -> Client {
    let prefix = format!("{prefix}-{}", std::process::id());
    let group = Arc::from(prefix.as_str());
    Client::new(Arc::clone(nats), prefix, Some(group)).await.unwrap()
}

async fn serve(client: &Client) -> Invocations {
    Box::pin(client.serve(INSTANCE, "echo", []).await.unwrap())
}

/// Answers each invocation with its parameters, whose length is known.
async fn echo(mut invocations: Invocations, length: usize) {
    while let Some(invocation) = invocations.next().await {
        let (_, mut outgoing, mut incoming) = invocation.unwrap();
        tokio::spawn(async move {
            let mut params = vec![0; length];
            incoming.read_exact(&mut params).await.unwrap();
            outgoing.write_all(&params).await.unwrap();
            outgoing.shutdown().await.unwrap();
        });
    }
}

async fn invoke(client: &Client, params: Bytes) -> anyhow::Result<Vec<u8>> {
    let (mut outgoing, mut incoming) = client.invoke(None, INSTANCE, "echo", params, NO_PATHS).await?;
    outgoing.shutdown().await?;
    let mut results = Vec::new();
    incoming.read_to_end(&mut results).await?;
    Ok(results)
}

async fn answers_a_small_invocation(nats: Arc<async_nats::Client>) {
    let client = client(&nats, "small").await;
    tokio::spawn(echo(serve(&client).await, 5));
    assert_eq!(
        invoke(&client, Bytes::from_static(b"hello")).await.unwrap(),
        b"hello"
    );
}

async fn carries_more_than_one_message_both_ways(nats: Arc<async_nats::Client>) {
    let client = client(&nats, "large").await;
    let params: Bytes = (0..3_500_000_u32).map(|index| (index % 251) as u8).collect();
    tokio::spawn(echo(serve(&client).await, params.len()));
    assert!(invoke(&client, params.clone()).await.unwrap() == params);
}

async fn passes_headers_on(nats: Arc<async_nats::Client>) {
    let client = client(&nats, "headers").await;
    let mut invocations = serve(&client).await;
    let mut headers = HeaderMap::new();
    headers.insert("source-id", "gateway");
    let sent = client.invoke(Some(headers), INSTANCE, "echo", Bytes::new(), NO_PATHS);
    let (sent, served) = tokio::join!(sent, invocations.next());
    sent.unwrap();
    let (headers, ..) = served.unwrap().unwrap();
    assert_eq!(headers.unwrap().get("source-id").unwrap().as_str(), "gateway");
}

async fn waits_for_a_server_that_starts_late(nats: Arc<async_nats::Client>) {
    let client = client(&nats, "late").await;
    let answer = tokio::spawn({
        let client = client.clone();
        async move { invoke(&client, Bytes::from_static(b"hello")).await }
    });
    sleep(Duration::from_secs(1)).await;
    tokio::spawn(echo(serve(&client).await, 5));
    assert_eq!(answer.await.unwrap().unwrap(), b"hello");
}

async fn fails_without_a_server_after_five_seconds(nats: Arc<async_nats::Client>) {
    let client = client(&nats, "none").await;
    let started = Instant::now();
    let error = invoke(&client, Bytes::new()).await.unwrap_err().to_string();
    assert!(error.contains("nothing serves"), "{error}");
    assert!(
        (4..8).contains(&started.elapsed().as_secs()),
        "{:?}",
        started.elapsed()
    );
}

async fn gives_waiting_invocations_back_to_the_group(nats: Arc<async_nats::Client>) {
    let client = client(&nats, "group").await;
    let old = serve(&client).await;
    let answers = (0..50).map(|index: u32| {
        let client = client.clone();
        tokio::spawn(async move { invoke(&client, Bytes::from(index.to_be_bytes().to_vec())).await })
    });
    let answers: Vec<_> = answers.collect();
    // NATS has sent all of them to the only server, which accepts none.
    sleep(Duration::from_millis(500)).await;
    tokio::spawn(echo(serve(&client).await, 4));
    drop(old);
    for (index, answer) in join_all(answers).await.into_iter().enumerate() {
        let expected = u32::try_from(index).unwrap().to_be_bytes();
        assert_eq!(answer.unwrap().unwrap(), expected);
    }
}

async fn rejects_streams(nats: Arc<async_nats::Client>) {
    let client = client(&nats, "streams").await;
    let invocation = pin!(client.invoke(None, INSTANCE, "echo", Bytes::new(), [[Some(0)]]));
    assert!(invocation.await.unwrap_err().to_string().contains("streams"));
}
