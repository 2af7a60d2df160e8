//! Discounts: who may use them, how often, and who manages them.

use std::thread;

use crate::shop::{code, page, shop};
use crate::totals::place;
use mercato_shop::currency::MAX_AMOUNT;
use mercato_shop::discounts::{NewDiscount, Reduction};
use mercato_shop::id;
use mercato_shop::orders::{Order, Status};
use mercato_shop::services::{Discounts, Orders};
use mercato_shop::testing::{admin, customer, error_code};
use mercato_shop::types::{Caller, Error};

/// Returns why a discount code was rejected.
fn refusal(answer: Result<Order, Error>) -> String {
    match answer {
        Err(Error::Invalid(violation)) if violation.field == "discountCode" => violation.message,
        other => panic!("{other:?}"),
    }
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
        ("LARGE", "at least 10.01 USD. The products cost 10.00 USD"),
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
    assert_eq!((shop.used("RUNNING"), shop.used("EARLY")), (1, 0));
}

#[test]
fn never_uses_a_discount_more_often_than_its_limits() {
    let shop = shop(&[]);
    let id = shop.product(10, 100);
    shop.discount(NewDiscount {
        limit: Some(5),
        limit_per_customer: Some(2),
        ..code("FEW", Reduction::BasisPoints(5_000))
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
            refused => {
                let reason = refusal(refused);
                assert!(
                    reason.contains("for 5 orders") || reason.contains("Each customer"),
                    "{reason}"
                );
            }
        }
    }
    assert_eq!((orders.len(), shop.used("FEW")), (5, 5));
    for user in 0..3 {
        assert!(orders.iter().filter(|(one, _)| *one == user).count() <= 2);
    }
    shop.deliver();
    assert_eq!(shop.stock(&id), (95, 0, 5), "rejected orders keep no stock");

    // A cancelled order gives its use back to its customer.
    let (user, cancelled) = &orders[0];
    shop.orders.cancel(&admin(), cancelled, None).unwrap();
    assert_eq!(shop.used("FEW"), 4);
    place(&shop, &format!("u{user}"), &id, "FEW").unwrap();
    assert!(refusal(place(&shop, "u9", &id, "FEW")).contains("was for 5 orders"));
}

#[test]
fn each_customer_uses_a_discount_up_to_its_limit() {
    let shop = shop(&[]);
    let id = shop.product(10, 100);
    shop.discount(NewDiscount {
        limit: Some(9),
        limit_per_customer: Some(3),
        ..code("THREE", Reduction::BasisPoints(5_000))
    });
    let place = |user: &str| place(&shop, user, &id, "THREE");
    let is_used_up = |user| refusal(place(user)).contains("for 3 orders");
    let ordered = ["u1", "u2"].map(|user| [(); 3].map(|()| place(user).unwrap().id));
    assert!(is_used_up("u1") && is_used_up("u2"));
    assert_eq!(shop.used("THREE"), 6);
    for number in [0, 1] {
        shop.orders.cancel(&admin(), &ordered[0][number], None).unwrap();
        assert!(shop.orders.cancel(&admin(), &ordered[0][number], None).is_err());
    }
    assert_eq!(shop.used("THREE"), 4);
    for _ in 0..2 {
        place("u1").unwrap();
    }
    assert!(is_used_up("u1") && is_used_up("u2"));
    for _ in 0..3 {
        place("u3").unwrap();
    }
    assert!(refusal(place("u4")).contains("was for 9 orders"));
}

#[test]
fn commits_a_cancellation_with_its_events_and_the_return_of_its_discount() {
    for commits in 0..3 {
        let shop = shop(&[]);
        let id = shop.product(10, 5);
        shop.discount(NewDiscount {
            limit_per_customer: Some(1),
            ..code("ONCE", Reduction::BasisPoints(5_000))
        });
        let placed = place(&shop, "u1", &id, "ONCE").unwrap();
        drop(shop.ports.take_events());
        shop.ports.stop_after(commits);
        let cancelled = shop.orders.cancel(&admin(), &placed.id, None).is_ok();
        shop.ports.restart();
        assert_eq!(cancelled, commits > 0);
        assert_eq!(shop.read(&placed.id).status == Status::Cancelled, cancelled);
        let events = shop.ports.take_events();
        for kind in ["mercato.orders.order-cancelled", "mercato.orders.audited"] {
            let count = events.iter().filter(|event| event.kind == kind).count();
            assert_eq!(count, usize::from(cancelled), "{kind} after {commits} commits");
        }
        assert_eq!(shop.used("ONCE"), u64::from(!cancelled));
        assert_eq!(place(&shop, "u1", &id, "ONCE").is_ok(), cancelled);
    }
}

#[test]
fn rejects_a_discount_that_is_disabled_during_the_placement() {
    let shop = shop(&[]);
    let id = shop.product(10, 5);
    shop.discount(code("GONE", Reduction::BasisPoints(5_000)));
    // The first commit reserves. Before the second one, which inserts the order, the discount is disabled.
    let other = shop.clone();
    shop.ports.before_next_commit(move || {
        let inner = other.clone();
        other.ports.after_next_commit(move || {
            inner.orders.disable(&admin(), "GONE").unwrap();
        });
    });
    assert!(refusal(place(&shop, "u1", &id, "GONE")).contains("no longer valid"));
    assert_eq!((shop.stock(&id), shop.used("GONE")), ((5, 0, 0), 0));
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
        .create(&admin(), &code("OTHER", Reduction::BasisPoints(500)))
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
    let fine = || code("FINE", Reduction::BasisPoints(1_000));
    let now = id::now();
    for (field, input) in [
        ("code", code("no", Reduction::BasisPoints(100))),
        ("code", code("with space", Reduction::BasisPoints(100))),
        ("code", code("Größe", Reduction::BasisPoints(100))),
        ("percent", code("FINE", Reduction::BasisPoints(0))),
        ("percent", code("FINE", Reduction::BasisPoints(10_001))),
        ("amount", code("FINE", Reduction::Amount(0))),
        ("amount", code("FINE", Reduction::Amount(MAX_AMOUNT + 1))),
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

#[test]
fn reads_discounts_by_their_codes() {
    let shop = shop(&[]);
    shop.discount(code("ten", Reduction::BasisPoints(1_000)));
    let codes = ["NONE".to_owned(), "TEN".to_owned()];
    let found = Discounts::get_many(&shop.orders, &admin(), &codes).unwrap();
    assert_eq!(error_code(&found[0]), "NOT_FOUND");
    assert_eq!(
        found[1].as_ref().unwrap().reduction,
        Reduction::BasisPoints(1_000)
    );
    let refused = Discounts::get_many(&shop.orders, &customer("ada"), &codes);
    assert_eq!(error_code(&refused), "FORBIDDEN");
}
