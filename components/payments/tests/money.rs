//! Money from end to end: whatever an order is made of and however it is given back, the cents add up at the shop and at Stripe.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs,
    reason = "tests"
)]

mod shop;

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use fastrand::Rng;
use mercato_ports::http_client::{Request, Response};
use mercato_shop::catalog::{NewProduct, ProductDetails};
use mercato_shop::discounts::{NewDiscount, Reduction};
use mercato_shop::orders::{Amounts, NewOrder, Order, Status};
use mercato_shop::services::{Catalog, Discounts, Orders};
use mercato_shop::testing::{admin, customer};
use mercato_shop::types::Line;
use serde_json::json;
use shop::{STRIPE, Shop, shop};

/// A Stripe that keeps what it has taken and given back, by the id of its PaymentIntent, and does no request twice that has the same key.
#[derive(Default)]
struct Till {
    taken: HashMap<String, i64>,
    given: HashMap<String, i64>,
    known: HashMap<String, String>,
}

impl Till {
    fn answer(&mut self, request: &Request) -> String {
        let key = request
            .headers
            .iter()
            .find(|header| header.name == "idempotency-key");
        let key = String::from_utf8(key.unwrap().value.clone()).unwrap();
        if let Some(answer) = self.known.get(&key) {
            return answer.clone();
        }
        let form: HashMap<_, _> = form_urlencoded::parse(&request.body).into_owned().collect();
        let amount: i64 = form["amount"].parse().unwrap();
        assert!(amount > 0, "Stripe takes no {amount}");
        let id = if request.url.ends_with("/refunds") {
            let intent = form["payment_intent"].clone();
            *self.given.entry(intent.clone()).or_default() += amount;
            assert!(
                self.given[&intent] <= self.taken[&intent],
                "never more than was taken"
            );
            format!("re_{key}")
        } else {
            let intent = format!("pi_{}", form["metadata[order_id]"]);
            assert_eq!(
                self.taken.insert(intent.clone(), amount),
                None,
                "it is taken once"
            );
            intent
        };
        let answer = json!({ "id": id, "status": "succeeded" }).to_string();
        self.known.insert(key, answer.clone());
        answer
    }
}

fn till(shop: &Shop) -> Arc<Mutex<Till>> {
    let till = Arc::new(Mutex::new(Till::default()));
    let kept = Arc::clone(&till);
    shop.ports.serve(move |request| {
        Ok(Response {
            status: 200,
            headers: Vec::new(),
            body: kept.lock().unwrap().answer(request).into_bytes(),
        })
    });
    till
}

/// An order of some lines, with tax and with one of the codes, or without.
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
                product_id: shop.catalog.create(&admin(), input).unwrap().id,
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

/// Whether lines and sums of an order add up, and nothing is less than nothing.
fn adds_up(order: &Order) {
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
fn what_is_paid_and_given_back_adds_up_to_what_the_lines_come_to() {
    let mut random = Rng::with_seed(20_261_121);
    let mut config = STRIPE.to_vec();
    config.push(("TAX_RATES", "DE=19,US-CA=7.25,*=0.333"));
    let shop = shop(&config);
    let till = till(&shop);
    for discount in [
        code("THIRD", Reduction::Percent(33)),
        code("MUCH", Reduction::Amount(777)),
        code("ALL", Reduction::Percent(100)),
    ] {
        shop.orders.create(&admin(), discount).unwrap();
    }
    let mut free = 0;
    for _ in 0..150 {
        let order = order(&shop, &mut random);
        adds_up(&order);
        let total = order.amounts.total;
        let paid = shop.pay(&order.id, "pm_card_visa").unwrap();
        assert_eq!((paid.amount, paid.refunded), (total, 0));
        assert_eq!(shop.read(&order.id).status, Status::Paid);
        let intent = format!("pi_{}", order.id);
        if total == 0 {
            assert_eq!(
                till.lock().unwrap().taken.get(&intent),
                None,
                "nothing is not asked for"
            );
            free += 1;
            continue;
        }
        assert_eq!(till.lock().unwrap().taken[&intent], total);
        let mut left = total;
        for number in 0..random.u32(0..8) {
            let (amount, key) = (random.i64(1..=total), format!("part {number}"));
            let fits = amount <= left;
            // Who asks twice with one key is given back once.
            for _ in 0..random.u32(1..3) {
                let answer = shop.refund(&order.id, Some(amount), Some(&key));
                assert_eq!(answer.is_ok(), fits, "{amount} of {left} that are left");
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
        assert_eq!(till.lock().unwrap().given[&intent], total, "to the cent");
        assert_eq!(shop.read(&order.id).status, Status::Refunded);
    }
    assert!(free > 5, "some of them should be free: {free}");
}
