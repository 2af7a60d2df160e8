//! Amounts in the unit of Stripe's API, which is not always the minor unit of ISO 4217.

use crate::scripted::{Answer, intent, stripe};
use crate::shop::{REFUNDED, Shop};
use mercato_shop::orders::Status;
use mercato_shop::payments::{PaymentStatus, RefundStatus};
use mercato_shop::testing::error_code;
use mercato_shop::types::Error;
use serde_json::{Value, json};

/// Amounts in minor units, and what they are at Stripe.
const AMOUNTS: [(&str, i64, i64); 6] = [
    ("UGX", 5_500, 550_000),
    ("ISK", 2_200, 220_000),
    ("MGA", 1_100, 11),
    ("KWD", 13_570, 13_570),
    ("JPY", 500, 500),
    ("EUR", 1_999, 1_999),
];

fn refunded() -> Answer {
    Ok((200, json!({ "id": "re_1", "status": "succeeded" })))
}

/// Returns the amount in a form.
fn amount(form: &str) -> i64 {
    let mut fields = form_urlencoded::parse(form.as_bytes());
    let (_, amount) = fields.find(|(name, _)| name == "amount").unwrap();
    amount.parse().unwrap()
}

/// Pays an order with a card.
fn paid(shop: &Shop, currency: &str, total: i64) -> String {
    let id = shop.order_in(currency, total);
    assert_eq!(shop.pay(&id, "pm_1").unwrap().status, PaymentStatus::Succeeded);
    id
}

fn invalid(answer: Result<impl std::fmt::Debug, Error>) -> (String, String) {
    match answer {
        Err(Error::Invalid(why)) => (why.field, why.message),
        other => panic!("{other:?}"),
    }
}

#[test]
fn charges_and_refunds_in_the_unit_of_stripe() {
    for (currency, total, at_stripe) in AMOUNTS {
        let (shop, sent) = stripe(vec![intent("succeeded"), refunded(), refunded()]);
        let id = paid(&shop, currency, total);
        assert_eq!(shop.read(&id).status, Status::Paid, "{currency}");
        let part = total / 10 - total / 10 % 100;
        let refunds = if part == 0 {
            vec![total]
        } else {
            vec![part, total - part]
        };
        for refund in &refunds {
            let payment = shop.refund(&id, Some(*refund), None).unwrap();
            assert_eq!(payment.refunds.last().unwrap().amount, *refund, "{currency}");
        }
        let payment = shop.payment(&id);
        assert_eq!((payment.amount, payment.refunded), (total, total), "{currency}");
        assert_eq!(shop.read(&id).status, Status::Refunded, "{currency}");
        let sent: Vec<_> = sent.lock().unwrap().iter().map(|sent| amount(&sent.3)).collect();
        assert_eq!(sent[0], at_stripe, "{currency}");
        assert_eq!(sent[1..].iter().sum::<i64>(), at_stripe, "{currency}");
        assert_eq!(sent[1] * total, refunds[0] * at_stripe, "{currency}");
    }
}

#[test]
fn reads_webhooks_in_the_unit_of_stripe() {
    for (currency, total, at_stripe) in AMOUNTS {
        let (shop, _) = stripe(vec![intent("succeeded")]);
        let id = paid(&shop, currency, total);
        drop(shop.ports.take_events());
        let half = at_stripe / 2;
        let refunded = |amount: i64| json!({ "payment_intent": "pi_1", "amount_refunded": amount });
        let failed = json!({ "id": "re_1", "payment_intent": "pi_1", "amount": half, "status": "failed" });
        shop.webhook_at(1, "evt_1", "charge.refunded", &refunded(half))
            .unwrap();
        let in_minor_units = half * total / at_stripe;
        assert_eq!(shop.payment(&id).refunded, in_minor_units, "{currency}");
        let data: Value = serde_json::from_str(&shop.events(REFUNDED)[0].data).unwrap();
        assert_eq!(
            (&data["amount"], &data["paid"]),
            (&in_minor_units.into(), &total.into())
        );
        shop.webhook_at(2, "evt_2", "refund.failed", &failed).unwrap();
        let payment = shop.payment(&id);
        let refund = payment.refunds.last().unwrap();
        assert_eq!(
            (refund.amount, refund.status),
            (in_minor_units, RefundStatus::Failed)
        );
        assert_eq!(payment.refunded, 0, "{currency}");
        shop.webhook_at(3, "evt_3", "charge.refunded", &refunded(at_stripe))
            .unwrap();
        assert_eq!(shop.payment(&id).refunded, total, "{currency}");
        assert_eq!(shop.read(&id).status, Status::Refunded, "{currency}");
    }
}

#[test]
fn refuses_a_refund_that_stripe_can_not_make() {
    for (currency, total, part, reason) in [
        ("KWD", 13_570, 4, "multiples of 0.010 KWD"),
        ("MGA", 1_100, 150, "multiples of 1.00 MGA"),
    ] {
        let (shop, sent) = stripe(vec![intent("succeeded")]);
        let id = paid(&shop, currency, total);
        let (field, message) = invalid(shop.refund(&id, Some(part), None));
        assert_eq!(field, "amount");
        assert!(message.contains(reason), "{message}");
        assert_eq!(shop.payment(&id).refunds, []);
        assert_eq!(sent.lock().unwrap().len(), 1);
    }
}

#[test]
fn refuses_to_pay_an_order_that_stripe_can_not_charge() {
    let (shop, sent) = stripe(Vec::new());
    let id = shop.order_in("KWD", 13_570);
    // The order was placed when the shop had another payment gateway.
    shop.change("orders.orders", &id, |body| {
        body["lines"][0]["price"] = 13_574.into()
    });
    match shop.pay(&id, "pm_1") {
        Err(Error::InvalidTransition(reason)) => assert!(reason.contains("13.574 KWD"), "{reason}"),
        other => panic!("{other:?}"),
    }
    assert_eq!(sent.lock().unwrap().len(), 0);
}

#[test]
fn answers_with_the_limit_of_stripe() {
    let refuses = |code: &str, message: &str| {
        let error =
            json!({ "type": "invalid_request_error", "code": code, "param": "amount", "message": message });
        Ok((400, json!({ "error": error })))
    };
    let message = "Amount must be no more than $999,999.99";
    let (shop, _) = stripe(vec![refuses("amount_too_large", message), intent("succeeded")]);
    let id = shop.order(100_000_000);
    match shop.pay(&id, "pm_1") {
        Err(Error::PaymentDeclined(reason)) => assert!(reason.contains(message), "{reason}"),
        other => panic!("{other:?}"),
    }
    assert_eq!(shop.payment(&id).status, PaymentStatus::Failed);
    // Stripe may have raised the limit since.
    assert_eq!(shop.pay(&id, "pm_1").unwrap().attempt, 2);

    let unknown =
        json!({ "type": "invalid_request_error", "param": "currency", "message": "Invalid currency: ern" });
    let (shop, _) = stripe(vec![Ok((400, json!({ "error": unknown })))]);
    let id = shop.order_in("ERN", 100);
    assert_eq!(error_code(&shop.pay(&id, "pm_1")), "PAYMENT_DECLINED");
}

#[test]
fn refunds_a_payment_of_an_earlier_version_in_the_unit_in_which_it_was_charged() {
    let (shop, sent) = stripe(vec![intent("succeeded"), refunded()]);
    let id = paid(&shop, "UGX", 5_500);
    shop.change("payments.payments", &id, |body| {
        body.as_object_mut().unwrap().remove("charged").unwrap();
    });
    shop.webhook(
        "evt_1",
        "charge.refunded",
        &json!({ "payment_intent": "pi_1", "amount_refunded": 500 }),
    )
    .unwrap();
    assert_eq!(shop.payment(&id).refunded, 500);
    assert_eq!(shop.refund(&id, None, None).unwrap().refunded, 5_500);
    assert_eq!(amount(&sent.lock().unwrap()[1].3), 5_000);
}
