//! The mailer port over SMTP.

mod address;
mod mailer;

pub use mailer::SmtpMailer;
