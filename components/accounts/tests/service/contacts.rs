//! How other services look up the contacts of users.

use crate::people::{accounts, phone_code, register, unknown_client};
use mercato_shop::accounts::{Channel, Contact, UserPatch};
use mercato_shop::services::{Accounts, Contacts};
use mercato_shop::testing::customer;
use mercato_shop::types::Caller;

#[test]
fn returns_the_contacts_of_active_users_in_the_order_of_the_ids() {
    let (ports, accounts) = accounts();
    let (ada, bob) = (register(&accounts, "ada").user, register(&accounts, "bob").user);
    let patch = UserPatch {
        name: Some("Ada".into()),
        email: Some("ada@example.com".into()),
        phone: Some("+4915112345678".into()),
        locale: Some("de-AT".into()),
    };
    let own = customer(&ada.id);
    accounts.update(&own, &ada.id, 1, &patch).unwrap();
    drop(ports.take_events());
    accounts
        .request_verification(&own, Channel::Phone, &unknown_client())
        .unwrap();
    let code = phone_code(&accounts, &ports.take_events()[0]).code;
    accounts.verify(&own, Channel::Phone, &code).unwrap();
    let verified = ports.take_events().remove(0);
    assert_eq!(verified.kind, "mercato.accounts.contact-verified");
    let data: serde_json::Value = serde_json::from_str(&verified.data).unwrap();
    assert_eq!(data, serde_json::json!({ "userId": ada.id, "channel": "phone" }));

    accounts.erase(&Caller::ApiKey, &bob.id).unwrap();
    let expected = Contact {
        user_id: ada.id.clone(),
        name: Some("Ada".into()),
        email: Some("ada@example.com".into()),
        email_verified: false,
        phone: Some("+4915112345678".into()),
        phone_verified: true,
        locale: Some("de-AT".into()),
    };
    let found = accounts.look_up(&[bob.id, "nobody".into(), ada.id]).unwrap();
    assert_eq!(found, [None, None, Some(expected)]);
}
