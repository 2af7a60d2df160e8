//! Mails that shops under test have sent, read as the server kept them that took them (RFC 5322, RFC 2045 and 2046).

use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use quoted_printable::{ParseMode, decode};

/// How long a mail may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// A mail server that keeps what it is sent.
#[derive(Clone, Debug)]
pub struct MailServer {
    /// Where it is, `smtp://host:port`.
    pub url: String,
    /// What it keeps.
    pub mails: Mails,
}

/// The mails that a server keeps: a Maildir.
#[derive(Clone, Debug)]
pub struct Mails(PathBuf);

/// A mail as somebody reads it.
#[derive(Clone, Debug)]
pub struct Mail {
    /// Its subject.
    pub subject: String,
    /// The form that is plain text.
    pub text: String,
    /// The form that is HTML, where there is one.
    pub html: Option<String>,
}

impl MailServer {
    /// What `MERCATO_TEST_SMTP` and `MERCATO_TEST_SMTP_FOLDER` (a Maildir) name; none where one of them is not set.
    pub fn from_env() -> Option<Self> {
        Some(Self {
            url: std::env::var("MERCATO_TEST_SMTP").ok()?,
            mails: Mails(std::env::var_os("MERCATO_TEST_SMTP_FOLDER")?.into()),
        })
    }
}

impl Mails {
    /// Those of the shop under test, where `MERCATO_TEST_MAILS` names what its mail server keeps.
    pub fn of_the_shop() -> Option<Self> {
        std::env::var_os("MERCATO_TEST_MAILS").map(|folder| Self(folder.into()))
    }

    /// The mails to an address.
    pub fn to(&self, address: &str) -> Result<Vec<Mail>> {
        let mut mails = Vec::new();
        for file in std::fs::read_dir(self.0.join("new"))? {
            let mail = String::from_utf8(std::fs::read(file?.path())?)?;
            let part = Part::new(&mail);
            if part.header("to").is_some_and(|to| to.contains(address)) {
                mails.push(part.mail().with_context(|| mail.clone())?);
            }
        }
        Ok(mails)
    }

    /// The mail to an address whose subject has these words, once it is there.
    pub fn receives(&self, address: &str, words: &str) -> Result<Mail> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let mails = self.to(address)?;
            if let Some(mail) = mails.iter().find(|mail| mail.subject.contains(words)) {
                return Ok(mail.clone());
            }
            ensure!(
                Instant::now() < deadline,
                "{address} should get a mail of \"{words}\", and has {mails:?}"
            );
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

/// A message, or a part of one.
struct Part {
    headers: Vec<(String, String)>,
    body: String,
}

impl Part {
    fn new(source: &str) -> Self {
        let source = source.replace("\r\n", "\n");
        let (head, body) = source.split_once("\n\n").unwrap_or((&source, ""));
        let unfolded = head.replace("\n ", " ").replace("\n\t", " ");
        Self {
            headers: unfolded
                .lines()
                .filter_map(|line| line.split_once(':'))
                .map(|(name, value)| (name.to_lowercase(), value.trim().to_owned()))
                .collect(),
            body: body.to_owned(),
        }
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find_map(|(known, value)| (known == name).then_some(value.as_str()))
    }

    /// What its body says.
    fn text(&self) -> Result<String> {
        let bytes = match self.header("content-transfer-encoding").unwrap_or("7bit") {
            "7bit" | "8bit" => self.body.clone().into_bytes(),
            "quoted-printable" => decode(&self.body, ParseMode::Robust)?,
            "base64" => STANDARD.decode(self.body.replace('\n', ""))?,
            other => bail!("{other} is no encoding of a mail"),
        };
        Ok(String::from_utf8(bytes)?.replace("\r\n", "\n"))
    }

    fn mail(&self) -> Result<Mail> {
        ensure!(
            self.header("mime-version") == Some("1.0"),
            "a mail program needs to know that this is MIME"
        );
        let subject = self.header("subject").context("a mail has a subject")?.to_owned();
        let kind = self.header("content-type").context("a mail has a type")?;
        let Some((_, boundary)) = kind.split_once("boundary=") else {
            ensure!(kind == "text/plain; charset=utf-8", "{kind} is no plain text");
            let text = self.text()?;
            return Ok(Mail {
                subject,
                text,
                html: None,
            });
        };
        ensure!(
            kind.starts_with("multipart/alternative;"),
            "{kind} are no two forms of one"
        );
        let mark = format!("--{}", boundary.trim_matches('"'));
        let parts: Vec<_> = self
            .body
            .split(&mark)
            .skip(1)
            .map(|part| Self::new(part.trim_start()))
            .collect();
        let of = |kind: &str| {
            parts
                .iter()
                .find(|part| part.header("content-type") == Some(&format!("{kind}; charset=utf-8")))
                .with_context(|| format!("there should be a form that is {kind}"))?
                .text()
        };
        Ok(Mail {
            subject,
            text: of("text/plain")?,
            html: Some(of("text/html")?),
        })
    }
}
