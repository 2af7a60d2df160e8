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
        trial("takes_two_messages", &address, takes_two_messages),
        trial(
            "a_slow_server_accepts_an_invocation_before_it_answers",
            &address,
            a_slow_server_accepts_an_invocation_before_it_answers,
        ),
        trial(
            "reports_that_a_server_has_failed",
            &address,
            reports_that_a_server_has_failed,
        ),
        trial(
            "reports_that_a_slow_server_has_failed",
            &address,
            reports_that_a_slow_server_has_failed,
        ),
        trial(
            "invokes_a_server_with_the_released_transport",
            &address,
            invokes_a_server_with_the_released_transport,
        ),
        trial(
            "serves_a_client_with_the_released_transport",
            &address,
            serves_a_client_with_the_released_transport,
        ),
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

/// Returns the next message within a second.
async fn next(messages: &mut async_nats::Subscriber) -> Option<async_nats::Message> {
    timeout(Duration::from_secs(1), messages.next()).await.ok()?
}

async fn takes_two_messages(nats: Arc<async_nats::Client>) {
    let client = client(&nats, "two").await;
    tokio::spawn(echo(serve(&client).await, 5));
    invoke(&client, Bytes::from_static(b"first")).await.unwrap();
    // The subject of answers is known from an invocation that nobody serves.
    let mut requests = nats.subscribe(client_subject("peek")).await.unwrap();
    let peek = self::client(&nats, "peek").await;
    let invocation = tokio::spawn(async move { invoke(&peek, Bytes::new()).await });
    let reply = next(&mut requests).await.unwrap().reply.unwrap();
    invocation.abort();
    let (inbox, _) = reply.rsplit_once('.').unwrap();
    let mut answers = nats.subscribe(format!("{inbox}.>")).await.unwrap();
    let mut requests = nats.subscribe(client_subject("two")).await.unwrap();
    nats.flush().await.unwrap();
    assert_eq!(
        invoke(&client, Bytes::from_static(b"hello")).await.unwrap(),
        b"hello"
    );
    assert_eq!(next(&mut requests).await.unwrap().payload, "hello");
    assert_eq!(next(&mut answers).await.unwrap().payload, "hello");
    assert!(next(&mut requests).await.is_none() && next(&mut answers).await.is_none());
}

/// Returns the subject of the invocations of a test's client.
fn client_subject(prefix: &str) -> String {
    format!("{prefix}-{}.wrpc.0.0.1.{INSTANCE}.echo", std::process::id())
}

async fn a_slow_server_accepts_an_invocation_before_it_answers(nats: Arc<async_nats::Client>) {
    let client = client(&nats, "slow").await;
    let mut invocations = serve(&client).await;
    let (finish, finished) = tokio::sync::oneshot::channel();
    tokio::spawn(async move {
        let (_, mut outgoing, _) = invocations.next().await.unwrap().unwrap();
        finished.await.unwrap();
        outgoing.write_all(b"done").await.unwrap();
        outgoing.shutdown().await.unwrap();
    });
    let invocation = client.invoke(None, INSTANCE, "echo", Bytes::new(), NO_PATHS);
    let (_outgoing, mut incoming) = invocation.await.unwrap();
    finish.send(()).unwrap();
    let mut results = Vec::new();
    incoming.read_to_end(&mut results).await.unwrap();
    assert_eq!(results, b"done");
}

async fn reports_that_a_server_has_failed(nats: Arc<async_nats::Client>) {
    let client = client(&nats, "failed").await;
    let mut invocations = serve(&client).await;
    tokio::spawn(async move { drop(invocations.next().await) });
    let error = invoke(&client, Bytes::new()).await.unwrap_err();
    assert!(error.to_string().contains("failed to answer"), "{error}");
}

async fn reports_that_a_slow_server_has_failed(nats: Arc<async_nats::Client>) {
    let client = client(&nats, "slow-failed").await;
    let mut invocations = serve(&client).await;
    let (fail, failed) = tokio::sync::oneshot::channel();
    tokio::spawn(async move {
        let invocation = invocations.next().await;
        failed.await.unwrap();
        drop(invocation);
    });
    let invocation = client.invoke(None, INSTANCE, "echo", Bytes::new(), NO_PATHS);
    let (_outgoing, mut incoming) = invocation.await.unwrap();
    fail.send(()).unwrap();
    let error = incoming.read_to_end(&mut Vec::new()).await.unwrap_err();
    assert!(error.to_string().contains("failed to answer"), "{error}");
}

async fn invokes_a_server_with_the_released_transport(nats: Arc<async_nats::Client>) {
    let mut requests = nats.subscribe(client_subject("old-server")).await.unwrap();
    let client = client(&nats, "old-server").await;
    let answer = tokio::spawn(async move { invoke(&client, Bytes::from_static(b"hello")).await });
    let request = requests.next().await.unwrap();
    let reply = request.reply.unwrap();
    let inbox = nats.new_inbox();
    let mut rest = nats.subscribe(format!("{inbox}.params")).await.unwrap();
    nats.publish_with_reply(reply.clone(), inbox, Bytes::new())
        .await
        .unwrap();
    assert_eq!(rest.next().await.unwrap().payload, "");
    for results in ["wor", "ld", ""] {
        nats.publish(format!("{reply}.results"), results.into())
            .await
            .unwrap();
    }
    assert_eq!(answer.await.unwrap().unwrap(), b"world");
}

async fn serves_a_client_with_the_released_transport(nats: Arc<async_nats::Client>) {
    let client = client(&nats, "old-client").await;
    tokio::spawn(echo(serve(&client).await, 5));
    let inbox = nats.new_inbox();
    let mut answers = nats.subscribe(format!("{inbox}.>")).await.unwrap();
    let reply = format!("{inbox}.reply");
    nats.publish_with_reply(client_subject("old-client"), reply.clone(), "hel".into())
        .await
        .unwrap();
    let acceptance = answers.next().await.unwrap();
    assert_eq!(acceptance.payload, "");
    let server = acceptance.reply.unwrap();
    for params in ["lo", ""] {
        nats.publish(format!("{server}.params"), params.into())
            .await
            .unwrap();
    }
    for results in ["hello", ""] {
        let answer = answers.next().await.unwrap();
        assert_eq!(answer.subject, format!("{reply}.results").into());
        assert_eq!(answer.payload, results);
    }
}
