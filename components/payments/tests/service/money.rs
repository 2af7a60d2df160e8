//! Random orders, payments and refunds: the amounts add up at the shop and at Stripe.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use crate::shop::{STRIPE, Shop, shop};
use fastrand::Rng;
use mercato_ports::http_client::{Request, Response};
use mercato_shop::catalog::{NewProduct, ProductDetails};
use mercato_shop::discounts::{NewDiscount, Reduction};
use mercato_shop::orders::{Amounts, NewOrder, Order, Status};
use mercato_shop::services::{Catalog, Discounts, Orders};
use mercato_shop::testing::{admin, customer};
use mercato_shop::types::Line;
use serde_json::json;

/// A fake Stripe. It records payments and refunds by the id of the PaymentIntent, and executes each
/// idempotency key once.
#[derive(Default)]
struct FakeStripe {
    paid: HashMap<String, i64>,
    refunded_at_stripe: HashMap<String, i64>,
    answers: HashMap<String, String>,
}

impl FakeStripe {
    fn answer(&mut self, request: &Request) -> String {
        let key = request
            .headers
            .iter()
            .find(|header| header.name == "idempotency-key");
        let key = String::from_utf8(key.unwrap().value.clone()).unwrap();
        if let Some(answer) = self.answers.get(&key) {
            return answer.clone();
        }
        let form: HashMap<_, _> = form_urlencoded::parse(&request.body).into_owned().collect();
        let amount: i64 = form["amount"].parse().unwrap();
        assert!(amount > 0, "Stripe accepts no payment of {amount}");
        let id = if request.url.ends_with("/refunds") {
            let intent = form["payment_intent"].clone();
            *self.refunded_at_stripe.entry(intent.clone()).or_default() += amount;
            assert!(
                self.refunded_at_stripe[&intent] <= self.paid[&intent],
                "refunds never exceed the payment"
            );
            format!("re_{key}")
        } else {
            let intent = format!("pi_{}", form["metadata[order_id]"]);
            assert_eq!(
                self.paid.insert(intent.clone(), amount),
                None,
                "each order is paid once"
            );
            intent
        };
        let answer = json!({ "id": id, "status": "succeeded" }).to_string();
        self.answers.insert(key, answer.clone());
        answer
    }
}

fn fake_stripe(shop: &Shop) -> Arc<Mutex<FakeStripe>> {
    let stripe = Arc::new(Mutex::new(FakeStripe::default()));
    let kept = Arc::clone(&stripe);
    shop.ports.serve(move |request| {
        Ok(Response {
            status: 200,
            headers: Vec::new(),
            body: kept.lock().unwrap().answer(request).into_bytes(),
        })
    });
    stripe
}

/// Places an order of random lines, in a random region, with or without a discount.
fn order(shop: &Shop, random: &mut Rng) -> Order {
    let count = random.usize(1..6);
    let lines: Vec<_> = (0..count)
        .map(|number| {
            let quantity = random.u32(1..4);
            let most = [10, 1_000, 1_000_000][random.usize(0..3)];
            let input = NewProduct {
                name: format!("Sock {number}"),
                description: None,
                manufacturer: None,
                external_id: None,
                price: random.i64(0..most),
                currency: None,
                quantity: quantity.into(),
                details: ProductDetails::default(),
            };
            Line {
                product_id: shop.catalog.create(&admin(), &input).unwrap().id,
                quantity,
            }
        })
        .collect();
    let codes = [None, Some("THIRD"), Some("MUCH"), Some("ALL")];
    let regions = [None, Some("DE"), Some("US-CA"), Some("JP")];
    let input = NewOrder {
        lines,
        discount_code: codes[random.usize(0..codes.len())].map(Into::into),
        region: regions[random.usize(0..regions.len())].map(Into::into),
    };
    shop.orders.place(&customer("u1"), &input).unwrap()
}

fn code(code: &str, reduction: Reduction) -> NewDiscount {
    NewDiscount {
        code: code.into(),
        reduction,
        currency: None,
        minimum: None,
        limit: None,
        limit_per_customer: None,
        starts_at: None,
        ends_at: None,
    }
}

/// Asserts that the lines of an order add up to its amounts, and that no amount is negative.
fn assert_adds_up(order: &Order) {
    let sum = |part: fn(&Amounts) -> i64| order.lines.iter().map(|line| part(&line.amounts)).sum::<i64>();
    let all = &order.amounts;
    assert_eq!(
        [all.subtotal, all.discount, all.tax, all.total],
        [
            sum(|one| one.subtotal),
            sum(|one| one.discount),
            sum(|one| one.tax),
            sum(|one| one.total)
        ]
    );
    for one in order.lines.iter().map(|line| &line.amounts).chain([all]) {
        assert_eq!(one.total, one.subtotal - one.discount + one.tax);
        assert!(
            one.discount >= 0 && one.tax >= 0 && one.discount <= one.subtotal,
            "{one:?}"
        );
    }
}

#[test]
fn adds_up_payments_and_refunds_to_the_lines_of_the_order() {
    let mut random = Rng::with_seed(20_261_121);
    let mut config = STRIPE.to_vec();
    config.push(("TAX_RATES", "DE=19,US-CA=7.25,*=0.333"));
    let shop = shop(&config);
    let stripe = fake_stripe(&shop);
    for discount in [
        code("THIRD", Reduction::BasisPoints(3_300)),
        code("MUCH", Reduction::Amount(777)),
        code("ALL", Reduction::BasisPoints(10_000)),
    ] {
        shop.orders.create(&admin(), &discount).unwrap();
    }
    let mut free = 0;
    for _ in 0..150 {
        let order = order(&shop, &mut random);
        assert_adds_up(&order);
        let total = order.amounts.total;
        let paid = shop.pay(&order.id, "pm_card_visa").unwrap();
        assert_eq!((paid.amount, paid.refunded), (total, 0));
        assert_eq!(shop.read(&order.id).status, Status::Paid);
        let intent = format!("pi_{}", order.id);
        if total == 0 {
            assert_eq!(
                stripe.lock().unwrap().paid.get(&intent),
                None,
                "Stripe is not asked for a payment of 0"
            );
            free += 1;
            continue;
        }
        assert_eq!(stripe.lock().unwrap().paid[&intent], total);
        let mut left = total;
        for number in 0..random.u32(0..8) {
            let (amount, key) = (random.i64(1..=total), format!("part {number}"));
            let fits = amount <= left;
            // Requests with one key make one refund.
            for _ in 0..random.u32(1..3) {
                let answer = shop.refund(&order.id, Some(amount), Some(&key));
                assert_eq!(answer.is_ok(), fits, "{amount} of {left}");
            }
            left -= if fits { amount } else { 0 };
            assert_eq!(shop.payment(&order.id).refunded, total - left);
        }
        shop.deliver();
        if left > 0 {
            assert_eq!(shop.read(&order.id).status, Status::Paid);
            assert_eq!(shop.refund(&order.id, None, None).unwrap().refunded, total);
        }
        shop.deliver();
        assert_eq!(
            stripe.lock().unwrap().refunded_at_stripe[&intent],
            total,
            "all of the payment is refunded"
        );
        assert_eq!(shop.read(&order.id).status, Status::Refunded);
    }
    assert!(free > 5, "some of them should be free: {free}");
}
