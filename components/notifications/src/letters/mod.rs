//! What people are told, in their language: the phrases of a locale around the facts of an occasion, laid out as text, HTML or SMS.

mod de;
mod en;
mod layout;
mod money;
mod phrases;

use mercato_shop::notifications::Medium;
use mercato_shop::orders::Order;
use mercato_shop::types::Error;
use serde::{Deserialize, Serialize};

use crate::events::Occasion;
use layout::{Row, Sheet};
use phrases::{Phrases, fill};

/// Something that can be sent. What it says is not shown.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Letter {
    /// An e-mail; with HTML, that is another form of the text.
    Email {
        subject: String,
        text: String,
        html: Option<String>,
    },
    Sms(String),
}

/// Who reads a letter. Not shown: it may hold a code.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Reader<'a> {
    pub name: Option<&'a str>,
    /// As BCP 47 writes it.
    pub locale: Option<&'a str>,
    /// The text of the code that is for them, where one is.
    pub code: Option<&'a str>,
}

/// The letter that tells of an occasion.
///
/// # Errors
/// [`Error::Internal`] where it tells of an order or of a code, and there is none.
pub fn write(
    occasion: &Occasion,
    order: Option<&Order>,
    reader: Reader<'_>,
    medium: Medium,
) -> Result<Letter, Error> {
    let phrases = phrases::of(reader.locale);
    let phrase = phrases.of_kind(occasion.kind())?;
    let mut facts = vec![("name", reader.name.unwrap_or_default().to_owned())];
    match occasion {
        Occasion::Welcome { .. } => {}
        Occasion::Order { .. } => {
            let order = order.ok_or_else(|| Error::Internal("a letter of an order has no order".into()))?;
            facts.push(("order", order.id.clone()));
            facts.push((
                "total",
                money::written(order.amounts.total, &order.currency, phrases.number),
            ));
        }
        Occasion::LowStock(scarce) => {
            facts.push(("product", scarce.name.clone()));
            facts.push(("id", scarce.product_id.clone()));
            facts.push(("onHand", scarce.on_hand.to_string()));
            facts.push(("threshold", scarce.threshold.to_string()));
        }
        Occasion::Code(_) => {
            let code = reader
                .code
                .ok_or_else(|| Error::Internal("a letter of a code has none".into()))?;
            facts.push(("code", code.to_owned()));
        }
    }
    if medium == Medium::Sms {
        return Ok(Letter::Sms(fill(phrase.sms, &facts)));
    }
    let greeting = match reader.name {
        Some(_) => phrases.greeting,
        None => phrases.greeting_of_nobody,
    };
    let sheet = Sheet {
        language: phrases.language,
        subject: one_line(&fill(phrase.subject, &facts)),
        greeting: fill(greeting, &facts),
        paragraphs: phrase
            .paragraphs
            .iter()
            .map(|paragraph| fill(paragraph, &facts))
            .collect(),
        rows: order.map(|order| rows(order, phrases)).unwrap_or_default(),
        closing: phrases.closing,
    };
    Ok(Letter::Email {
        text: sheet.text(),
        html: Some(sheet.html()),
        subject: sheet.subject,
    })
}

/// What an order is made of, and comes to.
fn rows(order: &Order, phrases: &Phrases) -> Vec<Row> {
    let row = |label: String, amount| Row {
        label,
        amount: money::written(amount, &order.currency, phrases.number),
    };
    let mut rows: Vec<_> = order
        .lines
        .iter()
        .map(|line| {
            row(
                format!("{} × {}", line.quantity, line.name),
                line.amounts.subtotal,
            )
        })
        .collect();
    let amounts = &order.amounts;
    if amounts.discount != 0 {
        rows.push(row(phrases.discount.into(), amounts.discount.saturating_neg()));
    }
    if amounts.tax != 0 {
        rows.push(row(phrases.tax.into(), amounts.tax));
    }
    rows.push(row(phrases.total.into(), amounts.total));
    rows
}

/// What can be the line of a header.
pub fn one_line(text: &str) -> String {
    text.chars()
        .map(|char| if char.is_control() { ' ' } else { char })
        .collect()
}

#[cfg(test)]
mod tests;
