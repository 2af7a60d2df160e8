//! Preferences of users.

use mercato_shop::notifications::{Kind, Medium, Preference};
use mercato_shop::services::Notifications;
use mercato_shop::testing::{admin, customer, invalid_field};

use crate::shop::shop;

fn choice(kind: Kind, medium: Medium, enabled: bool) -> Preference {
    Preference {
        kind,
        medium,
        enabled,
    }
}

#[test]
fn emails_are_enabled_and_sms_are_disabled_by_default() {
    let shop = shop(&[]);
    let user = shop.user("Ada", "ada@example.com");
    let own = customer(&user);
    let all = shop.notifications.preferences(&own, None).unwrap();
    assert_eq!(all.len(), 10);
    assert!(all.iter().all(|one| one.enabled == (one.medium == Medium::Email)));

    let off = choice(Kind::OrderPlaced, Medium::Email, false);
    let all = shop.choose(&user, off);
    assert!(all.contains(&off));
    assert!(all.contains(&choice(Kind::OrderPaid, Medium::Email, true)));
    let (_, placed) = shop.order(&user);
    shop.handle(&placed).unwrap();
    assert!(shop.ports.take_mails().is_empty() && shop.list().is_empty());

    let on = choice(Kind::OrderPlaced, Medium::Email, true);
    let by_staff = shop
        .notifications
        .set_preferences(&admin(), Some(&user), std::slice::from_ref(&on));
    assert!(by_staff.unwrap().contains(&on));
    shop.handle(&placed).unwrap();
    assert_eq!(shop.ports.take_mails().len(), 1);
}

#[test]
fn concurrent_changes_are_both_kept() {
    let shop = shop(&[]);
    let user = shop.user("Ada", "ada@example.com");
    for kind in [Kind::OrderPaid, Kind::OrderShipped] {
        let (other, same_user) = (shop.clone(), user.clone());
        let theirs = choice(kind, Medium::Sms, true);
        shop.ports
            .before_next_commit(move || drop(other.choose(&same_user, theirs)));
        let mine = choice(kind, Medium::Email, false);
        let all = shop.choose(&user, mine);
        assert!(all.contains(&mine) && all.contains(&theirs));
    }
}

#[test]
fn rejects_kinds_that_cannot_be_disabled() {
    let shop = shop(&[]);
    let own = customer(&shop.user("Ada", "ada@example.com"));
    for kind in [Kind::VerificationCode, Kind::LowStock, Kind::Message] {
        let refused = shop
            .notifications
            .set_preferences(&own, None, &[choice(kind, Medium::Sms, false)]);
        assert_eq!(invalid_field(refused), "preferences[0].kind");
    }
}
