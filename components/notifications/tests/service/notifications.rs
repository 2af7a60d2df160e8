//! Lists and retries notifications.

use mercato_ports::events::HandlerFailure;
use mercato_shop::notifications::{Kind, Medium, NotificationFilter, NotificationStatus as Status};
use mercato_shop::services::Notifications;
use mercato_shop::testing::{admin, customer};
use mercato_shop::types::{Caller, Error, Page};

use crate::shop::{NO_FILTER, email, shop};

#[test]
fn customers_see_only_their_own_notifications_and_preferences() {
    let shop = shop(&[]);
    let (ada, bob) = (
        shop.user("Ada", "ada@example.com"),
        shop.user("Bob", "bob@example.com"),
    );
    for user in [&ada, &bob] {
        let (_, placed) = shop.order(user);
        shop.handle(&placed).unwrap();
    }
    drop(shop.ports.take_mails());
    let own = customer(&ada);
    let of = |user: &str| NotificationFilter {
        user_id: Some(user.into()),
        ..NO_FILTER
    };
    assert_eq!(shop.list().len(), 2);
    let seen = shop.list_by(&own, NO_FILTER);
    assert_eq!((seen.len(), seen[0].user_id.as_deref()), (1, Some(ada.as_str())));
    assert_eq!(shop.list_by(&admin(), of(&bob)).len(), 1);
    let page = Page::first(1, None);
    let service = &shop.notifications;
    let forbidden = |error: Option<Error>| matches!(error, Some(Error::Forbidden(_)));
    assert!(forbidden(service.list(&own, &of(&bob), &page).err()));
    assert!(forbidden(service.preferences(&own, Some(&bob)).err()));
    assert!(forbidden(service.preferences(&Caller::ApiKey, None).err()));
    assert!(forbidden(service.set_preferences(&own, Some(&bob), &[]).err()));
    assert!(forbidden(
        service.send_email(&own, &email("a@example.com", None)).err()
    ));
    assert!(forbidden(service.retry(&own, &seen[0].id).err()));
    let nobody = service.list(&Caller::Anonymous, &NO_FILTER, &page);
    assert!(matches!(nobody, Err(Error::Unauthenticated(_))));
    let stranger = service.preferences(&admin(), Some("nobody"));
    assert!(matches!(stranger, Err(Error::NotFound(_))));
    assert!(shop.ports.take_mails().is_empty());
}

#[test]
fn lists_by_pages_and_filters_the_newest_first() {
    let shop = shop(&[]);
    let (ada, eve) = (
        shop.user("Ada", "ada@example.com"),
        shop.user("Eve", "eve@rejected.example"),
    );
    for user in [&ada, &eve, &ada] {
        let (_, placed) = shop.order(user);
        shop.handle(&placed).unwrap();
    }
    let all: Vec<_> = shop.list().into_iter().map(|one| one.id).collect();
    let mut paged = Vec::new();
    let mut page = Page::first(2, None);
    loop {
        let part = shop
            .notifications
            .list(&Caller::ApiKey, &NO_FILTER, &page)
            .unwrap();
        page.after = part.edges.last().map(|edge| edge.cursor.clone());
        paged.extend(part.edges.into_iter().map(|edge| edge.notification.id));
        if !part.has_next {
            break;
        }
    }
    assert_eq!((paged.len(), paged), (3, all));
    let failed = NotificationFilter {
        status: Some(Status::Failed),
        kind: Some(Kind::OrderPlaced),
        medium: Some(Medium::Email),
        user_id: None,
    };
    let failed = shop.list_by(&Caller::ApiKey, failed);
    assert_eq!(
        (failed.len(), failed[0].user_id.as_deref()),
        (1, Some(eve.as_str()))
    );
}

#[test]
fn staff_retry_a_failed_notification() {
    let shop = shop(&[]);
    let user = shop.user("Ada", "ada@rejected.example");
    let (_, placed) = shop.order(&user);
    shop.handle(&placed).unwrap();
    let id = shop.list()[0].id.clone();
    let again = shop.notifications.retry(&admin(), &id).unwrap();
    assert_eq!((again.status, again.attempts), (Status::Failed, 2));
    shop.set_email(&user, "ada@unavailable.example");
    assert_eq!(
        shop.notifications.retry(&admin(), &id).unwrap().status,
        Status::Waiting
    );
    assert!(matches!(shop.handle(&placed), Err(HandlerFailure::Retry(_))));
    shop.set_email(&user, "ada@example.com");
    let sent = shop.notifications.retry(&admin(), &id).unwrap();
    assert_eq!(
        (sent.status, sent.version),
        (Status::Sent, shop.list()[0].version)
    );
    assert!(shop.ports.take_mails()[0].text.contains("2 × Sock"));
    assert!(matches!(
        shop.notifications.retry(&admin(), &id),
        Err(Error::InvalidTransition(_))
    ));
    assert!(matches!(
        shop.notifications.retry(&admin(), "lost"),
        Err(Error::NotFound(_))
    ));
}

#[test]
fn reads_notifications_by_their_ids() {
    let shop = shop(&[]);
    let (ada, bob) = (
        shop.user("Ada", "ada@example.com"),
        shop.user("Bob", "bob@example.com"),
    );
    let (_, placed) = shop.order(&ada);
    shop.handle(&placed).unwrap();
    let known = shop.list().remove(0);
    let ids = ["nonsense".to_owned(), known.id.clone()];
    let read = |caller: &Caller| shop.notifications.get_many(caller, &ids);
    for caller in [Caller::ApiKey, customer(&ada)] {
        let found = read(&caller).unwrap();
        assert!(matches!(found[0], Err(Error::NotFound(_))), "{found:?}");
        assert_eq!(found[1].as_ref().unwrap().recipient, known.recipient);
    }
    let found = read(&customer(&bob)).unwrap();
    assert!(matches!(found[1], Err(Error::NotFound(_))), "{found:?}");
    assert!(matches!(read(&Caller::Anonymous), Err(Error::Unauthenticated(_))));
}
