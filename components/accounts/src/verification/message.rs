//! The e-mail with a verification code, in the languages of the shop's other e-mails. This service sends it
//! itself, while the user waits, so that the user learns at once if the address is wrong.

use mercato_ports::mailer::Message;
use mercato_shop::locale::lookup;

/// The texts in one language.
struct Template {
    /// As in BCP 47.
    language: &'static str,
    subject: &'static str,
    /// The texts before and after the code.
    text: [&'static str; 2],
}

const ENGLISH: Template = Template {
    language: "en",
    subject: "Your code",
    text: [
        "Your code is ",
        ". It is valid for ten minutes.\r\n\r\n\
         You did not request it? Then another person mistyped an address, and you can ignore this \
         message.\r\n",
    ],
};

const GERMAN: Template = Template {
    language: "de",
    subject: "Ihr Code",
    text: [
        "Ihr Code ist ",
        ". Er gilt zehn Minuten.\r\n\r\n\
         Haben Sie ihn nicht angefordert? Dann hat sich jemand bei einer Adresse vertippt, und Sie \
         können diese Nachricht ignorieren.\r\n",
    ],
};

/// Composes the message in the language of a locale, or else in English.
pub fn compose(to: &str, locale: Option<&str>, code: &str) -> Message {
    const TEMPLATES: [Template; 2] = [ENGLISH, GERMAN];
    let template = lookup(locale, &TEMPLATES, |template| template.language).unwrap_or(&ENGLISH);
    let [before, after] = template.text;
    Message {
        to: to.into(),
        subject: template.subject.into(),
        text: format!("{before}{code}{after}"),
        html: None,
    }
}
