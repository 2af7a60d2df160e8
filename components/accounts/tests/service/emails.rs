//! Sign-in by e-mail address.

use crate::people::{
    PASSWORD, accounts, by_email, change, credentials, login, login_by_email, register, registration,
    unknown_client, verify_email,
};
use mercato_ports::documents::{Deletion, Insertion, Write};
use mercato_shop::accounts::{ExternalIdentity, LoginName, UserPatch};
use mercato_shop::id;
use mercato_shop::ports::Ports;
use mercato_shop::services::Accounts;
use mercato_shop::testing::{admin, customer, error_code, invalid_field};
use mercato_shop::types::Caller;

fn with_email(address: &str) -> UserPatch {
    UserPatch {
        name: None,
        email: Some(address.into()),
        phone: None,
        locale: None,
    }
}

#[test]
fn signs_in_with_a_verified_address_however_it_is_written() {
    let (ports, accounts) = accounts();
    let ada = register(&accounts, "ada").user;
    let own = customer(&ada.id);
    accounts
        .update(&own, &ada.id, 1, &with_email("Ada@Bücher.example"))
        .unwrap();
    assert_eq!(
        error_code(&login_by_email(&accounts, "Ada@Bücher.example", PASSWORD)),
        "UNAUTHENTICATED",
        "the address is not verified"
    );
    verify_email(&ports, &accounts, &ada.id).unwrap();
    for address in ["ada@bücher.example", "ADA@xn--bcher-kva.EXAMPLE"] {
        let signed_in = login_by_email(&accounts, address, PASSWORD).unwrap();
        assert_eq!(signed_in.user.id, ada.id);
    }
    let wrong = login_by_email(&accounts, "ada@bücher.example", "wrong horse");
    let unknown = login_by_email(&accounts, "eve@bücher.example", "wrong horse");
    assert_eq!(error_code(&wrong), "UNAUTHENTICATED");
    assert_eq!(wrong, unknown, "an unknown address has the same error");

    let found = accounts.find(&admin(), &LoginName::Email("ADA@bücher.example".into()));
    assert_eq!(found.unwrap().map(|user| user.id), Some(ada.id.clone()));
    let found = accounts.find(&Caller::ApiKey, &LoginName::Username("ADA".into()));
    assert_eq!(found.unwrap().map(|user| user.id), Some(ada.id));
    assert_eq!(
        error_code(&accounts.find(&own, &LoginName::Username("ada".into()))),
        "FORBIDDEN"
    );
}

#[test]
fn a_changed_or_erased_address_signs_in_nobody_and_is_free() {
    let (ports, accounts) = accounts();
    let ada = register(&accounts, "ada").user;
    let own = customer(&ada.id);
    accounts
        .update(&own, &ada.id, 1, &with_email("ada@example.com"))
        .unwrap();
    let verified = verify_email(&ports, &accounts, &ada.id).unwrap();
    accounts
        .update(&own, &ada.id, verified.version, &with_email("ada@example.org"))
        .unwrap();
    for address in ["ada@example.com", "ada@example.org"] {
        assert_eq!(
            error_code(&login_by_email(&accounts, address, PASSWORD)),
            "UNAUTHENTICATED"
        );
    }
    let bob = register(&accounts, "bob").user;
    accounts
        .update(&customer(&bob.id), &bob.id, 1, &with_email("ada@example.com"))
        .unwrap();
    verify_email(&ports, &accounts, &bob.id).unwrap();
    accounts.erase(&customer(&bob.id), &bob.id).unwrap();
    assert_eq!(
        error_code(&login_by_email(&accounts, "ada@example.com", PASSWORD)),
        "UNAUTHENTICATED"
    );
    let eve = accounts
        .register(&by_email("ada@example.com", PASSWORD), &unknown_client())
        .unwrap();
    verify_email(&ports, &accounts, &eve.user.id).unwrap();
}

#[test]
fn an_address_is_verified_by_one_user_only() {
    let (ports, accounts) = accounts();
    let (ada, bob) = (register(&accounts, "ada").user, register(&accounts, "bob").user);
    accounts
        .update(&customer(&ada.id), &ada.id, 1, &with_email("ada@example.com"))
        .unwrap();
    accounts
        .update(&customer(&bob.id), &bob.id, 1, &with_email("ADA@Example.com"))
        .unwrap();
    verify_email(&ports, &accounts, &ada.id).unwrap();
    let second = verify_email(&ports, &accounts, &bob.id);
    assert_eq!(error_code(&second), "CONFLICT");
    let again = accounts.register(&by_email("ada@example.COM", PASSWORD), &unknown_client());
    assert_eq!(error_code(&again), "CONFLICT");
    let identity = ExternalIdentity {
        issuer: "https://id.example/".into(),
        subject: "ada".into(),
        issued_at: id::now(),
        signed_in_at: 1_000,
        email: Some("Ada@example.com".into()),
        email_verified: true,
        name: None,
    };
    let external = accounts.sign_in_external(&identity).unwrap();
    assert!(
        !external.email_verified,
        "the provider's address is another user's here"
    );
    let signed_in = login_by_email(&accounts, "ada@example.com", PASSWORD).unwrap();
    assert_eq!(signed_in.user.id, ada.id);
}

#[test]
fn registers_with_an_address_and_signs_in_with_it_at_once() {
    let (_, accounts) = accounts();
    let ada = accounts
        .register(&by_email("Ada.L@example.com", PASSWORD), &unknown_client())
        .unwrap()
        .user;
    assert!(ada.username.starts_with("ada.l-"), "{}", ada.username);
    assert_eq!(
        (ada.name.as_deref(), ada.email.as_deref(), ada.email_verified),
        (Some("Ada"), Some("Ada.L@example.com"), false)
    );
    let signed_in = login_by_email(&accounts, "ada.l@example.com", PASSWORD).unwrap();
    assert_eq!(signed_in.user, ada);
    assert_eq!(login(&accounts, &ada.username, PASSWORD).unwrap().user, ada);
    // The user may know no user name, so a new address signs in, too.
    accounts
        .update(&customer(&ada.id), &ada.id, 1, &with_email("ada@example.org"))
        .unwrap();
    assert!(login_by_email(&accounts, "ada@example.org", PASSWORD).is_ok());
    assert!(login_by_email(&accounts, "ada.l@example.com", PASSWORD).is_err());
}

#[test]
fn refuses_a_registration_with_invalid_parts() {
    let (_, accounts) = accounts();
    let register = |change: fn(&mut mercato_shop::accounts::Registration)| {
        let mut input = by_email("ada@example.com", PASSWORD);
        change(&mut input);
        invalid_field(accounts.register(&input, &unknown_client()))
    };
    assert_eq!(register(|input| input.email = None), "username");
    assert_eq!(register(|input| input.email = Some("ada".into())), "email");
    assert_eq!(
        register(|input| input.email = Some("a\u{200B}@example.com".into())),
        "email"
    );
    assert_eq!(register(|input| input.name = Some("A\u{202E}da".into())), "name");
    assert_eq!(register(|input| input.password = "short".into()), "password");
    assert_eq!(register(|input| input.username = Some("a".into())), "username");
}

#[test]
fn nobody_keeps_an_address_by_registering_with_it() {
    let (ports, accounts) = accounts();
    let address = "ada@example.com";
    let register = |password: &str| {
        let registered = accounts.register(&by_email(address, password), &unknown_client());
        registered.unwrap().user.id
    };
    let squatter = register("a squatter's password");
    let ada = register(PASSWORD);
    let id_of = |password: &str| {
        login_by_email(&accounts, address, password)
            .ok()
            .map(|found| found.user.id)
    };
    assert_eq!(id_of("a squatter's password"), Some(squatter.clone()));
    assert_eq!(id_of(PASSWORD), Some(ada.clone()));
    // The oldest and the newest registrations sign in.
    for number in 0..6 {
        let password = format!("another password {number}");
        let other = register(&password);
        assert_eq!(id_of(&password), Some(other));
        assert_eq!(id_of("a squatter's password"), Some(squatter.clone()));
    }
    verify_email(&ports, &accounts, &ada).unwrap();
    assert_eq!(id_of(PASSWORD), Some(ada));
    assert_eq!(id_of("a squatter's password"), None);
    let verified = verify_email(&ports, &accounts, &squatter);
    assert_eq!(error_code(&verified), "CONFLICT");
}

#[test]
fn failures_with_the_name_and_with_the_address_count_together() {
    let (ports, accounts) = accounts();
    let ada = register(&accounts, "ada").user;
    accounts
        .update(&customer(&ada.id), &ada.id, 1, &with_email("ada@example.com"))
        .unwrap();
    verify_email(&ports, &accounts, &ada.id).unwrap();
    assert!(login(&accounts, "ada", "wrong horse").is_err());
    assert!(login_by_email(&accounts, "ada@example.com", "wrong horse").is_err());
    assert_eq!(error_code(&login(&accounts, "ada", PASSWORD)), "RATE_LIMITED");
    assert_eq!(
        error_code(&login_by_email(&accounts, "ada@example.com", PASSWORD)),
        "RATE_LIMITED"
    );
}

#[test]
fn an_address_of_an_earlier_version_signs_in_after_the_next_sign_in() {
    let (ports, accounts) = accounts();
    let address = "ada@example.com";
    // Earlier versions let two users verify one address.
    let users = ["ada", "bob"].map(|name| {
        let user = register(&accounts, name).user;
        accounts
            .update(&customer(&user.id), &user.id, 1, &with_email(address))
            .unwrap();
        change(&ports, "accounts.users", &user.id, |body| {
            body["profile"]["emailVerified"] = true.into();
        });
        user.id
    });
    assert!(login_by_email(&accounts, address, PASSWORD).is_err());
    let bob = accounts
        .login(
            &Caller::Anonymous,
            &credentials("bob", PASSWORD),
            &unknown_client(),
        )
        .unwrap();
    assert!(bob.user.email_verified);
    let ada = login(&accounts, "ada", PASSWORD).unwrap();
    assert!(ada.user.email_verified, "the duplicate stays as it is");
    assert!(accounts.refresh(&ada.refresh_token, &unknown_client()).is_ok());
    assert_eq!(
        login_by_email(&accounts, address, PASSWORD).unwrap().user.id,
        users[1]
    );
}

#[test]
fn a_user_name_of_an_earlier_version_signs_in_and_stays_taken() {
    let (ports, accounts) = accounts();
    let ada = register(&accounts, "strasse").user;
    // Earlier versions compared names by their lower case only.
    change(&ports, "accounts.users", &ada.id, |body| {
        body["username"] = "Straße".into();
        body["usernameKey"] = "straße".into();
    });
    let found = ports.get_many("accounts.usernames", &["strasse".into()]).unwrap();
    let claim = found[0].clone().unwrap();
    let collection = || "accounts.usernames".to_owned();
    let writes = [
        Write::Insert(Insertion {
            collection: collection(),
            id: "straße".into(),
            body: claim.body,
        }),
        Write::Delete(Deletion {
            collection: collection(),
            id: claim.id,
            expected: claim.version,
        }),
    ];
    ports.commit(&writes, &[]).unwrap();
    assert_eq!(login(&accounts, "STRAßE", PASSWORD).unwrap().user.id, ada.id);
    let taken = accounts.register(&registration("Straße"), &unknown_client());
    assert_eq!(error_code(&taken), "CONFLICT");
}
