//! English.

use super::money::Number;
use super::phrases::{Phrase, Phrases};

/// What is said in English.
pub const PHRASES: Phrases = Phrases {
    language: "en",
    number: Number {
        thousands: ',',
        decimal: '.',
    },
    greeting: "Hello {name},",
    greeting_of_nobody: "Hello,",
    closing: "You get this message because of something that happened in our shop. In your account you choose what you hear of.",
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
        paragraphs: &["your order {order} is paid, and we get it ready:"],
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
            "your order {order} was cancelled. What you have paid for it goes back to where it came from.",
            "These products were in it:",
        ],
        sms: "Your order {order} was cancelled. What you have paid for it is given back.",
    },
    low_stock: Phrase {
        subject: "{product} runs low: {onHand} left",
        paragraphs: &[
            "of the product {product} ({id}) there are {onHand} pieces on hand. You wanted to hear of it from {threshold} on.",
        ],
        sms: "{product} runs low: {onHand} left.",
    },
    verification_code: Phrase {
        subject: "Your code",
        paragraphs: &["your code is {code}. It is good for ten minutes."],
        sms: "Your code is {code}. It is good for ten minutes.",
    },
};
