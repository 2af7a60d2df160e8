//! Tests of the pool with a guest that misbehaves on demand: `tests/probe.wat`.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures::future::join_all;
use http::Request;
use mercato_embedded::{EmlMailer, MemoryCache, Options, Store};
use mercato_passwords::PasswordPool;
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

const CLIENT: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));

const LIMITS: Limits = Limits {
    instances: 1,
    instance_memory: 48 << 20,
    memory: 1 << 30,
    reusable_growth: 16 << 20,
    calls: 1000,
    cpu: Duration::from_millis(300),
    cpu_anonymous: Duration::from_millis(300),
    time: Duration::from_secs(5),
    queue: 0,
    wait: Duration::from_secs(1),
};

/// Limits for calls that work: a fixed amount of work takes a different time on each machine.
const WORK: Limits = Limits {
    cpu: Duration::from_secs(60),
    cpu_anonymous: Duration::from_secs(60),
    time: Duration::from_secs(60),
    ..LIMITS
};

/// A pool of probes with real ports.
struct Probe {
    pool: Arc<Pool>,
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
            passwords: Arc::new(PasswordPool::new()),
            config: HashMap::new(),
        };
        let pool = Pool::new(shop, Arc::new(platform), limits, None).await.unwrap();
        Self { pool, _data: data }
    }

    /// Returns the response to a request: the number of calls to the instance.
    async fn get(&self, path: &str) -> Result<Bytes, CallError> {
        self.get_with(path, "accept", "*/*").await
    }

    /// Returns the response to a request with a further header.
    async fn get_with(&self, path: &str, header: &str, value: &str) -> Result<Bytes, CallError> {
        self.get_from(CLIENT, path, header, value).await
    }

    async fn get_from(
        &self,
        client: IpAddr,
        path: &str,
        header: &str,
        value: &str,
    ) -> Result<Bytes, CallError> {
        let request = Request::get(path)
            .header("host", "shop")
            .header(header, value)
            .body(Bytes::new())
            .unwrap();
        let response = self.pool.serve(request, client).await?;
        Ok(response.into_body())
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
        Ok(self.pool.handle(subscriber, vec![event]).await?.remove(0))
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
        reusable_growth: usize::MAX,
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
    let cut = probe.get("/s").await;
    assert!(matches!(cut, Err(CallError::Instance(InstanceError::Computed(limit))) if limit == LIMITS.cpu));
    assert!(begun.elapsed() >= LIMITS.cpu && begun.elapsed() < LIMITS.time);
    assert_eq!(probe.get("/").await.unwrap(), "1");
    assert_eq!(probe.pool.load().computed, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn stops_an_anonymous_request_earlier() {
    let anonymous = Duration::from_millis(100);
    let probe = Probe::new(Limits {
        cpu_anonymous: anonymous,
        ..LIMITS
    })
    .await;
    for (header, expected) in [
        ("accept", anonymous),
        ("x-api-key", LIMITS.cpu),
        ("authorization", LIMITS.cpu),
    ] {
        let cut = probe.get_with("/s", header, "a").await;
        assert!(
            matches!(cut, Err(CallError::Instance(InstanceError::Computed(limit))) if limit == expected),
            "{header}: {cut:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_busy_machine_takes_nothing_from_the_computing_time_of_a_request() {
    let calm = Probe::new(WORK).await;
    calm.get("/w").await.unwrap();
    let begun = Instant::now();
    calm.get("/w").await.unwrap();
    let alone = begun.elapsed();
    let busy = Probe::new(Limits {
        instances: 4,
        cpu: 3 * alone,
        cpu_anonymous: 3 * alone,
        ..WORK
    })
    .await;
    let end = Arc::new(AtomicBool::new(false));
    let threads = 4 * std::thread::available_parallelism().unwrap().get();
    for _ in 0..threads {
        let end = end.clone();
        std::thread::spawn(move || {
            while !end.load(Ordering::Relaxed) {
                std::hint::spin_loop();
            }
        });
    }
    let answers = tokio::join!(busy.get("/w"), busy.get("/w"), busy.get("/w"));
    end.store(true, Ordering::Relaxed);
    for answer in [answers.0, answers.1, answers.2] {
        answer.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn reports_a_request_that_runs_out_of_memory() {
    let probe = Probe::new(LIMITS).await;
    assert_eq!(probe.get("/").await.unwrap(), "1");
    let small = Probe::new(Limits {
        instance_memory: 16 << 20,
        ..LIMITS
    })
    .await;
    for _ in 0..2 {
        assert!(matches!(
            small.get("/o").await,
            Err(CallError::Instance(InstanceError::OutOfMemory))
        ));
    }
    assert!(matches!(
        small.get("/t").await,
        Err(CallError::Instance(InstanceError::Trap(_)))
    ));
    assert_eq!(small.pool.load().out_of_memory, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn limits_the_memory_of_all_instances_and_takes_it_back() {
    let probe = Probe::new(Limits {
        instances: 4,
        memory: 72 << 20,
        reusable_growth: usize::MAX,
        ..WORK
    })
    .await;
    let answers = tokio::join!(probe.get("/g"), probe.get("/g"), probe.get("/g"));
    let mut answers = [answers.0.unwrap(), answers.1.unwrap(), answers.2.unwrap()];
    answers.sort();
    assert_eq!(answers, ["!", "1", "1"]);
    let used = probe.pool.load().memory;
    assert!(used > 64 << 20 && used < 72 << 20, "{used}");
    // Instances that trap are dropped.
    for _ in 0..3 {
        assert!(probe.get("/t").await.is_err());
    }
    assert!(probe.pool.load().memory < 1 << 20);
}

#[tokio::test(flavor = "multi_thread")]
async fn drops_idle_instances_of_a_peak() {
    let probe = Probe::new(Limits {
        instances: 16,
        ..WORK
    })
    .await;
    let one = probe.pool.load().memory;
    let calls = (0..12).map(|_| probe.get("/w"));
    let answers = futures::future::join_all(calls).await;
    assert!(answers.iter().all(Result::is_ok), "{answers:?}");
    assert!(probe.pool.take_surplus(Duration::from_secs(60)).is_empty());
    drop(probe.pool.take_surplus(Duration::ZERO));
    assert_eq!(probe.pool.load().memory, 8 * one);
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_that_are_known_to_compute_for_long_leave_instances_to_others() {
    let probe = Probe::new(Limits {
        instances: 4,
        queue: 16,
        wait: Duration::from_secs(60),
        ..WORK
    })
    .await;
    // The first call of an instance teaches nothing.
    for path in ["/", "/", "/w"] {
        probe.get(path).await.unwrap();
    }
    let long = futures::future::join_all((0..4).map(|_| probe.get("/w")));
    let others = async {
        let waits = async {
            while probe.pool.load().waiting < 3 {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(WORK.time, waits)
            .await
            .expect("the long calls do not wait");
        assert_eq!(probe.pool.load().running, 1);
        for _ in 0..3 {
            probe.get("/").await.unwrap();
        }
        assert!(probe.pool.load().waiting > 0, "the others did not wait");
    };
    let (long, ()) = tokio::join!(long, others);
    assert!(long.iter().all(Result::is_ok), "{long:?}");
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
async fn reports_an_invalid_response() {
    let probe = Probe::new(LIMITS).await;
    for path in ["/h", "/n"] {
        assert!(
            matches!(
                probe.get(path).await,
                Err(CallError::Instance(InstanceError::InvalidResponse(_)))
            ),
            "{path}"
        );
        assert_eq!(probe.get("/").await.unwrap(), "1", "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rejects_a_request_when_the_queue_is_full() {
    let probe = Probe::new(WORK).await;
    assert!(probe.pool.has_room(CLIENT));
    let room = async { probe.pool.has_room(CLIENT) };
    let (first, room, second) = tokio::join!(probe.get("/w"), room, probe.get("/"));
    assert_eq!(first.unwrap(), "1");
    assert!(!room);
    assert!(matches!(second, Err(CallError::Acquire(AcquireError::Busy))));
    assert_eq!(probe.pool.load().refused, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_waits_for_an_instance_however_long_it_takes() {
    let probe = Probe::new(Limits {
        wait: Duration::ZERO,
        ..LIMITS
    })
    .await;
    let (request, first, second, third) = tokio::join!(
        probe.get("/b"),
        probe.handle("probe", "b"),
        probe.handle("probe", "b"),
        probe.handle("probe", "b")
    );
    assert_eq!(request.unwrap(), "1");
    for event in [first, second, third] {
        assert_eq!(event.unwrap(), Ok(()));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn runs_a_queued_request_when_an_instance_is_free() {
    let probe = Probe::new(Limits {
        queue: 1,
        wait: Duration::from_secs(60),
        ..WORK
    })
    .await;
    let (first, second, third) = tokio::join!(probe.get("/w"), probe.get("/"), probe.get("/"));
    assert_eq!((first.unwrap(), second.unwrap()), ("1".into(), "2".into()));
    assert!(matches!(third, Err(CallError::Acquire(AcquireError::Busy))));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_with_few_requests_comes_before_one_with_many() {
    let other = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 2));
    let probe = Probe::new(Limits {
        queue: 3,
        wait: Duration::from_secs(60),
        ..WORK
    })
    .await;
    // The first request has the only instance. The queue is full before the other client comes.
    let many = join_all((0..4).map(|_| probe.get("/w")));
    let few = probe.get_from(other, "/", "accept", "*/*");
    let (many, few) = tokio::join!(many, few);
    assert_eq!(few.unwrap(), "2");
    let many: Vec<_> = many.into_iter().map(Result::ok).collect();
    let [first, third, fourth] = ["1", "3", "4"].map(|call| Some(Bytes::from(call)));
    assert_eq!(many, [first, third, fourth, None]);
}

#[tokio::test(flavor = "multi_thread")]
async fn rejects_a_request_that_has_waited_for_too_long() {
    let probe = Probe::new(Limits {
        queue: 1,
        wait: Duration::ZERO,
        ..WORK
    })
    .await;
    let (first, second) = tokio::join!(probe.get("/w"), probe.get("/"));
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
