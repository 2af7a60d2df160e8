//! Renders notifications in the language of their recipient, as text, HTML or SMS.

mod de;
mod en;
mod languages;
mod layout;
mod money;
mod phrases;

use mercato_shop::notifications::Medium;
use mercato_shop::orders::Order;
use mercato_shop::types::Error;

use crate::content::{Content, one_line};
use crate::occasion::Occasion;
use crate::recipient::Recipient;
use layout::{Layout, Row};
use phrases::{Phrases, fill};

/// Renders the notification of an occasion.
///
/// # Errors
/// [`Error::Internal`] if the occasion is about an order or a code, and it is missing.
pub fn render(
    occasion: &Occasion,
    order: Option<&Order>,
    recipient: &Recipient,
    medium: Medium,
) -> Result<Content, Error> {
    let phrases = languages::phrases_for(recipient.locale.as_deref());
    let phrase = phrases.of_kind(occasion.kind())?;
    let facts = facts(occasion, order, recipient, phrases)?;
    if medium == Medium::Sms {
        return Ok(Content::Sms(fill(phrase.sms, &facts)));
    }
    let greeting = match recipient.name {
        Some(_) => phrases.greeting,
        None => phrases.greeting_without_name,
    };
    let paragraphs = phrase.paragraphs.iter();
    let layout = Layout {
        language: phrases.language,
        subject: one_line(&fill(phrase.subject, &facts)),
        greeting: fill(greeting, &facts),
        paragraphs: paragraphs.map(|paragraph| fill(paragraph, &facts)).collect(),
        rows: order.map(|order| rows(order, phrases)).unwrap_or_default(),
        closing: phrases.closing,
    };
    Ok(Content::Email {
        text: layout.text(),
        html: Some(layout.html()),
        subject: layout.subject,
    })
}

/// Returns the values for the placeholders of a phrase.
fn facts(
    occasion: &Occasion,
    order: Option<&Order>,
    recipient: &Recipient,
    phrases: &Phrases,
) -> Result<Vec<(&'static str, String)>, Error> {
    let missing = |what| Error::Internal(format!("a notification about {what} has none"));
    let mut facts = vec![("name", recipient.name.clone().unwrap_or_default())];
    match occasion {
        Occasion::Welcome { .. } => {}
        Occasion::Order { .. } => {
            let order = order.ok_or_else(|| missing("an order"))?;
            let total = money::format(order.amounts.total, &order.currency, phrases.number);
            facts.extend([("order", order.id.clone()), ("total", total)]);
        }
        Occasion::LowStock(low_stock) => facts.extend([
            ("product", low_stock.name.clone()),
            ("id", low_stock.product_id.clone()),
            ("onHand", low_stock.on_hand.to_string()),
            ("threshold", low_stock.threshold.to_string()),
        ]),
        Occasion::VerificationCode(_) => {
            let code = recipient.code.clone().ok_or_else(|| missing("a code"))?;
            facts.push(("code", code));
        }
    }
    Ok(facts)
}

/// Returns the lines and the amounts of an order.
fn rows(order: &Order, phrases: &Phrases) -> Vec<Row> {
    let row = |label: String, amount| Row {
        label,
        amount: money::format(amount, &order.currency, phrases.number),
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

#[cfg(test)]
mod tests;
