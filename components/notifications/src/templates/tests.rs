//! Renders every kind in every language, by every medium.

use mercato_shop::notifications::Kind;
use mercato_shop::orders::{Amounts, OrderLine, Status};

use super::*;
use crate::occasion::{CodeRequest, LowStock};

fn order(product: &str) -> Order {
    let amounts = Amounts {
        subtotal: 123_450,
        discount: 450,
        tax: 1_000,
        total: 124_000,
    };
    Order {
        id: "0198c0de".into(),
        user_id: "u1".into(),
        lines: vec![OrderLine {
            product_id: "p1".into(),
            name: product.into(),
            quantity: 2,
            unit_price: 61_725,
            amounts,
        }],
        amounts,
        currency: "EUR".into(),
        discount_code: None,
        region: None,
        status: Status::Paid,
        timeline: Vec::new(),
        version: 1,
        created_at: 0,
    }
}

fn order_occasion(kind: Kind) -> Occasion {
    Occasion::Order {
        kind,
        order_id: "0198c0de".into(),
        user_id: "u1".into(),
    }
}

fn occasions(product: &str) -> Vec<Occasion> {
    vec![
        Occasion::Welcome { user_id: "u1".into() },
        order_occasion(Kind::OrderPlaced),
        order_occasion(Kind::OrderPaid),
        order_occasion(Kind::OrderShipped),
        order_occasion(Kind::OrderCancelled),
        Occasion::LowStock(LowStock {
            product_id: "p1".into(),
            name: product.into(),
            on_hand: 2,
            threshold: 3,
        }),
        Occasion::VerificationCode(CodeRequest {
            user_id: "u1".into(),
            verification_id: "v1".into(),
            expires_at: 0,
        }),
    ]
}

fn content(occasion: &Occasion, product: &str, name: Option<&str>, locale: &str, medium: Medium) -> Content {
    let order = occasion.order_id().map(|_| order(product));
    let recipient = Recipient {
        name: name.map(Into::into),
        locale: Some(locale.into()),
        code: Some("123456".into()),
        ..Recipient::default()
    };
    render(occasion, order.as_ref(), &recipient, medium).unwrap()
}

fn email(occasion: &Occasion, product: &str, name: Option<&str>, locale: &str) -> (String, String, String) {
    match content(occasion, product, name, locale, Medium::Email) {
        Content::Email { subject, text, html } => (subject, text, html.unwrap()),
        Content::Sms(_) => panic!("this is an SMS"),
    }
}

#[test]
fn renders_every_kind_in_every_language_by_every_medium() {
    for occasion in occasions("Sock") {
        let mut languages = Vec::new();
        for locale in ["en", "de"] {
            let (subject, text, html) = email(&occasion, "Sock", Some("Ada"), locale);
            let Content::Sms(sms) = content(&occasion, "Sock", Some("Ada"), locale, Medium::Sms) else {
                panic!("this is no SMS");
            };
            for part in [&subject, &text, &html, &sms] {
                assert!(!part.trim().is_empty());
                // No placeholder is left. The styles are inline, so HTML has no braces either.
                assert!(!part.contains(['{', '}']), "{part}");
            }
            assert!(text.contains("Ada") && html.contains("Ada"), "{text}");
            assert!(html.contains(&format!("<html lang=\"{locale}\">")));
            assert!(sms.chars().count() <= 160, "{sms}");
            if occasion.order_id().is_some() {
                assert!(
                    [&subject, &text, &html, &sms]
                        .iter()
                        .all(|part| part.contains("0198c0de"))
                );
                assert!(text.contains("2 × Sock") && html.contains("2 × Sock"));
            }
            languages.push([subject, text, html, sms]);
        }
        let [english, german] = languages.try_into().unwrap();
        let same = english.iter().zip(&german).filter(|(one, other)| one == other);
        assert_eq!(same.count(), 0, "{:?} is not translated", occasion.kind());
    }
}

#[test]
fn formats_the_lines_and_totals_of_an_order_in_the_recipients_language() {
    let (_, text, html) = email(&order_occasion(Kind::OrderPaid), "Sock", None, "de-AT");
    let table =
        "2 × Sock: 1.234,50 EUR\r\nRabatt: -4,50 EUR\r\nSteuer: 10,00 EUR\r\nGesamt: 1.240,00 EUR\r\n";
    assert!(text.contains(table), "{text}");
    assert!(text.starts_with("Guten Tag,\r\n"), "{text}");
    assert!(html.contains(">1.240,00 EUR</td>"), "{html}");
    let (_, text, _) = email(&order_occasion(Kind::OrderPaid), "Sock", None, "en");
    assert!(text.contains("Total: 1,240.00 EUR"), "{text}");
}

#[test]
fn escapes_names_in_html_and_in_headers() {
    let nasty = "<img src=x onerror=\"a\">&'{code}\r\nBcc: eve@example.com";
    for occasion in occasions(nasty) {
        let (subject, _, html) = email(&occasion, nasty, Some(nasty), "en");
        assert!(!subject.contains(['\r', '\n']), "{subject}");
        assert!(!html.contains("<img"), "{html}");
        assert!(
            html.contains("&lt;img src=x onerror=&quot;a&quot;&gt;&amp;&#39;{code}"),
            "{html}"
        );
    }
}
