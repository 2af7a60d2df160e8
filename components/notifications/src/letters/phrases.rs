//! What is said in a language, which language a reader gets, and how facts come into phrases.

use mercato_shop::locale::lookup;
use mercato_shop::notifications::Kind;
use mercato_shop::types::Error;

use super::money::Number;
use super::{de, en};

/// All that is said in one language. A text names its facts in braces, such as `{order}`.
#[derive(Debug)]
pub struct Phrases {
    /// As BCP 47 writes it.
    pub language: &'static str,
    pub number: Number,
    pub greeting: &'static str,
    pub greeting_of_nobody: &'static str,
    pub closing: &'static str,
    pub discount: &'static str,
    pub tax: &'static str,
    pub total: &'static str,
    pub welcome: Phrase,
    pub order_placed: Phrase,
    pub order_paid: Phrase,
    pub order_shipped: Phrase,
    pub order_cancelled: Phrase,
    pub low_stock: Phrase,
    pub verification_code: Phrase,
}

/// What is said of one kind of occasion.
#[derive(Debug)]
pub struct Phrase {
    pub subject: &'static str,
    pub paragraphs: &'static [&'static str],
    pub sms: &'static str,
}

/// The languages; the first one is for everybody else.
const ALL: [&Phrases; 2] = [&en::PHRASES, &de::PHRASES];

/// The phrases for a reader: those nearest to the locale, or English.
pub fn of(locale: Option<&str>) -> &'static Phrases {
    let [english, ..] = ALL;
    lookup(locale, &ALL, |phrases| phrases.language)
        .copied()
        .unwrap_or(english)
}

impl Phrases {
    /// What is said of a kind of occasion.
    ///
    /// # Errors
    /// [`Error::Internal`] for what somebody writes by hand.
    pub fn of_kind(&self, kind: Kind) -> Result<&Phrase, Error> {
        match kind {
            Kind::Welcome => Ok(&self.welcome),
            Kind::OrderPlaced => Ok(&self.order_placed),
            Kind::OrderPaid => Ok(&self.order_paid),
            Kind::OrderShipped => Ok(&self.order_shipped),
            Kind::OrderCancelled => Ok(&self.order_cancelled),
            Kind::LowStock => Ok(&self.low_stock),
            Kind::VerificationCode => Ok(&self.verification_code),
            Kind::Message => Err(Error::Internal("a message of somebody's has no phrases".into())),
        }
    }
}

/// Puts facts where a text names them. What a fact says is not looked at again; a name without a fact stays.
pub fn fill(text: &str, facts: &[(&str, String)]) -> String {
    let mut filled = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        filled.push_str(before);
        let fact = after.split_once('}').and_then(|(name, behind)| {
            let found = facts.iter().find(|(fact, _)| *fact == name);
            found.map(|(_, value)| (value, behind))
        });
        match fact {
            Some((value, behind)) => {
                filled.push_str(value);
                rest = behind;
            }
            None => {
                filled.push('{');
                rest = after;
            }
        }
    }
    filled.push_str(rest);
    filled
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reader_gets_the_nearest_language_there_is() {
        for (locale, language) in [
            (Some("de"), "de"),
            (Some("de-AT"), "de"),
            (Some("DE-Latn-AT"), "de"),
            (Some("en-GB"), "en"),
            (Some("fr-CA"), "en"),
            (Some(""), "en"),
            (Some("d"), "en"),
            (None, "en"),
        ] {
            assert_eq!(of(locale).language, language, "{locale:?}");
        }
    }

    #[test]
    fn facts_are_put_in_once() {
        let facts = [("a", "{b}".to_owned()), ("b", "x".to_owned())];
        assert_eq!(fill("{a}, {b}, {c}, {", &facts), "{b}, x, {c}, {");
    }
}
