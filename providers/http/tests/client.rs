//! Tests of the client with servers that answer correctly, incorrectly, late or never.
#![allow(clippy::unwrap_used, missing_docs, reason = "tests")]

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

use mercato_http::Client;
use mercato_ports::http_client::{Header, HttpClient, HttpFailure, Method, Request, Response};

/// Starts a server that reads the head of each request and then calls `act`.
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
async fn sends_a_request_and_returns_its_response() {
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
    let received = String::from_utf8(response.body).unwrap().to_lowercase();
    assert!(
        received.starts_with("post /v1/things?a=b http/1.1\r\n"),
        "{received}"
    );
    assert!(
        received.contains("x-key: secret\r\n") && received.ends_with("a=b"),
        "{received}"
    );
}

#[tokio::test]
async fn returns_a_redirect_without_following_it() {
    let address =
        answering("HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\n\r\n");
    assert_eq!(send(address, Method::Get, "").await.unwrap().status, 302);
}

#[tokio::test]
async fn a_request_to_a_closed_port_is_not_sent() {
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    assert!(matches!(
        send(address, Method::Post, "a").await,
        Err(HttpFailure::NotSent(_))
    ));
}

#[tokio::test]
async fn the_outcome_is_unknown_if_the_response_is_late_malformed_or_missing() {
    let hangs = server(|_, _| thread::sleep(Duration::from_secs(5)));
    let closes = server(|_, _| {});
    let truncated = answering("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nabc");
    let malformed = answering("hello\r\n\r\n");
    for address in [hangs, closes, truncated, malformed] {
        let sent = send(address, Method::Post, "").await;
        assert!(matches!(sent, Err(HttpFailure::Unknown(_))), "{sent:?}");
    }
}

#[tokio::test]
async fn cancels_an_endless_response() {
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
async fn rejects_other_hosts_and_invalid_headers_without_showing_them() {
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
