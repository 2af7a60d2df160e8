//! German phrases.

use super::money::NumberFormat;
use super::phrases::{Phrase, Phrases};

/// The German phrases.
pub const PHRASES: Phrases = Phrases {
    language: "de",
    number: NumberFormat {
        thousands: '.',
        decimal: ',',
    },
    greeting: "Guten Tag {name},",
    greeting_without_name: "Guten Tag,",
    closing: "Sie erhalten diese Nachricht, weil in unserem Shop etwas geschehen ist. In Ihrem Konto wählen Sie, wovon Sie hören.",
    discount: "Rabatt",
    tax: "Steuer",
    total: "Gesamt",
    welcome: Phrase {
        subject: "Willkommen",
        paragraphs: &["willkommen in unserem Shop: Ihr Konto ist bereit."],
        sms: "Willkommen in unserem Shop: Ihr Konto ist bereit.",
    },
    order_placed: Phrase {
        subject: "Ihre Bestellung {order} ist da",
        paragraphs: &["vielen Dank. Wir haben Ihre Bestellung {order} erhalten:"],
        sms: "Wir haben Ihre Bestellung {order} über {total} erhalten. Vielen Dank.",
    },
    order_paid: Phrase {
        subject: "Ihre Bestellung {order} ist bezahlt",
        paragraphs: &["Ihre Bestellung {order} ist bezahlt, und wir machen sie fertig:"],
        sms: "Ihre Bestellung {order} über {total} ist bezahlt.",
    },
    order_shipped: Phrase {
        subject: "Ihre Bestellung {order} ist unterwegs",
        paragraphs: &["Ihre Bestellung {order} ist unterwegs zu Ihnen:"],
        sms: "Ihre Bestellung {order} ist unterwegs zu Ihnen.",
    },
    order_cancelled: Phrase {
        subject: "Ihre Bestellung {order} wurde storniert",
        paragraphs: &[
            "Ihre Bestellung {order} wurde storniert. Was Sie dafür bezahlt haben, geht dorthin zurück, woher es kam.",
            "Diese Produkte waren darin:",
        ],
        sms: "Ihre Bestellung {order} wurde storniert. Was Sie dafür bezahlt haben, wird erstattet.",
    },
    low_stock: Phrase {
        subject: "{product} wird knapp: noch {onHand}",
        paragraphs: &[
            "vom Produkt {product} ({id}) sind noch {onHand} Stück auf Lager. Der Schwellenwert ist {threshold}.",
        ],
        sms: "{product} wird knapp: noch {onHand}.",
    },
    verification_code: Phrase {
        subject: "Ihr Code",
        paragraphs: &["Ihr Code ist {code}. Er gilt zehn Minuten."],
        sms: "Ihr Code ist {code}. Er gilt zehn Minuten.",
    },
};
