//! The phrases of a language, and their placeholders.

use mercato_shop::notifications::Kind;
use mercato_shop::types::Error;

use super::money::NumberFormat;

/// All phrases of one language. A placeholder is a name in braces, such as `{order}`.
#[derive(Debug)]
pub struct Phrases {
    /// As a BCP 47 tag.
    pub language: &'static str,
    pub number: NumberFormat,
    pub greeting: &'static str,
    pub greeting_without_name: &'static str,
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

/// The phrases of one kind of notification.
#[derive(Debug)]
pub struct Phrase {
    pub subject: &'static str,
    pub paragraphs: &'static [&'static str],
    pub sms: &'static str,
}

impl Phrases {
    /// Returns the phrases of a kind.
    ///
    /// # Errors
    /// [`Error::Internal`] for messages of staff, which have no phrases.
    pub fn of_kind(&self, kind: Kind) -> Result<&Phrase, Error> {
        match kind {
            Kind::Welcome => Ok(&self.welcome),
            Kind::OrderPlaced => Ok(&self.order_placed),
            Kind::OrderPaid => Ok(&self.order_paid),
            Kind::OrderShipped => Ok(&self.order_shipped),
            Kind::OrderCancelled => Ok(&self.order_cancelled),
            Kind::LowStock => Ok(&self.low_stock),
            Kind::VerificationCode => Ok(&self.verification_code),
            Kind::Message => Err(Error::Internal("a message of staff has no phrases".into())),
        }
    }
}

/// Replaces placeholders by facts. Braces within facts, and placeholders without a fact, stay as they are.
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
    use super::fill;

    #[test]
    fn fills_placeholders_once() {
        let facts = [("a", "{b}".to_owned()), ("b", "x".to_owned())];
        assert_eq!(fill("{a}, {b}, {c}, {", &facts), "{b}, x, {c}, {");
    }
}
