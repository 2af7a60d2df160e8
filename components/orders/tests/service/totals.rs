//! Totals of orders with tax and discounts.

use crate::shop::{Shop, code, line, of, shop};
use mercato_shop::currency::MAX_AMOUNT;
use mercato_shop::discounts::Reduction;
use mercato_shop::orders::{Amounts, NewOrder, Order};
use mercato_shop::services::Orders;
use mercato_shop::testing::{customer, error_code};
use mercato_shop::types::{Error, Line};

pub fn place(shop: &Shop, user: &str, product: &str, code: &str) -> Result<Order, Error> {
    let input = NewOrder {
        discount_code: Some(code.into()),
        ..of(&[line(product, 1)])
    };
    shop.orders.place(&customer(user), &input)
}

#[test]
fn adds_up_discount_and_tax_of_the_region() {
    let shop = shop(&[("TAX_RATES", "US-CA=7.25,US=5,DE=19,*=1")]);
    let (a, b) = (shop.product(999, 20), shop.product(1, 20));
    shop.discount(code("ten", Reduction::BasisPoints(1_000)));
    let place = |region: Option<&str>, code: Option<&str>| {
        let input = NewOrder {
            lines: vec![line(&a, 3), line(&b, 2)],
            discount_code: code.map(Into::into),
            region: region.map(Into::into),
        };
        let order = shop.orders.place(&customer("u1"), &input).unwrap();
        assert_eq!(shop.read(&order.id), order);
        let sum = |part: fn(&Amounts) -> i64| order.lines.iter().map(|line| part(&line.amounts)).sum::<i64>();
        let all = order.amounts;
        assert_eq!(
            (all.subtotal, all.discount, all.tax, all.total),
            (
                sum(|one| one.subtotal),
                sum(|one| one.discount),
                sum(|one| one.tax),
                sum(|one| one.total)
            )
        );
        (order.region, all.subtotal, all.discount, all.tax, all.total)
    };
    // 7.25 % of 2,999 is 217.4. After the discount of 299, 7.25 % of 2,700 is 195.75.
    assert_eq!(
        place(Some("us-ca"), None),
        (Some("US-CA".into()), 2_999, 0, 217, 3_216)
    );
    assert_eq!(
        place(Some("US-CA"), Some("Ten")),
        (Some("US-CA".into()), 2_999, 299, 196, 2_896)
    );
    assert_eq!(place(Some("US-NY"), None).3, 150);
    assert_eq!(place(None, None), (None, 2_999, 0, 30, 3_029));
    let wrong = NewOrder {
        region: Some("UK".into()),
        ..of(&[line(&a, 1)])
    };
    assert!(matches!(
        shop.orders.place(&customer("u1"), &wrong),
        Err(Error::Invalid(violation)) if violation.field == "region" && violation.message.contains("GB")
    ));
}

#[test]
fn charges_no_tax_without_rates_and_fails_with_invalid_rates() {
    let untaxed = shop(&[]);
    let id = untaxed.product(1_000, 5);
    let to = |region: &str| NewOrder {
        region: Some(region.into()),
        ..of(&[line(&id, 1)])
    };
    assert_eq!(
        untaxed
            .orders
            .place(&customer("u1"), &to("DE"))
            .unwrap()
            .amounts
            .tax,
        0
    );
    let wrong = shop(&[("TAX_RATES", "DE=19%")]);
    let id = wrong.product(1_000, 5);
    assert_eq!(
        error_code(&wrong.orders.place(&customer("u1"), &of(&[line(&id, 1)]))),
        "INTERNAL"
    );
    assert_eq!(wrong.stock(&id), (5, 0, 0));
}

#[test]
fn an_order_may_cost_the_largest_amount_and_no_more() {
    let shop = shop(&[("TAX_RATES", "DE=0.0001,*=0")]);
    let (most, one) = (shop.product(MAX_AMOUNT, 5), shop.product(1, 5));
    let half = shop.product(MAX_AMOUNT / 500_000, 1_000_000);
    let place = |lines: &[Line], region: Option<&str>| {
        let input = NewOrder {
            region: region.map(Into::into),
            ..of(lines)
        };
        shop.orders.place(&customer("u1"), &input)
    };
    let placed = place(&[line(&most, 1)], None).unwrap();
    assert_eq!(placed.amounts.total, MAX_AMOUNT);
    assert_eq!(shop.read(&placed.id), placed);
    shop.deliver();
    for (lines, region) in [
        (&[line(&most, 1)][..], Some("DE")),
        (&[line(&most, 2)], None),
        (&[line(&most, 1), line(&one, 1)], None),
        (&[line(&half, 1_000_000)], None),
    ] {
        match place(lines, region) {
            Err(Error::Invalid(why)) => {
                assert_eq!(why.field, "products");
                assert!(why.message.contains("9007199254740991"), "{}", why.message);
            }
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(
        (shop.stock(&most), shop.stock(&half)),
        ((4, 0, 1), (1_000_000, 0, 0))
    );
}

#[test]
fn rounds_a_percentage_of_any_amount_down() {
    let shop = shop(&[]);
    let (most, cheap) = (shop.product(MAX_AMOUNT, 1), shop.product(1_000, 9));
    shop.discount(code("PART", Reduction::BasisPoints(620)));
    shop.discount(code("LEAST", Reduction::BasisPoints(1)));
    shop.discount(code("ALL", Reduction::BasisPoints(10_000)));
    for (product, code, discount) in [
        // 6.2 % of 10.00 are 0.62, and 0.01 % of it are 0.001.
        (&cheap, "PART", 62),
        (&cheap, "LEAST", 0),
        (&cheap, "ALL", 1_000),
        (&most, "PART", 558_446_353_793_941),
    ] {
        let order = place(&shop, "u1", product, code).unwrap();
        assert_eq!(order.amounts.discount, discount, "{code}");
    }
}

#[test]
fn an_order_of_500_lines_is_placed() {
    let shop = shop(&[]);
    let products: Vec<_> = (0..501).map(|_| shop.product(3, 9)).collect();
    let lines: Vec<_> = products.iter().map(|id| line(id, 2)).collect();
    let placed = shop.orders.place(&customer("u1"), &of(&lines[..500])).unwrap();
    assert_eq!((placed.lines.len(), placed.amounts.total), (500, 3_000));
    shop.deliver();
    assert_eq!(shop.stock(&products[499]), (7, 0, 2));
    match shop.orders.place(&customer("u1"), &of(&lines)) {
        Err(Error::Invalid(why)) => {
            assert_eq!(
                why.message,
                "`products` must have 1 to 500 lines. This order has 501."
            );
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(shop.stock(&products[500]), (9, 0, 0));
}

#[test]
fn refuses_a_total_that_stripe_can_not_charge() {
    let place = |gateway: &[(&'static str, &str)], currency: &str, price: i64| {
        let shop = shop(gateway);
        let product = shop.product_in(currency, price);
        let answer = shop.orders.place(&customer("u1"), &of(&[line(&product, 1)]));
        let stock = shop.stock(&product);
        assert_eq!(stock.0, if answer.is_ok() { 8 } else { 9 }, "{stock:?}");
        answer.map(|order| order.amounts.total)
    };
    let stripe = [("PAYMENT_GATEWAY", "stripe")];
    for (currency, price, reason) in [
        (
            "KWD",
            13_574,
            "13.574 KWD can't be paid by card. The payment gateway takes only multiples of 0.010 KWD.",
        ),
        (
            "MGA",
            1_150,
            "11.50 MGA can't be paid by card. The payment gateway takes only multiples of 1.00 MGA.",
        ),
    ] {
        match place(&stripe, currency, price) {
            Err(Error::Invalid(why)) => {
                assert_eq!(why.field, "products");
                assert!(why.message.starts_with(reason), "{}", why.message);
            }
            other => panic!("{other:?}"),
        }
        // Another gateway, or a shop without one, takes every amount.
        assert_eq!(place(&[], currency, price), Ok(price));
    }
    for (currency, price) in [("UGX", 5_500), ("ISK", 2_200), ("MGA", 1_100), ("KWD", 13_570)] {
        assert_eq!(place(&stripe, currency, price), Ok(price));
    }
}

#[test]
fn rounds_tax_and_discount_to_what_stripe_can_charge() {
    let amounts = |gateway: &[(&'static str, &str)], currency: &str, price: i64| {
        let mut config = gateway.to_vec();
        config.push(("TAX_RATES", "*=7.25"));
        let shop = shop(&config);
        shop.discount(code("THIRD", Reduction::BasisPoints(3_333)));
        let product = shop.product_in(currency, price);
        let order = place(&shop, "u1", &product, "THIRD").unwrap().amounts;
        (order.discount, order.tax, order.total)
    };
    let stripe = [("PAYMENT_GATEWAY", "stripe")];
    // 33.33 % of 13.570 are 4.522, and 7.25 % of the rest 0.656.
    assert_eq!(amounts(&[], "KWD", 13_570), (4_522, 656, 9_704));
    assert_eq!(amounts(&stripe, "KWD", 13_570), (4_520, 660, 9_710));
    assert_eq!(amounts(&[], "MGA", 1_100), (366, 53, 787));
    assert_eq!(amounts(&stripe, "MGA", 1_100), (300, 100, 900));
}
