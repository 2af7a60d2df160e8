//! Mail through a real server, read back from its Maildir. Skipped where Python's aiosmtpd is not installed.
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

    /// What has arrived.
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
    // Two, by one connection of the pool.
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

async fn a_refused_receiver_is_rejected_and_the_next_message_arrives() {
    let sink = Sink::start();
    let mailer = sink.mailer("");
    let refused = mailer.send(message("nobody@example.com")).await;
    assert!(
        matches!(&refused, Err(MailFailure::Rejected(reason)) if reason.contains("no such mailbox")),
        "{refused:?}"
    );
    assert_eq!(mailer.send(message("zoe@example.com")).await, Ok(()));
    assert_eq!(sink.mail().len(), 1);
}

async fn a_receiver_who_is_busy_is_not_now() {
    let sink = Sink::start();
    let busy = sink.mailer("").send(message("busy@example.com")).await;
    assert!(matches!(busy, Err(MailFailure::Unavailable(_))), "{busy:?}");
}

async fn a_password_is_used_and_a_wrong_one_is_not_the_message_s_fault() {
    let sink = Sink::start();
    let sent = sink.mailer("me:right@").send(message("zoe@example.com")).await;
    assert_eq!(sent, Ok(()));
    let refused = sink
        .mailer("me:wr%6Fng-battery@")
        .send(message("zoe@example.com"))
        .await;
    assert!(
        matches!(&refused, Err(MailFailure::Unavailable(reason)) if !reason.contains("battery")),
        "{refused:?}"
    );
}

async fn a_server_that_went_away_is_not_now() {
    let sink = Sink::start();
    let mailer = sink.mailer("");
    assert_eq!(mailer.send(message("zoe@example.com")).await, Ok(()));
    let mut sink = sink;
    sink.process.kill().unwrap();
    sink.process.wait().unwrap();
    let away = mailer.send(message("zoe@example.com")).await;
    assert!(matches!(away, Err(MailFailure::Unavailable(_))), "{away:?}");
    assert!(mailer.ready().await.is_err());
}

async fn a_server_that_hangs_is_not_now() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("smtp://{}", listener.local_addr().unwrap());
    let mailer = SmtpMailer::new(&url, "shop@example.com")
        .unwrap()
        .with_timeout(Duration::from_millis(100));
    let hung = mailer.send(message("zoe@example.com")).await;
    assert!(matches!(hung, Err(MailFailure::Unavailable(_))), "{hung:?}");
}

async fn what_is_no_address_is_rejected_without_a_server() {
    let mailer = SmtpMailer::new(
        &format!("smtp://127.0.0.1:{}", free_port()),
        "Shop <shop@example.com>",
    )
    .unwrap();
    let refused = mailer.send(message("zoe")).await;
    assert!(matches!(refused, Err(MailFailure::Rejected(_))), "{refused:?}");
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
        trial!(
            a_refused_receiver_is_rejected_and_the_next_message_arrives,
            !installed
        ),
        trial!(a_receiver_who_is_busy_is_not_now, !installed),
        trial!(
            a_password_is_used_and_a_wrong_one_is_not_the_message_s_fault,
            !installed
        ),
        trial!(a_server_that_went_away_is_not_now, !installed),
        trial!(a_server_that_hangs_is_not_now, false),
        trial!(what_is_no_address_is_rejected_without_a_server, false),
    ];
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}
