//! Removes old notifications.

use mercato_shop::id;
use mercato_shop::ports::Ports as _;

use crate::shop::shop;

const MESSAGES: &str = "notifications.messages";
const ADA: &str = "ada@example.com";
const DAY: u64 = 24 * 3_600_000;

#[test]
fn notifications_are_removed_after_three_months() {
    let shop = shop(&[]);
    let ids = [("old", 91), ("young", 89)].map(|(key, days)| {
        let id = shop.send_email(ADA, Some(key)).unwrap().id;
        shop.edit(MESSAGES, &id, |body| {
            body["createdAt"] = (id::now() - days * DAY).into()
        });
        id
    });
    let there = || {
        let found = shop.ports.get_many(MESSAGES, &ids).unwrap();
        [found[0].is_some(), found[1].is_some()]
    };
    // Only some insertions remove old documents.
    for _ in 0..500 {
        if !there()[0] {
            break;
        }
        shop.send_email(ADA, None).unwrap();
    }
    assert_eq!(there(), [false, true]);
    drop(shop.ports.take_mails());
    shop.send_email(ADA, Some("young")).unwrap();
    assert_eq!(
        shop.ports.take_mails().len(),
        0,
        "the notification was sent before"
    );
}
