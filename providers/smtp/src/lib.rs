//! The port `mailer` over SMTP.

mod address;
mod mailer;

pub use mailer::SmtpMailer;
