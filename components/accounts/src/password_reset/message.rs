//! The e-mail with a link to set a new password, in the languages of the shop's other e-mails.

use mercato_ports::mailer::Message;
use mercato_shop::locale::lookup;
use mercato_shop::settings::text::ResetPage;

/// The texts in one language. `{username}`, `{link}` and `{minutes}` are placeholders.
struct Template {
    /// As in BCP 47.
    language: &'static str,
    subject: &'static str,
    /// The text around a link.
    with_link: &'static str,
    /// The text around a token, where the shop has no page to link to.
    with_token: &'static str,
    closing: &'static str,
}

const ENGLISH: Template = Template {
    language: "en",
    subject: "Set a new password",
    with_link: "Open this link to set a new password for {username}:",
    with_token: "Set a new password for {username} with this token:",
    closing: "It works once, within {minutes} minutes.\r\n\r\n\
        You did not request it? Then you can ignore this message: your password stays as it is.",
};

const GERMAN: Template = Template {
    language: "de",
    subject: "Neues Passwort",
    with_link: "Mit diesem Link setzen Sie ein neues Passwort für {username}:",
    with_token: "Mit diesem Code setzen Sie ein neues Passwort für {username}:",
    closing: "Er gilt einmal und {minutes} Minuten lang.\r\n\r\n\
        Haben Sie ihn nicht angefordert? Dann können Sie diese Nachricht ignorieren: Ihr Passwort bleibt, wie es ist.",
};

/// The contents of the e-mail.
pub struct Mail<'a> {
    pub to: &'a str,
    pub username: &'a str,
    pub locale: Option<&'a str>,
    pub token: &'a str,
    pub page: Option<&'a ResetPage>,
    pub minutes: u64,
}

impl Mail<'_> {
    /// Composes the message in the language of the locale, or else in English.
    pub fn compose(&self) -> Message {
        const TEMPLATES: [Template; 2] = [ENGLISH, GERMAN];
        let template = lookup(self.locale, &TEMPLATES, |template| template.language).unwrap_or(&ENGLISH);
        let (opening, secret) = match self.page {
            Some(page) => (template.with_link, page.link(self.token)),
            None => (template.with_token, self.token.to_owned()),
        };
        let opening = opening.replace("{username}", self.username);
        let closing = template.closing.replace("{minutes}", &self.minutes.to_string());
        Message {
            to: self.to.into(),
            subject: template.subject.into(),
            text: format!("{opening}\r\n\r\n{secret}\r\n\r\n{closing}\r\n"),
            html: None,
        }
    }
}
