//! Tests of the pool with a guest that misbehaves on demand: `tests/probe.wat`.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt, Full};
use mercato_embedded::{EmlMailer, MemoryCache, Options, Store};
use mercato_ports::events::{Event, HandlerFailure};
use mercato_ports::manifest::{SHOP_SECTION, ShopManifest};
use tempfile::TempDir;
use wasm_encoder::{ComponentSection, CustomSection};
use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::Resolve;

use super::{AcquireError, CallError, InstanceError, Limits, Platform, Pool};
use crate::shop::Shop;

/// The probe as a composed shop.
static PROBE: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let mut resolve = Resolve::default();
    resolve.push_dir("../wit/platform").unwrap();
    let package = resolve
        .push_str("probe.wit", include_str!("tests/probe.wit"))
        .unwrap();
    let world = resolve.select_world(&[package], Some("probe")).unwrap();
    let mut module = wat::parse_str(include_str!("tests/probe.wat")).unwrap();
    embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8).unwrap();
    let mut component = ComponentEncoder::default()
        .validate(true)
        .module(&module)
        .unwrap()
        .encode()
        .unwrap();
    let manifest = br#"{"services": {"probe": {"handles": ["mercato.probe.created"]}}}"#;
    let section = CustomSection {
        name: SHOP_SECTION.into(),
        data: manifest.into(),
    };
    section.append_to_component(&mut component);
    component
});

const LIMITS: Limits = Limits {
    instances: 1,
    memory: 48 << 20,
    reusable_memory: 16 << 20,
    calls: 1000,
    cpu: Duration::from_millis(300),
    time: Duration::from_secs(5),
    queue: 0,
    wait: Duration::from_secs(1),
};

/// A pool of probes with real ports.
struct Probe {
    pool: Pool,
    _data: TempDir,
}

impl Probe {
    async fn new(limits: Limits) -> Self {
        let shop = Shop::parse(PROBE.clone()).unwrap();
        let data = tempfile::tempdir().unwrap();
        let store = Store::open(
            data.path(),
            &ShopManifest { services: [].into() },
            Options::default(),
        )
        .unwrap();
        let platform = Platform {
            documents: Arc::new(store),
            cache: Arc::new(MemoryCache::new(1 << 20)),
            http_client: Arc::new(mercato_http::Client::new("").unwrap()),
            mailer: Arc::new(EmlMailer::new(data.path(), "a@example.com").unwrap()),
            config: HashMap::new(),
        };
        let pool = Pool::new(&shop, Arc::new(platform), limits, None).await.unwrap();
        Self { pool, _data: data }
    }

    /// Returns the response to a request: the number of calls to the instance.
    async fn get(&self, path: &str) -> Result<Bytes, CallError> {
        let request = Request::get(path)
            .header("host", "shop")
            .body(Full::default())
            .unwrap();
        let response = self.pool.serve(request).await?;
        Ok(response.into_body().collect().await.unwrap().to_bytes())
    }

    async fn handle(&self, subscriber: &str, subject: &str) -> Result<Result<(), HandlerFailure>, CallError> {
        let event = Event {
            id: "1".into(),
            kind: "mercato.probe.created".into(),
            subject: subject.into(),
            time: 0,
            due: Some(1),
            data: "{}".into(),
        };
        self.pool.handle(subscriber, event).await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn reuses_an_instance_for_the_next_request() {
    let probe = Probe::new(LIMITS).await;
    assert_eq!(probe.get("/").await.unwrap(), "1");
    assert_eq!(probe.get("/").await.unwrap(), "2");
}

#[tokio::test(flavor = "multi_thread")]
async fn drops_an_instance_that_trapped() {
    let probe = Probe::new(LIMITS).await;
    assert_eq!(probe.get("/").await.unwrap(), "1");
    assert!(matches!(
        probe.get("/t").await,
        Err(CallError::Instance(InstanceError::Trap(_)))
    ));
    assert_eq!(probe.get("/").await.unwrap(), "1");
}

#[tokio::test(flavor = "multi_thread")]
async fn drops_an_instance_that_holds_a_handle_of_a_finished_request() {
    let probe = Probe::new(LIMITS).await;
    assert_eq!(probe.get("/l").await.unwrap(), "1");
    assert_eq!(probe.get("/").await.unwrap(), "1");
}

#[tokio::test(flavor = "multi_thread")]
async fn drops_an_instance_that_has_grown() {
    let probe = Probe::new(LIMITS).await;
    assert_eq!(probe.get("/m").await.unwrap(), "1");
    assert_eq!(probe.get("/").await.unwrap(), "1");
}

#[tokio::test(flavor = "multi_thread")]
async fn limits_the_memory_of_an_instance() {
    let probe = Probe::new(Limits {
        reusable_memory: usize::MAX,
        ..LIMITS
    })
    .await;
    assert_eq!(probe.get("/m").await.unwrap(), "1");
    assert_eq!(probe.get("/m").await.unwrap(), "!");
}

#[tokio::test(flavor = "multi_thread")]
async fn drops_an_instance_after_its_last_call() {
    let probe = Probe::new(Limits { calls: 2, ..LIMITS }).await;
    assert_eq!(probe.get("/").await.unwrap(), "1");
    assert_eq!(probe.get("/").await.unwrap(), "2");
    assert_eq!(probe.get("/").await.unwrap(), "1");
}

#[tokio::test(flavor = "multi_thread")]
async fn gives_each_request_the_whole_budget_of_computing_time() {
    let probe = Probe::new(LIMITS).await;
    for count in ["1", "2", "3", "4"] {
        assert_eq!(probe.get("/b").await.unwrap(), count);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn stops_a_request_that_computes_for_too_long() {
    let probe = Probe::new(LIMITS).await;
    let begun = Instant::now();
    assert!(matches!(
        probe.get("/s").await,
        Err(CallError::Instance(InstanceError::Trap(_)))
    ));
    assert!(begun.elapsed() >= LIMITS.cpu && begun.elapsed() < LIMITS.time);
    assert_eq!(probe.get("/").await.unwrap(), "1");
}

#[tokio::test(flavor = "multi_thread")]
async fn stops_a_request_that_takes_too_long() {
    let time = Duration::from_millis(50);
    let probe = Probe::new(Limits { time, ..LIMITS }).await;
    assert!(
        matches!(probe.get("/b").await, Err(CallError::Instance(InstanceError::TimedOut(limit))) if limit == time)
    );
    assert_eq!(probe.get("/").await.unwrap(), "1");
}

#[tokio::test(flavor = "multi_thread")]
async fn reports_a_missing_or_incomplete_response() {
    let probe = Probe::new(LIMITS).await;
    for path in ["/n", "/u"] {
        assert!(
            matches!(
                probe.get(path).await,
                Err(CallError::Instance(InstanceError::NoResponse))
            ),
            "{path}"
        );
        assert_eq!(probe.get("/").await.unwrap(), "1", "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rejects_a_request_when_the_queue_is_full() {
    let probe = Probe::new(LIMITS).await;
    let (first, second) = tokio::join!(probe.get("/b"), probe.get("/"));
    assert_eq!(first.unwrap(), "1");
    assert!(matches!(second, Err(CallError::Acquire(AcquireError::Busy))));
}

#[tokio::test(flavor = "multi_thread")]
async fn runs_a_queued_request_when_an_instance_is_free() {
    let probe = Probe::new(Limits { queue: 1, ..LIMITS }).await;
    let (first, second, third) = tokio::join!(probe.get("/b"), probe.get("/"), probe.get("/"));
    assert_eq!((first.unwrap(), second.unwrap()), ("1".into(), "2".into()));
    assert!(matches!(third, Err(CallError::Acquire(AcquireError::Busy))));
}

#[tokio::test(flavor = "multi_thread")]
async fn rejects_a_request_that_has_waited_for_too_long() {
    let probe = Probe::new(Limits {
        queue: 1,
        wait: Duration::from_millis(20),
        ..LIMITS
    })
    .await;
    let (first, second) = tokio::join!(probe.get("/b"), probe.get("/"));
    assert!(first.is_ok() && matches!(second, Err(CallError::Acquire(AcquireError::Busy))));
}

#[tokio::test(flavor = "multi_thread")]
async fn returns_the_result_of_a_subscriber() {
    let probe = Probe::new(LIMITS).await;
    assert_eq!(probe.handle("probe", "ok").await.unwrap(), Ok(()));
    assert_eq!(
        probe.handle("probe", "r").await.unwrap(),
        Err(HandlerFailure::Retry("later".into()))
    );
    assert_eq!(
        probe.handle("probe", "j").await.unwrap(),
        Err(HandlerFailure::Reject("later".into()))
    );
    assert!(matches!(
        probe.handle("probe", "t").await,
        Err(CallError::Instance(InstanceError::Trap(_)))
    ));
    assert!(matches!(
        probe.handle("unknown", "ok").await,
        Err(CallError::Instance(InstanceError::NoHandler(_)))
    ));
}

#[test]
fn counts_the_size_of_an_instance() {
    let shop = Shop::parse(PROBE.clone()).unwrap();
    assert_eq!(shop.size.memories, 1);
    assert!(shop.size.instances >= 1);
}

#[test]
fn rejects_a_file_that_is_not_a_shop() {
    let reason = |wasm: &[u8]| Shop::parse(wasm.to_vec()).unwrap_err();
    assert!(reason(b"hello").contains("not a WebAssembly component"));
    assert!(reason(&wat::parse_str("(component)").unwrap()).contains(SHOP_SECTION));
    let mut broken = PROBE.clone();
    broken.truncate(PROBE.len() / 2);
    assert!(reason(&broken).contains("damaged"));
}
