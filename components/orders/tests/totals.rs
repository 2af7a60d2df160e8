//! What an order comes to, with tax and discount codes; and that no code is used more often than it is good for.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs,
    reason = "tests"
)]

mod shop;

use std::thread;

use mercato_shop::discounts::{NewDiscount, Reduction};
use mercato_shop::id;
use mercato_shop::orders::{Amounts, NewOrder, Order};
use mercato_shop::services::{Discounts, Orders};
use mercato_shop::testing::{admin, customer};
use mercato_shop::types::{Caller, Error};
use shop::{Shop, code, line, of, page, shop};

fn place(shop: &Shop, user: &str, product: &str, code: &str) -> Result<Order, Error> {
    let input = NewOrder {
        discount_code: Some(code.into()),
        ..of(&[line(product, 1)])
    };
    shop.orders.place(&customer(user), &input)
}

/// What a refused code says.
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
fn an_order_adds_up_with_its_discount_and_the_tax_of_its_region() {
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
    // 2,999; 7.25 % of it are 217.4, of 2,700 after the discount of 299.9 they are 195.75.
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
fn without_rates_there_is_no_tax_and_wrong_rates_are_the_shops_own_fault() {
    let shop = shop::shop(&[]);
    let id = shop.product(1_000, 5);
    let to = |region: &str| NewOrder {
        region: Some(region.into()),
        ..of(&[line(&id, 1)])
    };
    assert_eq!(
        shop.orders.place(&customer("u1"), &to("DE")).unwrap().amounts.tax,
        0
    );
    let wrong = shop::shop(&[("TAX_RATES", "DE=19%")]);
    let id = wrong.product(1_000, 5);
    assert!(matches!(
        wrong.orders.place(&customer("u1"), &of(&[line(&id, 1)])),
        Err(Error::Internal(_))
    ));
    assert_eq!(wrong.stock(&id), (5, 0, 0));
}

#[test]
fn an_order_that_tax_makes_too_large_is_refused_and_takes_nothing() {
    let shop = shop(&[("TAX_RATES", "*=19")]);
    let id = shop.product(i64::from(i32::MAX), 5);
    assert!(matches!(
        shop.orders.place(&customer("u1"), &of(&[line(&id, 1)])),
        Err(Error::Invalid(violation)) if violation.field == "products"
    ));
    assert_eq!(shop.stock(&id), (5, 0, 0));
}

#[test]
fn a_code_that_is_no_good_for_an_order_says_why_and_nothing_is_taken() {
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
fn of_many_orders_at_once_no_more_use_a_code_than_it_is_good_for() {
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
            refused => assert!(refusal(refused).contains("used as often")),
        }
    }
    assert_eq!((orders.len(), used(&shop, "FEW")), (5, 5));
    for user in 0..3 {
        assert!(orders.iter().filter(|(one, _)| *one == user).count() <= 2);
    }
    shop.deliver();
    assert_eq!(
        shop.stock(&id),
        (95, 0, 5),
        "refused orders have given back what they took"
    );

    // A cancelled order gives its use back, to its own customer.
    let (user, cancelled) = &orders[0];
    shop.orders.cancel(&admin(), cancelled, None).unwrap();
    assert_eq!(used(&shop, "FEW"), 4);
    place(&shop, &format!("u{user}"), &id, "FEW").unwrap();
    assert!(refusal(place(&shop, "u9", &id, "FEW")).contains("used as often"));
}

#[test]
fn an_order_on_its_way_does_not_use_a_code_that_was_disabled_meanwhile() {
    let shop = shop(&[]);
    let id = shop.product(10, 5);
    shop.discount(code("GONE", Reduction::Percent(50)));
    // The first commit reserves; before the second, which inserts the order, the code is disabled.
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
fn codes_are_managed_by_those_who_keep_the_shop() {
    let shop = shop(&[("CURRENCY", "EUR")]);
    let new = || code("spring-26", Reduction::Amount(500));
    for (who, known) in [(Caller::Anonymous, false), (customer("u1"), true)] {
        for refused in [
            shop.orders.create(&who, new()).unwrap_err(),
            shop.orders.disable(&who, "SPRING-26").unwrap_err(),
            Discounts::list(&shop.orders, &who, &page(1, None)).unwrap_err(),
        ] {
            assert_eq!(matches!(refused, Error::Forbidden(_)), known, "{refused:?}");
        }
    }
    let created = shop.orders.create(&Caller::ApiKey, new()).unwrap();
    assert_eq!(
        (
            created.code.as_str(),
            created.currency.as_deref(),
            created.enabled,
            created.used
        ),
        ("SPRING-26", Some("EUR"), true, 0)
    );
    assert!(matches!(
        shop.orders.create(&admin(), new()),
        Err(Error::Conflict(_))
    ));
    for _ in 0..2 {
        assert!(!shop.orders.disable(&admin(), " Spring-26").unwrap().enabled);
    }
    assert!(matches!(
        shop.orders.disable(&admin(), "AUTUMN"),
        Err(Error::NotFound(_))
    ));
    let second = shop
        .orders
        .create(&admin(), code("OTHER", Reduction::Percent(5)))
        .unwrap();
    assert_eq!(second.currency, None, "a percentage is good for any currency");
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
fn a_code_outside_its_bounds_is_refused_for_its_field() {
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
        match shop.orders.create(&admin(), input) {
            Err(Error::Invalid(violation)) => assert_eq!(violation.field, field),
            other => panic!("{field}: {other:?}"),
        }
    }
}
