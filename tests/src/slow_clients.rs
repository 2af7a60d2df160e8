//! Clients that send slowly, read slowly, or hold many connections: each holds little, and not for long. Others are
//! answered meanwhile.

use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use libtest_mimic::Trial;
use serde_json::json;

use crate::binary::{Binary, binary_trials};
use crate::http::{EVENT_STREAM, Request};
use crate::http2::{self, Frame, Http2, PREFACE, next_stream};
use crate::parallel::at_once;
use crate::process::{Home, Running};
use crate::raw::Raw;
use crate::shop::{As, Shop};
use crate::wait::{LATER, eventually};

/// The tests of this area.
pub fn tests() -> Vec<Trial> {
    binary_trials!(
        "slow_clients",
        [
            a_connection_without_a_head_ends_in_time,
            idle_connections_make_room_for_others,
            a_client_cannot_take_all_connections,
            few_open_files_are_enough,
            unread_answers_take_little_memory_and_end,
            an_http_2_client_that_reads_nothing_loses_its_streams,
            a_client_that_cancels_its_streams_gets_no_more_calls,
            a_slow_body_ends_early,
            a_large_body_is_refused_before_it_is_read,
            a_flood_of_refusals_writes_few_lines
        ]
    )
}

/// Fails unless an honest client gets its answer.
fn serves(shop: &Shop) -> Result<()> {
    let honest = Shop::new(shop.url(), shop.secret());
    honest
        .query(As::Anonymous, "{ __typename }")?
        .has("/__typename", "Query")
}

/// The begins of requests that do not end.
const BEGINS: [&[u8]; 7] = [
    b"",
    b"P",
    b"G",
    b"PRI * HTTP/2.0\r\n",
    b"GET /livez HTTP/1.1\r\nhost: a\r\n",
    b"\r\n",
    PREFACE,
];

fn a_connection_without_a_head_ends_in_time(binary: &Binary) -> Result<()> {
    let home = Home::new()?;
    let running = binary.start(&home)?;
    let shop = running.shop();
    let first = "GET /livez HTTP/1.1\r\nhost: a\r\n\r\n";
    at_once(BEGINS.len() + 3, |number| {
        if let Some(begin) = BEGINS.get(number) {
            return Raw::with(&shop, begin)?
                .ends()
                .with_context(|| format!("{begin:?}"));
        }
        let mut raw = Raw::connect(&shop)?;
        if number == BEGINS.len() {
            // Some bytes a second do not extend the time.
            for byte in "GET /livez HTTP/1.1\r\nhost: abcdefghijklmnopqrstuvwxyz".as_bytes() {
                if raw.has_ended()? {
                    return Ok(());
                }
                let _ = raw.send([*byte]);
                std::thread::sleep(Duration::from_secs(1));
            }
            anyhow::bail!("a slow head should end");
        }
        raw.send(first)?;
        raw.answer()?.expect_status(200)?;
        raw.send(first.get(..number).unwrap_or_default())?;
        raw.answer()?.problem(408, "REQUEST_TIMEOUT")?;
        raw.end()?;
        raw.ends()
    })?;
    serves(&shop)?;
    running.stop()
}

fn idle_connections_make_room_for_others(binary: &Binary) -> Result<()> {
    let home = Home::new()?;
    let mut command = binary.up(&home);
    command.env("MERCATO_CONNECTIONS", "40");
    let running = Running::start(&home, &mut command)?;
    let shop = running.shop();
    let mut held = Vec::new();
    for number in 0..80 {
        let begin = BEGINS.get(number % BEGINS.len()).copied().unwrap_or_default();
        held.push(Raw::with(&shop, begin)?);
        if number % 8 == 0 {
            serves(&shop)?;
        }
    }
    serves(&shop)?;
    let open = shop.metric("mercato_connections")?;
    ensure!(open <= 40, "at most 40 connections should be open, not {open}");
    let first = held.first_mut().context("a connection should be held")?;
    first.ends().context("the oldest connection should end")?;
    running.stop()
}

/// Opens an event stream, which keeps its connection busy.
fn stream(shop: &Shop) -> Result<Raw> {
    let body = json!({ "query": "subscription { productChanged { name } }" }).to_string();
    Raw::with(
        shop,
        format!(
            "POST /graphql HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\naccept: {EVENT_STREAM}\r\n\
             content-length: {}\r\n\r\n{body}",
            body.len()
        ),
    )
}

fn a_client_cannot_take_all_connections(binary: &Binary) -> Result<()> {
    let home = Home::new()?;
    let mut command = binary.up(&home);
    command
        .env("MERCATO_CONNECTIONS", "40")
        .env("MERCATO_CONNECTIONS_PER_CLIENT", "4");
    let running = Running::start(&home, &mut command)?;
    let shop = running.shop();
    let mut busy = Vec::new();
    for _ in 0..4 {
        let mut raw = stream(&shop)?;
        raw.answer()?.expect_status(200)?;
        busy.push(raw);
    }
    let mut refused = Raw::with(&shop, "GET /livez HTTP/1.1\r\nhost: a\r\n\r\n")?;
    let answer = refused.answer()?;
    answer.problem(503, "BUSY")?;
    ensure!(
        answer.header("retry-after").is_some(),
        "expected the time to wait"
    );
    ensure!(answer.header("connection") == Some("close"), "expected the end");
    busy.truncate(3);
    eventually(LATER, "a closed connection should make room", || {
        let served = serves(&shop);
        Ok((served.is_ok(), served.err().map(|error| error.to_string())))
    })?;
    running.stop()
}

fn few_open_files_are_enough(binary: &Binary) -> Result<()> {
    let home = Home::new()?;
    let up = binary.up(&home);
    let mut command = Command::new("sh");
    command
        .env_clear()
        .args(["-c", "ulimit -n 200 && exec \"$0\" \"$@\""]);
    command.arg(up.get_program()).args(up.get_args());
    command.envs(up.get_envs().filter_map(|(name, value)| Some((name, value?))));
    command.current_dir(home.path());
    let running = Running::start(&home, &mut command)?;
    let shop = running.shop();
    let mut held = Vec::new();
    for number in 0..300 {
        held.push(Raw::connect(&shop)?);
        if number % 50 == 0 {
            shop.product(1, 1)?;
            serves(&shop)?;
        }
    }
    shop.product(1, 1)?;
    serves(&shop)?;
    let log = running.process.log()?;
    ensure!(log.lines().count() < 10, "the log should have few lines:\n{log}");
    running.stop()
}

/// Returns a query whose answer has about a megabyte.
fn large_query(shop: &Shop) -> Result<String> {
    let input = json!({ "name": "long", "price": 1, "quantity": 1, "description": "🧦".repeat(10_000) });
    let product = shop.product_from(input)?;
    let fields: String = (0..25).map(|field| format!(" f{field}: description")).collect();
    Ok(format!("{{ product(id: \"{product}\") {{{fields} }} }}"))
}

/// Returns the memory of a shop, in MiB.
fn memory(running: &Running) -> Result<usize> {
    let status = std::fs::read_to_string(format!("/proc/{}/status", running.process.id()))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|line| line.split_whitespace().next());
    Ok(kib
        .context("a process should have its memory")?
        .parse::<usize>()?
        / 1024)
}

fn unread_answers_take_little_memory_and_end(binary: &Binary) -> Result<()> {
    const CONNECTIONS: usize = 40;
    let home = Home::new()?;
    let running = binary.start(&home)?;
    let shop = running.shop();
    let query = large_query(&shop)?;
    let body = json!({ "query": query }).to_string();
    let request = format!(
        "POST /graphql HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    let before = memory(&running)?;
    let pipelined = request.repeat(100);
    let mut held = (0..CONNECTIONS)
        .map(|_| {
            let mut raw = Raw::connect(&shop)?;
            raw.send_without_reading(pipelined.as_bytes())?;
            Ok(raw)
        })
        .collect::<Result<Vec<_>>>()?;
    // All answers together would have 4 GB.
    for _ in 0..10 {
        serves(&shop)?;
        let held = memory(&running)?.saturating_sub(before);
        ensure!(
            held < 1000,
            "unread answers should take little memory, not {held} MiB"
        );
        std::thread::sleep(Duration::from_millis(500));
    }
    // A client that reads gets all of its answers.
    let mut reader = held.pop().context("a connection should be held")?;
    for _ in 0..5 {
        let answer = reader.answer()?;
        answer.expect_status(200)?;
        ensure!(answer.body.len() > 900_000, "an answer should be complete");
    }
    eventually(
        LATER,
        "clients that read nothing should lose their connections",
        || {
            let open = shop.metric("mercato_connections")?;
            Ok((open < 10, open))
        },
    )?;
    serves(&shop)?;
    running.stop()
}

fn an_http_2_client_that_reads_nothing_loses_its_streams(binary: &Binary) -> Result<()> {
    let home = Home::new()?;
    let running = binary.start(&home)?;
    let shop = running.shop();
    let path = format!(
        "/graphql?query={}",
        large_query(&shop)?.replace(' ', "%20").replace('"', "%22")
    );
    let mut http2 = Http2::connect(&shop, 0)?;
    for stream in [1, 3, 5, 7] {
        http2.request(stream, "GET", &path, &[("accept", "application/json")])?;
    }
    ensure!(
        http2.status(1)? == Some(200),
        "the head of an answer needs no window"
    );
    serves(&shop)?;
    http2::ends(&mut http2, 1)?;
    serves(&shop)?;
    running.stop()
}

fn a_client_that_cancels_its_streams_gets_no_more_calls(binary: &Binary) -> Result<()> {
    let home = Home::new()?;
    let running = binary.start(&home)?;
    let shop = running.shop();
    let mut http2 = Http2::connect(&shop, 1 << 20)?;
    let mut stream = 1;
    let mut flood = || {
        for _ in 0..20_000 {
            http2.request(stream, "GET", "/api/products?first=100", &[])?;
            http2.reset(stream)?;
            stream = next_stream(stream)?;
        }
        loop {
            if http2.next()? == Frame::GoAway {
                return Ok(());
            }
        }
    };
    // The shop ends the connection, so that a request cannot be sent any more.
    let ended: Result<()> = flood();
    drop(ended);
    serves(&shop)?;
    let waiting = shop.metric("mercato_calls_waiting")?;
    ensure!(
        waiting <= 256,
        "one connection should have few calls, not {waiting}"
    );
    running.stop()
}

fn a_slow_body_ends_early(binary: &Binary) -> Result<()> {
    let home = Home::new()?;
    let running = binary.start(&home)?;
    let shop = running.shop();
    let head = "POST /api/products HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\n";
    at_once(4, |number| {
        let lengths = ["content-length: 1000", "transfer-encoding: chunked"];
        let length = lengths.get(number % 2).copied().unwrap_or_default();
        let mut raw = Raw::with(&shop, format!("{head}{length}\r\n\r\n"))?;
        // Half of the clients send some bytes a second, and the others none.
        for _ in 0..if number < 2 { 12 } else { 0 } {
            if raw.send("1\r\na\r\n").is_err() {
                break;
            }
            std::thread::sleep(Duration::from_secs(1));
        }
        raw.answer()?.problem(408, "REQUEST_TIMEOUT")?;
        raw.end()?;
        raw.ends()
    })?;
    let mut http2 = Http2::connect(&shop, 1 << 20)?;
    http2.begin(
        1,
        "POST",
        "/api/products",
        &[("content-type", "application/json")],
    )?;
    http2.data(1, b"{", false)?;
    ensure!(http2.status(1)?.is_none(), "408 is no status of the static table");
    serves(&shop)?;
    running.stop()
}

fn a_large_body_is_refused_before_it_is_read(binary: &Binary) -> Result<()> {
    let home = Home::new()?;
    let running = binary.start(&home)?;
    let shop = running.shop();
    let post = |headers: &str| format!("POST /api/products HTTP/1.1\r\nhost: a\r\n{headers}\r\n\r\n");
    // The client waits for the answer, and sends no body.
    for headers in [
        "content-length: 2000000",
        "expect: 100-continue\r\ncontent-length: 2000000",
    ] {
        let mut raw = Raw::with(&shop, post(headers))?;
        raw.answer()?.problem(413, "PAYLOAD_TOO_LARGE")?;
    }
    // The client sends all of its body before it reads.
    let mut raw = Raw::with(&shop, post("content-length: 4000000"))?;
    raw.send(vec![b' '; 4_000_000])?;
    raw.answer()?.problem(413, "PAYLOAD_TOO_LARGE")?;
    let chunk = format!("10000\r\n{}\r\n", " ".repeat(65_536));
    let mut raw = Raw::with(&shop, post("transfer-encoding: chunked"))?;
    raw.send(chunk.repeat(60))?;
    raw.answer()?.problem(413, "PAYLOAD_TOO_LARGE")?;
    running.stop()
}

fn a_flood_of_refusals_writes_few_lines(binary: &Binary) -> Result<()> {
    const CLIENTS: usize = 16;
    const REQUESTS: usize = 200;
    let home = Home::new()?;
    let mut command = binary.up(&home);
    command
        .env("MERCATO_INSTANCES", "1")
        .env("MERCATO_QUEUE", "0")
        .env("RUST_LOG", "info");
    let running = Running::start(&home, &mut command)?;
    let shop = running.shop();
    let refused: usize = at_once(CLIENTS, |_| {
        let shop = Shop::new(shop.url(), "");
        let mut refused = 0;
        for _ in 0..REQUESTS {
            let request = Request::new("GET", "/api/products?first=100");
            let response = shop.send(request)?;
            if response.status == 503 {
                response.problem(503, "BUSY")?;
                response.has_header("connection", "close")?;
                let wait: Option<u32> = response.header("retry-after").and_then(|wait| wait.parse().ok());
                response.expect(wait.is_some_and(|wait| wait > 0), "expected the time to wait")?;
                refused += 1;
            }
        }
        Ok(refused)
    })?
    .into_iter()
    .sum();
    ensure!(refused > 500, "many requests should be refused, not {refused}");
    let log = running.process.log()?;
    let lines = log
        .lines()
        .filter(|line| line.contains("BUSY") || line.contains("busy"))
        .count();
    ensure!(
        (1..refused / 2).contains(&lines),
        "{refused} refusals should write few lines, not {lines}"
    );
    serves(&shop)?;
    running.stop()
}
