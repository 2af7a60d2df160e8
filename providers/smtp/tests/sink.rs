//! Sends mail to a real server and reads its Maildir. Without Python's aiosmtpd most tests are ignored.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "tests fail by panicking"
)]

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::process::{Child, Command, ExitCode, Stdio};
use std::time::Duration;

use libtest_mimic::{Arguments, Trial};
use mercato_ports::mailer::{MailFailure, Mailer, Message};
use mercato_smtp::SmtpMailer;
use tempfile::TempDir;

struct Sink {
    port: u16,
    process: Child,
    folder: TempDir,
}

impl Sink {
    fn start() -> Self {
        let (port, folder) = (free_port(), tempfile::tempdir().unwrap());
        let mut process = Command::new("python3")
            .args([
                concat!(env!("CARGO_MANIFEST_DIR"), "/tests/sink.py"),
                &port.to_string(),
            ])
            .arg(folder.path().join("mail"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        assert_eq!(line, "ready\n");
        Self {
            port,
            process,
            folder,
        }
    }

    fn mailer(&self, user: &str) -> SmtpMailer {
        let url = format!("smtp://{user}127.0.0.1:{}", self.port);
        SmtpMailer::new(&url, "Shop <shop@example.com>").unwrap()
    }

    /// Returns the messages that have arrived.
    fn mail(&self) -> Vec<String> {
        let files = fs::read_dir(self.folder.path().join("mail/new")).unwrap();
        files
            .map(|file| fs::read_to_string(file.unwrap().path()).unwrap())
            .collect()
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port()
}

fn message(to: &str) -> Message {
    Message {
        to: to.into(),
        subject: "Your order".into(),
        text: "Thank you!".into(),
        html: Some("<p>Thank you!</p>".into()),
    }
}

async fn a_message_arrives_as_text_and_html() {
    let sink = Sink::start();
    let mailer = sink.mailer("");
    assert_eq!(mailer.ready().await, Ok(()));
    // Two messages on one connection of the pool.
    for to in ["Zoë <zoe@example.com>", "max@example.com"] {
        assert_eq!(mailer.send(message(to)).await, Ok(()));
    }
    let mails = sink.mail();
    assert_eq!(mails.len(), 2);
    let mail = mails
        .iter()
        .find(|mail| mail.contains("zoe@example.com"))
        .unwrap();
    for part in [
        "From: Shop <shop@example.com>",
        "Subject: Your order",
        "multipart/alternative",
        "text/plain",
        "\nThank you!",
        "text/html",
        "<p>Thank you!</p>",
    ] {
        assert!(mail.contains(part), "{part} is not in {mail}");
    }
}

async fn a_rejected_recipient_does_not_affect_the_next_message() {
    let sink = Sink::start();
    let mailer = sink.mailer("");
    let result = mailer.send(message("nobody@example.com")).await;
    assert!(
        matches!(&result, Err(MailFailure::Rejected(reason)) if reason.contains("no such mailbox")),
        "{result:?}"
    );
    assert_eq!(mailer.send(message("zoe@example.com")).await, Ok(()));
    assert_eq!(sink.mail().len(), 1);
}

async fn is_unavailable_for_a_temporary_error() {
    let sink = Sink::start();
    let busy = sink.mailer("").send(message("busy@example.com")).await;
    assert!(matches!(busy, Err(MailFailure::Unavailable(_))), "{busy:?}");
}

async fn logs_in_and_reports_a_wrong_password_as_unavailable() {
    let sink = Sink::start();
    let sent = sink.mailer("me:right@").send(message("zoe@example.com")).await;
    assert_eq!(sent, Ok(()));
    let result = sink
        .mailer("me:wr%6Fng-battery@")
        .send(message("zoe@example.com"))
        .await;
    assert!(
        matches!(&result, Err(MailFailure::Unavailable(reason)) if !reason.contains("battery")),
        "{result:?}"
    );
}

async fn is_unavailable_if_the_server_stops() {
    let sink = Sink::start();
    let mailer = sink.mailer("");
    assert_eq!(mailer.send(message("zoe@example.com")).await, Ok(()));
    let mut sink = sink;
    sink.process.kill().unwrap();
    sink.process.wait().unwrap();
    let result = mailer.send(message("zoe@example.com")).await;
    assert!(matches!(result, Err(MailFailure::Unavailable(_))), "{result:?}");
    assert!(mailer.ready().await.is_err());
}

async fn is_unavailable_if_the_server_hangs() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("smtp://{}", listener.local_addr().unwrap());
    let mailer = SmtpMailer::new(&url, "shop@example.com")
        .unwrap()
        .with_timeout(Duration::from_millis(100));
    let hung = mailer.send(message("zoe@example.com")).await;
    assert!(matches!(hung, Err(MailFailure::Unavailable(_))), "{hung:?}");
}

async fn rejects_an_invalid_address_without_a_server() {
    let mailer = SmtpMailer::new(
        &format!("smtp://127.0.0.1:{}", free_port()),
        "Shop <shop@example.com>",
    )
    .unwrap();
    let result = mailer.send(message("zoe")).await;
    assert!(matches!(result, Err(MailFailure::Rejected(_))), "{result:?}");
}

fn main() -> ExitCode {
    let installed = Command::new("python3")
        .args(["-c", "import aiosmtpd"])
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success());
    macro_rules! trial {
        ($case:ident, $ignored:expr) => {
            Trial::test(stringify!($case), || {
                tokio::runtime::Runtime::new().unwrap().block_on($case());
                Ok(())
            })
            .with_ignored_flag($ignored)
        };
    }
    let trials = vec![
        trial!(a_message_arrives_as_text_and_html, !installed),
        trial!(a_rejected_recipient_does_not_affect_the_next_message, !installed),
        trial!(is_unavailable_for_a_temporary_error, !installed),
        trial!(logs_in_and_reports_a_wrong_password_as_unavailable, !installed),
        trial!(is_unavailable_if_the_server_stops, !installed),
        trial!(is_unavailable_if_the_server_hangs, false),
        trial!(rejects_an_invalid_address_without_a_server, false),
    ];
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}
