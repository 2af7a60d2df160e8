//! What users choose, what keepers send, and who sees and does what.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs,
    reason = "tests"
)]

mod shop;

use mercato_notifications::Failure;
use mercato_shop::notifications::{
    Email, Kind, Medium, NotificationFilter, NotificationStatus as Sent, Preference,
};
use mercato_shop::services::Notifications;
use mercato_shop::testing::{admin, customer};
use mercato_shop::types::{Caller, Error, Page};
use shop::{NO_FILTER, shop};

fn choice(kind: Kind, medium: Medium, enabled: bool) -> Preference {
    Preference {
        kind,
        medium,
        enabled,
    }
}

fn email(to: &str, key: Option<&str>) -> Email {
    Email {
        to: to.into(),
        subject: "News\r\nBcc: eve@example.com".into(),
        text: "There is news.".into(),
        html: Some("<p>There is news.</p>".into()),
        idempotency_key: key.map(Into::into),
    }
}

#[test]
fn mail_is_on_and_sms_are_off_until_somebody_chooses_otherwise() {
    let shop = shop(&[]);
    let user = shop.user("Ada", "ada@example.com");
    let own = customer(&user);
    let all = shop.notifications.preferences(&own, None).unwrap();
    assert_eq!(all.len(), 10);
    assert!(all.iter().all(|one| one.enabled == (one.medium == Medium::Email)));

    let off = choice(Kind::OrderPlaced, Medium::Email, false);
    let now = shop
        .notifications
        .set_preferences(&own, None, std::slice::from_ref(&off))
        .unwrap();
    assert!(now.contains(&off));
    assert!(now.contains(&choice(Kind::OrderPaid, Medium::Email, true)));
    let (_, placed) = shop.order(&user);
    shop.handle(&placed).unwrap();
    assert!(shop.ports.take_mails().is_empty() && shop.list().is_empty());

    let on = choice(Kind::OrderPlaced, Medium::Email, true);
    let by_keeper = shop
        .notifications
        .set_preferences(&admin(), Some(&user), std::slice::from_ref(&on));
    assert!(by_keeper.unwrap().contains(&on));
    shop.handle(&placed).unwrap();
    assert_eq!(shop.ports.take_mails().len(), 1);
}

#[test]
fn two_who_choose_at_once_both_get_what_they_chose() {
    let shop = shop(&[]);
    let user = shop.user("Ada", "ada@example.com");
    let own = customer(&user);
    for kind in [Kind::OrderPaid, Kind::OrderShipped] {
        let (other, caller) = (shop.clone(), own.clone());
        let theirs = choice(kind, Medium::Sms, true);
        let interference = vec![theirs];
        shop.ports.before_next_commit(move || {
            other
                .notifications
                .set_preferences(&caller, None, &interference)
                .unwrap();
        });
        let mine = choice(kind, Medium::Email, false);
        let all = shop
            .notifications
            .set_preferences(&own, None, std::slice::from_ref(&mine))
            .unwrap();
        assert!(all.contains(&mine) && all.contains(&theirs));
    }
}

#[test]
fn what_everybody_must_hear_can_not_be_chosen() {
    let shop = shop(&[]);
    let own = customer(&shop.user("Ada", "ada@example.com"));
    for kind in [Kind::VerificationCode, Kind::LowStock, Kind::Message] {
        let refused = shop
            .notifications
            .set_preferences(&own, None, &[choice(kind, Medium::Sms, false)]);
        assert!(
            matches!(refused, Err(Error::Invalid(violation)) if violation.field == "preferences[0].kind")
        );
    }
}

#[test]
fn who_may_see_and_do_what() {
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
    let page = Page {
        first: 1,
        after: None,
    };
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
fn the_list_goes_by_pages_newest_first_and_by_filters() {
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
    let mut page = Page {
        first: 2,
        after: None,
    };
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
        status: Some(Sent::Failed),
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
fn a_keeper_tries_again_what_failed_once_the_reason_is_gone() {
    let shop = shop(&[]);
    let user = shop.user("Ada", "ada@rejected.example");
    let (_, placed) = shop.order(&user);
    shop.handle(&placed).unwrap();
    let id = shop.list()[0].id.clone();
    let again = shop.notifications.retry(&admin(), &id).unwrap();
    assert_eq!((again.status, again.attempts), (Sent::Failed, 2));
    shop.edit("accounts.users", &user, |body| {
        body["profile"]["email"] = "ada@unavailable.example".into()
    });
    assert_eq!(
        shop.notifications.retry(&admin(), &id).unwrap().status,
        Sent::Waiting
    );
    assert!(matches!(shop.handle(&placed), Err(Failure::Retry(_))));
    shop.edit("accounts.users", &user, |body| {
        body["profile"]["email"] = "ada@example.com".into()
    });
    let sent = shop.notifications.retry(&admin(), &id).unwrap();
    assert_eq!((sent.status, sent.version), (Sent::Sent, shop.list()[0].version));
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
fn a_keeper_sends_an_email_once_for_a_key_and_its_text_is_not_kept() {
    let shop = shop(&[]);
    let send = |to, key| shop.notifications.send_email(&Caller::ApiKey, &email(to, key));
    let sent = send("ada@example.com", Some("k")).unwrap();
    assert_eq!(send("ada@example.com", Some("k")).unwrap(), sent);
    let mails = shop.ports.take_mails();
    assert_eq!(
        (mails.len(), mails[0].subject.as_str()),
        (1, "News  Bcc: eve@example.com")
    );
    assert_eq!(mails[0].html.as_deref(), Some("<p>There is news.</p>"));

    let failed = send("ada@rejected.example", Some("never")).unwrap();
    assert_eq!((failed.status, failed.kind), (Sent::Failed, Kind::Message));
    assert!(matches!(
        shop.notifications.retry(&admin(), &failed.id),
        Err(Error::Conflict(_))
    ));
    assert_eq!(send("ada@example.com", Some("never")).unwrap().status, Sent::Sent);
    assert!(!format!("{:?}", shop.list()).contains("news"));
    for to in ["", "ada", "ada@example.com\r\nBcc: eve@example.com"] {
        assert!(matches!(send(to, None), Err(Error::Invalid(violation)) if violation.field == "to"));
    }
    let mut empty = email("ada@example.com", None);
    empty.subject = " ".into();
    assert!(matches!(
        shop.notifications.send_email(&admin(), &empty),
        Err(Error::Invalid(violation)) if violation.field == "subject"
    ));
}
