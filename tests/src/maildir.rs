//! Mails that a mail server has stored in a Maildir, or a shop in its data folder (RFC 5322, RFC 2045 and RFC
//! 2046).

use std::ffi::OsString;
use std::path::PathBuf;

use anyhow::{Context, Result, bail, ensure};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use quoted_printable::{ParseMode, decode};

use crate::process::Home;
use crate::wait::{LATER, eventually};

/// A mail server that stores all mails.
#[derive(Clone, Debug)]
pub struct MailServer {
    /// The address, `smtp://host:port`.
    pub url: String,
    /// The stored mails.
    pub mails: Mails,
}

/// A folder with a file for each mail.
#[derive(Clone, Debug)]
pub struct Mails(PathBuf);

/// A decoded mail.
#[derive(Clone, Debug)]
pub struct Mail {
    /// The subject.
    pub subject: String,
    /// The plain text part.
    pub text: String,
    /// The HTML part, if there is one.
    pub html: Option<String>,
}

impl MailServer {
    /// Returns the server that `MERCATO_TEST_SMTP` and `MERCATO_TEST_SMTP_FOLDER` (a Maildir) name, if both
    /// are set.
    pub fn from_env() -> Option<Self> {
        Some(Self {
            url: std::env::var("MERCATO_TEST_SMTP").ok()?,
            mails: Mails::in_maildir(std::env::var_os("MERCATO_TEST_SMTP_FOLDER")?),
        })
    }
}

impl Mails {
    /// Returns the mails of the shop under test, if `MERCATO_TEST_MAILS` names the Maildir of its mail
    /// server.
    pub fn of_the_shop() -> Option<Self> {
        std::env::var_os("MERCATO_TEST_MAILS").map(Self::in_maildir)
    }

    fn in_maildir(folder: OsString) -> Self {
        Self(PathBuf::from(folder).join("new"))
    }

    /// Returns the mails of a process without a mail server.
    pub fn in_data(home: &Home) -> Self {
        Self(home.data().join("mail"))
    }

    /// Returns the mails to an address.
    pub fn to(&self, address: &str) -> Result<Vec<Mail>> {
        let mut mails = Vec::new();
        // A shop creates the folder with the first mail.
        let files = self.0.exists().then(|| std::fs::read_dir(&self.0)).transpose()?;
        for file in files.into_iter().flatten() {
            let path = file?.path();
            if path.extension().is_some_and(|extension| extension == "partial") {
                continue;
            }
            let mail = String::from_utf8(std::fs::read(path)?)?;
            let part = Part::new(&mail);
            if part.header("to").is_some_and(|to| to.contains(address)) {
                mails.push(part.mail().with_context(|| mail.clone())?);
            }
        }
        Ok(mails)
    }

    /// Waits for a mail to an address with these words in its subject, and returns it.
    pub fn receives(&self, address: &str, words: &str) -> Result<Mail> {
        let is_it = |mail: &Mail| mail.subject.contains(words);
        let mails = eventually(LATER, format!("{address} should get a mail \"{words}\""), || {
            let mails = self.to(address)?;
            Ok((mails.iter().any(is_it), mails))
        })?;
        mails.into_iter().find(is_it).context("the mail is there")
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
            .find_map(|(found, value)| (found == name).then_some(value.as_str()))
    }

    /// Decodes the body.
    fn text(&self) -> Result<String> {
        let bytes = match self.header("content-transfer-encoding").unwrap_or("7bit") {
            "7bit" | "8bit" => self.body.clone().into_bytes(),
            "quoted-printable" => decode(&self.body, ParseMode::Robust)?,
            "base64" => STANDARD.decode(self.body.replace('\n', ""))?,
            other => bail!("{other} is not an encoding of mail"),
        };
        Ok(String::from_utf8(bytes)?.replace("\r\n", "\n"))
    }

    fn mail(&self) -> Result<Mail> {
        ensure!(
            self.header("mime-version") == Some("1.0"),
            "the mail should declare MIME 1.0"
        );
        let subject = self.header("subject").context("a mail has a subject")?.to_owned();
        let kind = self.header("content-type").context("a mail has a type")?;
        let Some((_, boundary)) = kind.split_once("boundary=") else {
            ensure!(kind == "text/plain; charset=utf-8", "{kind} is not plain text");
            let text = self.text()?;
            return Ok(Mail {
                subject,
                text,
                html: None,
            });
        };
        ensure!(
            kind.starts_with("multipart/alternative;"),
            "{kind} is not multipart/alternative"
        );
        let delimiter = format!("--{}", boundary.trim_matches('"'));
        let parts: Vec<_> = self
            .body
            .split(&delimiter)
            .skip(1)
            .map(|part| Self::new(part.trim_start()))
            .collect();
        let part = |kind: &str| {
            parts
                .iter()
                .find(|part| part.header("content-type") == Some(&format!("{kind}; charset=utf-8")))
                .with_context(|| format!("there should be a part of type {kind}"))?
                .text()
        };
        Ok(Mail {
            subject,
            text: part("text/plain")?,
            html: Some(part("text/html")?),
        })
    }
}
