//! Messages that are over go by and by.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, missing_docs, reason = "tests")]

mod shop;

use mercato_shop::id;
use mercato_shop::notifications::{Email, Notification};
use mercato_shop::ports::Ports as _;
use mercato_shop::services::Notifications;
use mercato_shop::types::Caller;
use shop::{Shop, shop};

const MESSAGES: &str = "notifications.messages";
const DAY: u64 = 24 * 3_600_000;

fn send(shop: &Shop, key: Option<&str>) -> Notification {
    let email = Email {
        to: "ada@example.com".into(),
        subject: "News".into(),
        text: "There is news.".into(),
        html: None,
        idempotency_key: key.map(Into::into),
    };
    shop.notifications.send_email(&Caller::ApiKey, &email).unwrap()
}

#[test]
fn messages_go_after_three_months() {
    let shop = shop(&[]);
    let kept = [("old", 91), ("young", 89)].map(|(key, days)| {
        let id = send(&shop, Some(key)).id;
        shop.edit(MESSAGES, &id, |body| {
            body["createdAt"] = (id::now() - days * DAY).into()
        });
        id
    });
    let there = || {
        let found = shop.ports.get_many(MESSAGES, &kept).unwrap();
        [found[0].is_some(), found[1].is_some()]
    };
    // One in so many messages looks for them.
    for _ in 0..500 {
        if !there()[0] {
            break;
        }
        send(&shop, None);
    }
    assert_eq!(there(), [false, true]);
    drop(shop.ports.take_mails());
    send(&shop, Some("young"));
    assert_eq!(shop.ports.take_mails().len(), 0, "it is known that it was sent");
}
