//! Totals of orders with tax and discounts, and the limits of discounts.

use std::thread;

use crate::shop::{Shop, code, line, of, page, shop};
use mercato_shop::discounts::{NewDiscount, Reduction};
use mercato_shop::id;
use mercato_shop::orders::{Amounts, NewOrder, Order};
use mercato_shop::services::{Discounts, Orders};
use mercato_shop::testing::{admin, customer, error_code};
use mercato_shop::types::{Caller, Error};

fn place(shop: &Shop, user: &str, product: &str, code: &str) -> Result<Order, Error> {
    let input = NewOrder {
        discount_code: Some(code.into()),
        ..of(&[line(product, 1)])
    };
    shop.orders.place(&customer(user), &input)
}

/// Returns why a discount code was rejected.
fn refusal(answer: Result<Order, Error>) -> String {
    match answer {
        Err(Error::Invalid(violation)) if violation.field == "discountCode" => violation.message,
        other => panic!("{other:?}"),
    }
}

fn used(shop: &Shop, code: &str) -> u64 {
    let list = Discounts::list(&shop.orders, &admin(), &page(100, None)).unwrap();
    let mut found = list.edges.into_iter().map(|edge| edge.discount);
    found.find(|discount| discount.code == code).unwrap().used
}

#[test]
fn adds_up_discount_and_tax_of_the_region() {
    let shop = shop(&[("TAX_RATES", "US-CA=7.25,US=5,DE=19,*=1")]);
    let (a, b) = (shop.product(999, 20), shop.product(1, 20));
    shop.discount(code("ten", Reduction::Percent(10)));
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
        region: Some("Bavaria".into()),
        ..of(&[line(&a, 1)])
    };
    assert!(matches!(
        shop.orders.place(&customer("u1"), &wrong),
        Err(Error::Invalid(violation)) if violation.field == "region"
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
fn rejects_an_order_whose_total_with_tax_is_too_large() {
    let shop = shop(&[("TAX_RATES", "*=19")]);
    let id = shop.product(i64::from(i32::MAX), 5);
    assert!(matches!(
        shop.orders.place(&customer("u1"), &of(&[line(&id, 1)])),
        Err(Error::Invalid(violation)) if violation.field == "products"
    ));
    assert_eq!(shop.stock(&id), (5, 0, 0));
}

#[test]
fn rejects_a_discount_that_can_not_be_used_and_says_why() {
    let shop = shop(&[]);
    let id = shop.product(1_000, 50);
    let now = id::now();
    let amount = |name| code(name, Reduction::Amount(300));
    for input in [
        NewDiscount {
            starts_at: Some(now + 60_000),
            ..amount("EARLY")
        },
        NewDiscount {
            ends_at: Some(now + 60_000),
            ..amount("RUNNING")
        },
        NewDiscount {
            minimum: Some(1_001),
            ..amount("LARGE")
        },
        NewDiscount {
            minimum: Some(1_000),
            ..amount("ENOUGH")
        },
        NewDiscount {
            currency: Some("EUR".into()),
            ..amount("EURO")
        },
        amount("OVER"),
        code("ALL", Reduction::Amount(5_000)),
    ] {
        shop.discount(input);
    }
    shop.orders.disable(&admin(), "over").unwrap();
    for (code, reason) in [
        ("EARLY", "not valid yet"),
        ("LARGE", "at least 1001"),
        ("EURO", "in EUR"),
        ("OVER", "no longer valid"),
        ("NOTHING", "no such"),
        ("", "no such"),
        ("a b", "no such"),
    ] {
        let message = refusal(place(&shop, "u1", &id, code));
        assert!(message.contains(reason), "{code}: {message}");
    }
    assert_eq!(shop.stock(&id), (50, 0, 0));
    for (code, total) in [("RUNNING", 700), ("enough", 700), ("ALL", 0)] {
        let order = place(&shop, "u1", &id, code).unwrap();
        assert_eq!(order.amounts.total, total, "{code}");
        assert_eq!(order.discount_code, Some(code.to_ascii_uppercase()));
    }
    assert_eq!((used(&shop, "RUNNING"), used(&shop, "EARLY")), (1, 0));
}

#[test]
fn never_uses_a_discount_more_often_than_its_limits() {
    let shop = shop(&[]);
    let id = shop.product(10, 100);
    shop.discount(NewDiscount {
        limit: Some(5),
        limit_per_customer: Some(2),
        ..code("FEW", Reduction::Percent(50))
    });
    let tries = thread::scope(|scope| {
        let tries: Vec<_> = (0..24)
            .map(|number| {
                let (shop, id) = (shop.clone(), id.clone());
                scope.spawn(move || (number % 3, place(&shop, &format!("u{}", number % 3), &id, "FEW")))
            })
            .collect();
        tries
            .into_iter()
            .map(|attempt| attempt.join().unwrap())
            .collect::<Vec<_>>()
    });
    let mut orders = Vec::new();
    for (user, answer) in tries {
        match answer {
            Ok(order) => orders.push((user, order.id)),
            refused => assert!(refusal(refused).contains("no uses left")),
        }
    }
    assert_eq!((orders.len(), used(&shop, "FEW")), (5, 5));
    for user in 0..3 {
        assert!(orders.iter().filter(|(one, _)| *one == user).count() <= 2);
    }
    shop.deliver();
    assert_eq!(shop.stock(&id), (95, 0, 5), "rejected orders keep no stock");

    // A cancelled order gives its use back to its customer.
    let (user, cancelled) = &orders[0];
    shop.orders.cancel(&admin(), cancelled, None).unwrap();
    assert_eq!(used(&shop, "FEW"), 4);
    place(&shop, &format!("u{user}"), &id, "FEW").unwrap();
    assert!(refusal(place(&shop, "u9", &id, "FEW")).contains("no uses left"));
}

#[test]
fn rejects_a_discount_that_is_disabled_during_the_placement() {
    let shop = shop(&[]);
    let id = shop.product(10, 5);
    shop.discount(code("GONE", Reduction::Percent(50)));
    // The first commit reserves. Before the second one, which inserts the order, the discount is disabled.
    let other = shop.clone();
    shop.ports.before_next_commit(move || {
        let inner = other.clone();
        other.ports.after_next_commit(move || {
            inner.orders.disable(&admin(), "GONE").unwrap();
        });
    });
    assert!(refusal(place(&shop, "u1", &id, "GONE")).contains("no longer valid"));
    assert_eq!((shop.stock(&id), used(&shop, "GONE")), ((5, 0, 0), 0));
}

#[test]
fn lets_only_admins_manage_discounts() {
    let shop = shop(&[("CURRENCY", "EUR")]);
    let new = || code("spring-26", Reduction::Amount(500));
    for (caller, is_known) in [(Caller::Anonymous, false), (customer("u1"), true)] {
        for refused in [
            shop.orders.create(&caller, &new()).unwrap_err(),
            shop.orders.disable(&caller, "SPRING-26").unwrap_err(),
            Discounts::list(&shop.orders, &caller, &page(1, None)).unwrap_err(),
        ] {
            assert_eq!(matches!(refused, Error::Forbidden(_)), is_known, "{refused:?}");
        }
    }
    let created = shop.orders.create(&Caller::ApiKey, &new()).unwrap();
    assert_eq!(
        (
            created.code.as_str(),
            created.currency.as_deref(),
            created.enabled,
            created.used
        ),
        ("SPRING-26", Some("EUR"), true, 0)
    );
    assert_eq!(error_code(&shop.orders.create(&admin(), &new())), "CONFLICT");
    for _ in 0..2 {
        assert!(!shop.orders.disable(&admin(), " Spring-26").unwrap().enabled);
    }
    assert_eq!(error_code(&shop.orders.disable(&admin(), "AUTUMN")), "NOT_FOUND");
    let second = shop
        .orders
        .create(&admin(), &code("OTHER", Reduction::Percent(5)))
        .unwrap();
    assert_eq!(second.currency, None, "a percentage has no currency");
    let first = Discounts::list(&shop.orders, &admin(), &page(1, None)).unwrap();
    assert!(first.has_next);
    let rest = Discounts::list(
        &shop.orders,
        &admin(),
        &page(9, Some(first.edges[0].cursor.clone())),
    )
    .unwrap();
    let codes: Vec<_> = [first, rest]
        .into_iter()
        .flat_map(|page| page.edges)
        .map(|edge| edge.discount.code)
        .collect();
    assert_eq!(codes.len(), 2);
    assert!(codes.contains(&"OTHER".to_owned()) && codes.contains(&"SPRING-26".to_owned()));
}

#[test]
fn rejects_invalid_terms_of_a_discount() {
    let shop = shop(&[]);
    let fine = || code("FINE", Reduction::Percent(10));
    let now = id::now();
    for (field, input) in [
        ("code", code("no", Reduction::Percent(1))),
        ("code", code("with space", Reduction::Percent(1))),
        ("code", code("Größe", Reduction::Percent(1))),
        ("percent", code("FINE", Reduction::Percent(0))),
        ("percent", code("FINE", Reduction::Percent(101))),
        ("amount", code("FINE", Reduction::Amount(0))),
        ("amount", code("FINE", Reduction::Amount(i64::from(i32::MAX) + 1))),
        (
            "minimum",
            NewDiscount {
                minimum: Some(-1),
                ..fine()
            },
        ),
        (
            "currency",
            NewDiscount {
                currency: Some("usd".into()),
                ..fine()
            },
        ),
        (
            "limit",
            NewDiscount {
                limit: Some(0),
                ..fine()
            },
        ),
        (
            "limitPerCustomer",
            NewDiscount {
                limit_per_customer: Some(0),
                ..fine()
            },
        ),
        (
            "endsAt",
            NewDiscount {
                ends_at: Some(now),
                ..fine()
            },
        ),
        (
            "endsAt",
            NewDiscount {
                starts_at: Some(now + 9_000),
                ends_at: Some(now + 9_000),
                ..fine()
            },
        ),
    ] {
        match shop.orders.create(&admin(), &input) {
            Err(Error::Invalid(violation)) => assert_eq!(violation.field, field),
            other => panic!("{field}: {other:?}"),
        }
    }
}
