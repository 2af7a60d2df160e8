//! E-mails: the recipient in the first line, the subject in the second one, and then the text.

use lettre::message::Mailbox;
use mercato_ports::mail;
use mercato_ports::mailer::Message;

/// The headers of a mail, each once.
const HEADERS: [&str; 7] = [
    "content-transfer-encoding",
    "content-type",
    "date",
    "from",
    "message-id",
    "mime-version",
    "subject",
];

/// Composes a mail, with and without HTML.
pub fn run(data: &[u8]) {
    let Ok(text) = str::from_utf8(data) else {
        return;
    };
    let (to, rest) = text.split_once('\n').unwrap_or((text, ""));
    let (subject, text) = rest.split_once('\n').unwrap_or((rest, ""));
    // The callers of the port can pass line breaks.
    let unescaped = |text: &str| text.replace("\\r", "\r").replace("\\n", "\n");
    for html in [None, Some(text.to_owned())] {
        let message = Message {
            to: unescaped(to),
            subject: unescaped(subject),
            text: text.to_owned(),
            html,
        };
        check(message);
    }
}

fn check(message: Message) {
    let sender: Mailbox = "shop@example.com".parse().expect("an address");
    let subject = message.subject.clone();
    let Ok(mail) = mail::compose(&sender, message) else {
        return;
    };
    assert_eq!(mail.envelope().to().len(), 1, "one recipient");
    let bytes = mail.formatted();
    let text = String::from_utf8_lossy(&bytes);
    let head = text.split("\r\n\r\n").next().unwrap_or_default();
    assert!(!head.replace("\r\n", "").contains(['\r', '\n', '\0']), "{head:?}");
    let mut names: Vec<_> = head
        .split("\r\n")
        .filter(|line| !line.starts_with([' ', '\t']))
        .map(|line| line.split(':').next().unwrap_or_default().to_ascii_lowercase())
        .collect();
    names.sort();
    let count = names.len();
    names.dedup();
    assert_eq!(names.len(), count, "a header is repeated: {head}");
    for name in names {
        assert!(
            name == "to" || HEADERS.contains(&name.as_str()),
            "{name:?} in {head}"
        );
    }
    // A mail program would decode it.
    let is_encoded_word = subject.contains("=?") && subject.contains("?=");
    assert!(
        !is_encoded_word || !head.contains(&format!("Subject: {subject}\r\n")),
        "{head}"
    );
}
