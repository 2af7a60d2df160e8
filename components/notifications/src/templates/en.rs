//! English phrases.

use super::money::NumberFormat;
use super::phrases::{Phrase, Phrases};

/// The English phrases.
pub const PHRASES: Phrases = Phrases {
    language: "en",
    number: NumberFormat {
        thousands: ',',
        decimal: '.',
    },
    greeting: "Hello {name},",
    greeting_without_name: "Hello,",
    closing: "You receive this message because of an event in our shop. You can choose your notifications in your account.",
    discount: "Discount",
    tax: "Tax",
    total: "Total",
    welcome: Phrase {
        subject: "Welcome",
        paragraphs: &["welcome to our shop: your account is ready."],
        sms: "Welcome to our shop: your account is ready.",
    },
    order_placed: Phrase {
        subject: "We have your order {order}",
        paragraphs: &["thank you. We have your order {order}:"],
        sms: "We have your order {order} of {total}. Thank you.",
    },
    order_paid: Phrase {
        subject: "Your order {order} is paid",
        paragraphs: &["your order {order} is paid, and we are preparing it:"],
        sms: "Your order {order} of {total} is paid.",
    },
    order_shipped: Phrase {
        subject: "Your order {order} is on its way",
        paragraphs: &["your order {order} is on its way to you:"],
        sms: "Your order {order} is on its way to you.",
    },
    order_cancelled: Phrase {
        subject: "Your order {order} was cancelled",
        paragraphs: &[
            "your order {order} was cancelled. Your payment is refunded the same way that you paid.",
            "The order contained:",
        ],
        sms: "Your order {order} was cancelled. Your payment is refunded.",
    },
    low_stock: Phrase {
        subject: "{product} runs low: {onHand} left",
        paragraphs: &[
            "the product {product} ({id}) has {onHand} units on hand. Its low-stock threshold is {threshold}.",
        ],
        sms: "{product} runs low: {onHand} left.",
    },
    verification_code: Phrase {
        subject: "Your code",
        paragraphs: &["your code is {code}. It is valid for ten minutes."],
        sms: "Your code is {code}. It is valid for ten minutes.",
    },
};
