//! The client against servers that answer well, badly, late or never.
#![allow(clippy::unwrap_used, missing_docs, reason = "tests")]

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

use mercato_http::Client;
use mercato_ports::http_client::{Header, HttpClient, HttpFailure, Method, Request, Response};

/// A server that does this with each connection once it has read the head of a request.
fn server(act: impl Fn(TcpStream, String) + Send + 'static) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for connection in listener.incoming() {
            let mut connection = connection.unwrap();
            let mut read = Vec::new();
            let mut byte = [0];
            while !read.ends_with(b"\r\n\r\n") && connection.read(&mut byte).unwrap() == 1 {
                read.extend_from_slice(&byte);
            }
            act(connection, String::from_utf8(read).unwrap());
        }
    });
    address
}

async fn send(address: SocketAddr, method: Method, body: &str) -> Result<Response, HttpFailure> {
    let request = Request {
        method,
        url: format!("http://{address}/v1/things?a=b"),
        headers: vec![Header {
            name: "x-key".into(),
            value: b"secret".to_vec(),
        }],
        body: body.into(),
        timeout_ms: 1_000,
    };
    Client::new(&address.to_string()).unwrap().send(request).await
}

fn answering(answer: &'static str) -> SocketAddr {
    server(move |mut connection, _| connection.write_all(answer.as_bytes()).unwrap())
}

#[tokio::test]
async fn a_request_arrives_and_its_answer_comes_back() {
    let address = server(|mut connection, head| {
        let mut body = [0; 3];
        connection.read_exact(&mut body).unwrap();
        let answer = format!("{head}{}", String::from_utf8_lossy(&body));
        write!(
            connection,
            "HTTP/1.1 402 Payment Required\r\nx-id: 7\r\ncontent-length: {}\r\n\r\n{answer}",
            answer.len()
        )
        .unwrap();
    });
    let response = send(address, Method::Post, "a=b").await.unwrap();
    assert_eq!(response.status, 402);
    assert!(
        response
            .headers
            .iter()
            .any(|header| header.name == "x-id" && header.value == b"7")
    );
    let seen = String::from_utf8(response.body).unwrap().to_lowercase();
    assert!(seen.starts_with("post /v1/things?a=b http/1.1\r\n"), "{seen}");
    assert!(
        seen.contains("x-key: secret\r\n") && seen.ends_with("a=b"),
        "{seen}"
    );
}

#[tokio::test]
async fn a_redirect_is_an_answer() {
    let address =
        answering("HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\n\r\n");
    assert_eq!(send(address, Method::Get, "").await.unwrap().status, 302);
}

#[tokio::test]
async fn a_server_that_is_not_there_was_certainly_not_reached() {
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    assert!(matches!(
        send(address, Method::Post, "a").await,
        Err(HttpFailure::NotSent(_))
    ));
}

#[tokio::test]
async fn whether_a_request_arrived_is_unknown_where_the_answer_is_late_broken_or_missing() {
    let hangs = server(|_, _| thread::sleep(Duration::from_secs(5)));
    let closes = server(|_, _| {});
    let breaks_off = answering("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nabc");
    let talks_nonsense = answering("hello\r\n\r\n");
    for address in [hangs, closes, breaks_off, talks_nonsense] {
        let sent = send(address, Method::Post, "").await;
        assert!(matches!(sent, Err(HttpFailure::Unknown(_))), "{sent:?}");
    }
}

#[tokio::test]
async fn a_response_without_end_is_broken_off() {
    let address = server(|mut connection, _| {
        connection.write_all(b"HTTP/1.1 200 OK\r\n\r\n").unwrap();
        while connection.write_all(&[b'a'; 4096]).is_ok() {}
    });
    assert!(matches!(
        send(address, Method::Get, "").await,
        Err(HttpFailure::Unknown(_))
    ));
}

#[tokio::test]
async fn other_hosts_and_bad_headers_are_refused_without_a_word_of_them() {
    let address = answering("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");
    let request = Request {
        method: Method::Get,
        url: format!("http://{address}/"),
        headers: vec![Header {
            name: "authorization".into(),
            value: b"secret\r\nx: y".to_vec(),
        }],
        body: Vec::new(),
        timeout_ms: 1_000,
    };
    let other = Client::new("api.example.com")
        .unwrap()
        .send(request.clone())
        .await;
    assert!(matches!(other, Err(HttpFailure::Refused(_))), "{other:?}");
    let bad = Client::new(&address.to_string()).unwrap().send(request).await;
    assert!(matches!(bad, Err(HttpFailure::Refused(text)) if !text.contains("secret")));
}
