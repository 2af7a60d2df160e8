//! The port `mailer`, into a folder.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use async_trait::async_trait;
use lettre::address::AddressError;
use lettre::message::Mailbox;
use mercato_ports::mail::compose;
use mercato_ports::mailer::{MailFailure, Mailer, Message};
use uuid::Uuid;

/// Writes each message as a file `<id>.eml` (RFC 5322), which mail programs can open. The ids are UUIDv7, so
/// the files sort by time.
pub struct EmlMailer {
    folder: PathBuf,
    from: Mailbox,
}

impl EmlMailer {
    /// Creates a mailer for a folder, which is created with the first message. `from` is the sender, such as
    /// `Shop <shop@example.com>`.
    ///
    /// # Errors
    /// If `from` is not an address.
    pub fn new(folder: &Path, from: &str) -> Result<Self, AddressError> {
        Ok(Self {
            folder: folder.to_owned(),
            from: from.parse()?,
        })
    }
}

#[async_trait]
impl Mailer for EmlMailer {
    async fn send(&self, message: Message) -> Result<(), MailFailure> {
        let content = compose(&self.from, message)?.formatted();
        let folder = self.folder.clone();
        tokio::task::spawn_blocking(move || write_file(&folder, &content))
            .await
            .map_err(io::Error::other)
            .flatten()
            .map_err(|error| {
                MailFailure::Unavailable(format!("the mail folder cannot be written to: {error}"))
            })
    }
}

/// Writes a new file. The file appears under its final name only when it is complete.
fn write_file(folder: &Path, content: &[u8]) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    let name = Uuid::now_v7();
    let partial = folder.join(format!("{name}.partial"));
    fs::write(&partial, content)?;
    fs::rename(partial, folder.join(format!("{name}.eml")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message() -> Message {
        Message {
            to: "Zoë <zoe@example.com>".into(),
            subject: "Your order".into(),
            text: "Thank you, Zoë!".into(),
            html: Some("<p>Thank you, Zoë!</p>".into()),
        }
    }

    async fn send(message: Message) -> Result<String, MailFailure> {
        let folder = tempfile::tempdir().unwrap();
        EmlMailer::new(folder.path(), "Shop <shop@example.com>")
            .unwrap()
            .send(message)
            .await?;
        let files = fs::read_dir(folder.path())
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .collect::<Vec<_>>();
        assert_eq!(files.len(), 1);
        assert_eq!(files[0].extension().unwrap(), "eml");
        Ok(fs::read_to_string(&files[0]).unwrap())
    }

    #[tokio::test]
    async fn writes_a_message_as_one_file() {
        let mail = send(message()).await.unwrap();
        assert!(mail.contains("From: Shop <shop@example.com>\r\n"), "{mail}");
        assert!(
            mail.contains("<zoe@example.com>\r\nSubject: Your order\r\n"),
            "{mail}"
        );
        assert!(
            mail.contains("text/plain") && mail.contains("text/html"),
            "{mail}"
        );
    }

    #[tokio::test]
    async fn a_line_break_in_a_subject_adds_no_header() {
        let mail = send(Message {
            subject: "Hi\r\nBcc: all@example.com".into(),
            ..message()
        })
        .await;
        assert!(mail.is_err() || !mail.unwrap().contains("\r\nBcc:"));
    }

    #[tokio::test]
    async fn rejects_an_invalid_address() {
        let rejected = send(Message {
            to: "zoe".into(),
            ..message()
        })
        .await;
        assert!(matches!(rejected, Err(MailFailure::Rejected(_))));
    }

    #[tokio::test]
    async fn is_unavailable_if_the_folder_cannot_be_written_to() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let mailer = EmlMailer::new(file.path(), "shop@example.com").unwrap();
        assert!(matches!(
            mailer.send(message()).await,
            Err(MailFailure::Unavailable(_))
        ));
    }
}
