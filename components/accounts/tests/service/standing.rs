//! Access tokens: when they end, and which role they give.

use crate::people::{
    PASSWORD, Service, accounts, bearer, by_email, change, claims, is_marked, login, register,
    unknown_client, verify_email,
};
use mercato_ports::documents::{Insertion, Query, Write};
use mercato_shop::accounts::{SignIn, TokenClaims, UserPatch};
use mercato_shop::id;
use mercato_shop::ports::Ports as _;
use mercato_shop::services::Accounts;
use mercato_shop::standing::Standing;
use mercato_shop::testing::{TestPorts, customer, error_code};
use mercato_shop::types::{Caller, Role};
use serde_json::Value;

const SESSIONS: &str = "accounts.sessions";

/// A way to end sessions: it gets the session to end, and a later one of the same user.
type End = fn(&TestPorts, &Service, &SignIn, &SignIn);

fn by_access_token(_: &TestPorts, accounts: &Service, ended: &SignIn, _: &SignIn) {
    let own = caller(ended);
    assert!(accounts.logout(&own, None).unwrap());
}

fn by_refresh_token(_: &TestPorts, accounts: &Service, ended: &SignIn, _: &SignIn) {
    let token = Some(ended.refresh_token.as_str());
    assert!(accounts.logout(&Caller::Anonymous, token).unwrap());
}

fn by_id(_: &TestPorts, accounts: &Service, ended: &SignIn, _: &SignIn) {
    let id = claims(ended).session_id.unwrap();
    accounts.revoke_session(&Caller::ApiKey, &id).unwrap();
}

fn by_reuse(_: &TestPorts, accounts: &Service, ended: &SignIn, _: &SignIn) {
    let client = unknown_client();
    let next = accounts.refresh(&ended.refresh_token, &client).unwrap();
    accounts.refresh(&next.refresh_token, &client).unwrap();
    accounts.refresh(&ended.refresh_token, &client).unwrap_err();
}

fn by_another_password(_: &TestPorts, accounts: &Service, _: &SignIn, later: &SignIn) {
    let new = "battery staple";
    accounts.change_password(&caller(later), PASSWORD, new).unwrap();
}

fn by_reset(ports: &TestPorts, accounts: &Service, _: &SignIn, _: &SignIn) {
    let _ = (ports.take_events(), ports.take_mails());
    let client = unknown_client();
    accounts
        .request_password_reset("ada@example.com", &client)
        .unwrap();
    for event in ports.take_events() {
        accounts.handle(&event).unwrap();
    }
    let mail = ports.take_mails().remove(0);
    let token = mail.text.lines().find(|line| line.len() == 43).unwrap();
    accounts.reset_password(token, "battery staple", &client).unwrap();
}

fn by_another_role(_: &TestPorts, accounts: &Service, ended: &SignIn, _: &SignIn) {
    let id = &ended.user.id;
    accounts.set_role(&Caller::ApiKey, id, Role::Admin).unwrap();
}

fn by_erasure(_: &TestPorts, accounts: &Service, ended: &SignIn, _: &SignIn) {
    accounts.erase(&Caller::ApiKey, &ended.user.id).unwrap();
}

fn caller(signed_in: &SignIn) -> Caller {
    Caller::User(mercato_shop::types::SignedIn {
        user_id: signed_in.user.id.clone(),
        role: Role::Customer,
        session_id: claims(signed_in).session_id,
    })
}

fn role(accounts: &Service, signed_in: &SignIn) -> Result<Role, &'static str> {
    let standing = accounts.standing(&claims(signed_in));
    standing.clone().map_err(|_| error_code(&standing))
}

/// Returns a token of another shop, without a session.
fn foreign(user_id: &str, role: Role, issued_at: u64) -> TokenClaims {
    TokenClaims {
        user_id: user_id.into(),
        session_id: None,
        role,
        issued_at,
    }
}

#[test]
fn an_access_token_ends_with_its_session() {
    let ways: [(End, bool); 8] = [
        (by_access_token, true),
        (by_refresh_token, true),
        (by_id, true),
        (by_reuse, true),
        (by_another_password, true),
        (by_reset, false),
        (by_another_role, false),
        (by_erasure, false),
    ];
    for (number, (end, is_later_kept)) in ways.into_iter().enumerate() {
        let (ports, accounts) = accounts();
        let input = by_email("ada@example.com", PASSWORD);
        let ended = accounts.register(&input, &unknown_client()).unwrap();
        verify_email(&ports, &accounts, &ended.user.id).unwrap();
        let later = login(&accounts, &ended.user.username, PASSWORD).unwrap();
        assert_eq!(role(&accounts, &ended), Ok(Role::Customer));
        end(&ports, &accounts, &ended, &later);
        assert_eq!(role(&accounts, &ended), Err("UNAUTHENTICATED"), "way {number}");
        assert!(
            is_marked(&ports, &claims(&ended).session_id.unwrap()),
            "way {number}"
        );
        assert_eq!(role(&accounts, &later).is_ok(), is_later_kept, "way {number}");
        let is_later_marked = is_marked(&ports, &claims(&later).session_id.unwrap());
        assert_eq!(is_later_marked, !is_later_kept, "way {number}");
    }
}

#[test]
fn all_sessions_end_in_the_commit_of_the_change() {
    let ways: [(End, usize); 3] = [(by_another_role, 1), (by_erasure, 1), (by_another_password, 3)];
    for (end, commits) in ways {
        let (ports, accounts) = accounts();
        let tokens = [(); 3].map(|()| match login(&accounts, "ada", PASSWORD) {
            Ok(signed_in) => signed_in,
            Err(_) => register(&accounts, "ada"),
        });
        // The service stops right after the change.
        ports.stop_after(commits);
        let [ended, other, kept] = &tokens;
        end(&ports, &accounts, ended, kept);
        ports.restart();
        for token in [ended, other] {
            assert_eq!(role(&accounts, token), Err("UNAUTHENTICATED"));
        }
        let left = ports.find(&Query::all(SESSIONS, 10)).unwrap().len();
        assert_eq!(left, usize::from(role(&accounts, kept).is_ok()));
    }
}

#[test]
fn a_session_that_is_refreshed_meanwhile_does_not_delay_the_change() {
    for end in [by_another_role as End, by_erasure] {
        let (ports, accounts) = accounts();
        let first = register(&accounts, "ada");
        let (other, token) = (accounts.clone(), first.refresh_token.clone());
        let (sender, receiver) = std::sync::mpsc::channel();
        ports.before_next_commit(move || {
            let refreshed = other.refresh(&token, &unknown_client()).unwrap();
            sender.send(refreshed).unwrap();
        });
        end(&ports, &accounts, &first, &first);
        let refreshed = receiver.recv().unwrap();
        for token in [&first, &refreshed] {
            assert_eq!(role(&accounts, token), Err("UNAUTHENTICATED"));
        }
        assert!(is_marked(&ports, &claims(&first).session_id.unwrap()));
        assert_eq!(ports.find(&Query::all(SESSIONS, 10)).unwrap().len(), 0);
    }
}

#[test]
fn a_user_who_changes_meanwhile_can_not_prevent_a_new_role() {
    let (ports, accounts) = accounts();
    let ada = register(&accounts, "ada");
    let (other, own, id) = (accounts.clone(), customer(&ada.user.id), ada.user.id.clone());
    ports.before_next_commit(move || {
        let patch = UserPatch {
            name: Some("Ada".into()),
            email: None,
            phone: None,
            locale: None,
        };
        other.update(&own, &id, 1, &patch).unwrap();
    });
    let changed = accounts.set_role(&Caller::ApiKey, &ada.user.id, Role::Admin);
    assert_eq!(changed.unwrap().name.as_deref(), Some("Ada"));
    assert_eq!(role(&accounts, &ada), Err("UNAUTHENTICATED"));
}

#[test]
fn more_sessions_end_than_a_list_has() {
    let (ports, accounts) = accounts();
    let ada = register(&accounts, "ada");
    let own = ports.find(&Query::all(SESSIONS, 1)).unwrap().remove(0);
    let copy = |number: u64| {
        let mut body: Value = serde_json::from_str(&own.body).unwrap();
        body["createdAt"] = (id::now() + number).into();
        body["family"] = number.to_string().into();
        Write::Insert(Insertion {
            collection: SESSIONS.into(),
            id: id::new(),
            body: body.to_string(),
        })
    };
    let copies: Vec<_> = (0..250).map(copy).collect();
    ports.commit(&copies, &[]).unwrap();
    accounts
        .set_role(&Caller::ApiKey, &ada.user.id, Role::Admin)
        .unwrap();
    assert_eq!(ports.find(&Query::all(SESSIONS, 1_000)).unwrap().len(), 0);
}

#[test]
fn a_token_belongs_to_a_living_session_of_its_user() {
    let (ports, accounts) = accounts();
    let (ada, bob) = (register(&accounts, "ada"), register(&accounts, "bob"));
    let token = claims(&ada);
    let mixed = TokenClaims {
        user_id: bob.user.id,
        ..token.clone()
    };
    let unknown = TokenClaims {
        session_id: Some(id::new()),
        ..token.clone()
    };
    for token in [mixed, unknown] {
        assert_eq!(error_code(&accounts.standing(&token)), "UNAUTHENTICATED");
    }
    change(&ports, SESSIONS, token.session_id.as_ref().unwrap(), |body| {
        body["expiresAt"] = (id::now() - 1).into();
    });
    assert_eq!(error_code(&accounts.standing(&token)), "UNAUTHENTICATED");
}

#[test]
fn a_token_of_another_shop_is_accepted_as_it_says_until_its_user_changes() {
    let (ports, accounts) = accounts();
    let ada = register(&accounts, "ada").user;
    let later = id::now() + 2_000;
    for role in [Role::Customer, Role::Admin] {
        assert_eq!(accounts.standing(&foreign("unknown", role, 0)), Ok(role));
        assert_eq!(accounts.standing(&foreign(&ada.id, role, 0)), Ok(role));
    }
    let admin = foreign(&ada.id, Role::Admin, 0);
    let remembered = Standing::of_token(&admin);
    remembered.remember(&ports, b"ADMIN");
    accounts.set_role(&Caller::ApiKey, &ada.id, Role::Admin).unwrap();
    accounts
        .set_role(&Caller::ApiKey, &ada.id, Role::Customer)
        .unwrap();
    assert_eq!(remembered.recall(&ports), None);
    assert_eq!(error_code(&accounts.standing(&admin)), "UNAUTHENTICATED");
    let new = foreign(&ada.id, Role::Admin, later);
    assert_eq!(accounts.standing(&new), Ok(Role::Customer));
    accounts.erase(&Caller::ApiKey, &ada.id).unwrap();
    let newest = foreign(&ada.id, Role::Customer, id::now() + 60_000);
    assert_eq!(error_code(&accounts.standing(&newest)), "UNAUTHENTICATED");
}

#[test]
fn a_new_password_ends_tokens_of_another_shop() {
    let (_, accounts) = accounts();
    let ada = register(&accounts, "ada");
    let old = foreign(&ada.user.id, Role::Customer, id::now() - 2_000);
    assert!(accounts.standing(&old).is_ok());
    let own = bearer(&accounts, &ada);
    accounts
        .change_password(&own, PASSWORD, "battery staple")
        .unwrap();
    assert_eq!(error_code(&accounts.standing(&old)), "UNAUTHENTICATED");
    assert_eq!(role(&accounts, &ada), Ok(Role::Customer), "the session goes on");
}
