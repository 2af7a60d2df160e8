//! What the tests share.

use std::slice;
use std::sync::{Arc, Mutex};

use mercato_accounts::AccountsService;
use mercato_catalog::CatalogService;
use mercato_notifications::NotificationsService;
use mercato_orders::OrdersService;
use mercato_ports::documents::{Replacement, Write};
use mercato_ports::events::{Event, HandlerFailure};
use mercato_ports::http_client::{HttpFailure, Response};
use mercato_shop::accounts::{Channel, Client, Registration, UserPatch};
use mercato_shop::catalog::{NewProduct, ProductDetails};
use mercato_shop::id;
use mercato_shop::notifications::{Email, Notification, NotificationFilter, Preference, Sms};
use mercato_shop::orders::{NewOrder, Status};
use mercato_shop::ports::Ports;
use mercato_shop::services::{Accounts, Catalog, Contacts, Notifications, Orders};
use mercato_shop::testing::{TestPorts, admin, customer};
use mercato_shop::types::{Caller, Error, Line, Page};
use serde_json::{Value, json};

pub const PHONE: &str = "+4915112345678";

const UNKNOWN_CLIENT: Client = Client {
    address: None,
    user_agent: None,
};

/// The settings for SMS. A test sets Twilio's answers by [`Shop::twilio`].
pub const TWILIO: &[(&str, &str)] = &[
    ("TWILIO_ACCOUNT_SID", "AC1"),
    ("TWILIO_AUTH_TOKEN", "a token"),
    ("TWILIO_FROM", "+12025550123"),
];

type OrdersOfTests = OrdersService<TestPorts, CatalogService<TestPorts>>;

#[derive(Clone)]
pub struct Shop {
    pub ports: TestPorts,
    pub accounts: AccountsService<TestPorts>,
    pub catalog: CatalogService<TestPorts>,
    pub orders: OrdersOfTests,
    pub notifications: NotificationsService<TestPorts, AccountsService<TestPorts>, OrdersOfTests>,
}

pub fn shop(config: &[(&'static str, &str)]) -> Shop {
    let manifests = [
        ("notifications", include_str!("../../service.toml")),
        ("accounts", include_str!("../../../accounts/service.toml")),
        ("orders", include_str!("../../../orders/service.toml")),
        ("catalog", include_str!("../../../catalog/service.toml")),
    ];
    let secret = [("API_SECRET", "a secret of more than 16 bytes")];
    let ports = TestPorts::new(&manifests, &[&secret, config].concat());
    let accounts = AccountsService::new(ports.clone());
    let catalog = CatalogService::new(ports.clone());
    let orders = OrdersService::new(ports.clone(), catalog.clone());
    Shop {
        notifications: NotificationsService::new(ports.clone(), accounts.clone(), orders.clone()),
        accounts,
        catalog,
        orders,
        ports,
    }
}

impl Shop {
    /// Creates a user whose addresses are not verified. Drops the events.
    pub fn unverified(&self, name: &str, email: &str) -> String {
        let input = Registration {
            username: Some(name.into()),
            email: None,
            name: None,
            password: "a long password".into(),
        };
        let id = self.accounts.register(&input, &UNKNOWN_CLIENT).unwrap().user.id;
        let patch = UserPatch {
            name: Some(name.into()),
            email: Some(email.into()),
            phone: Some(PHONE.into()),
            locale: Some("de-AT".into()),
        };
        self.accounts.update(&Caller::ApiKey, &id, 1, &patch).unwrap();
        drop(self.ports.take_events());
        id
    }

    /// Creates a user whose addresses are verified. Drops the events.
    pub fn user(&self, name: &str, email: &str) -> String {
        let id = self.unverified(name, email);
        self.edit("accounts.users", &id, |body| {
            body["profile"]["emailVerified"] = true.into();
            body["profile"]["phoneVerified"] = true.into();
        });
        id
    }

    /// Changes a document in the store.
    pub fn edit(&self, collection: &str, id: &str, change: impl FnOnce(&mut Value)) {
        let found = self.ports.get_many(collection, &[id.to_owned()]).unwrap();
        let document = found[0].clone().unwrap();
        let mut body: Value = serde_json::from_str(&document.body).unwrap();
        change(&mut body);
        let write = Write::Replace(Replacement {
            collection: collection.into(),
            id: id.into(),
            expected: document.version,
            body: body.to_string(),
        });
        self.ports.commit(&[write], &[]).unwrap();
    }

    pub fn product(&self, name: &str, quantity: i64) -> String {
        let input = NewProduct {
            name: name.into(),
            description: None,
            manufacturer: None,
            external_id: None,
            price: 1_250,
            currency: None,
            quantity,
            details: ProductDetails::default(),
        };
        let id = self.catalog.create(&admin(), &input).unwrap().id;
        drop(self.ports.take_events());
        id
    }

    /// Places an order of a user. Returns its id and its event.
    pub fn order(&self, user_id: &str) -> (String, Event) {
        let lines = vec![Line {
            product_id: self.product("Sock", 2),
            quantity: 2,
        }];
        let order = NewOrder {
            lines,
            discount_code: None,
            region: None,
        };
        let id = self.orders.place(&customer(user_id), &order).unwrap().id;
        (id, self.event("mercato.orders.order-placed"))
    }

    /// Changes the status of an order. Returns its event.
    pub fn advance(&self, order_id: &str, status: Status, kind: &str) -> Event {
        self.orders
            .update_status(&Caller::ApiKey, order_id, status, None, None)
            .unwrap();
        self.event(kind)
    }

    /// The only event of this kind since the last call.
    pub fn event(&self, kind: &str) -> Event {
        let mut events = self.ports.take_events();
        events.retain(|event| event.kind == kind);
        assert_eq!(events.len(), 1, "{kind}");
        events.remove(0)
    }

    pub fn handle(&self, event: &Event) -> Result<(), HandlerFailure> {
        self.notifications.handle(slice::from_ref(event)).remove(0)
    }

    pub fn send_email(&self, to: &str, key: Option<&str>) -> Result<Notification, Error> {
        self.notifications.send_email(&Caller::ApiKey, &email(to, key))
    }

    /// Sets one preference of a user by that user. Returns all preferences.
    pub fn choose(&self, user_id: &str, choice: Preference) -> Vec<Preference> {
        self.notifications
            .set_preferences(&customer(user_id), None, &[choice])
            .unwrap()
    }

    pub fn set_email(&self, user_id: &str, address: &str) {
        self.edit("accounts.users", user_id, |body| {
            body["profile"]["email"] = address.into()
        });
    }

    /// All notifications, the newest first.
    pub fn list(&self) -> Vec<Notification> {
        self.list_by(&Caller::ApiKey, NO_FILTER)
    }

    pub fn list_by(&self, caller: &Caller, filter: NotificationFilter) -> Vec<Notification> {
        let page = Page::first(100, None);
        let list = Notifications::list(&self.notifications, caller, &filter, &page).unwrap();
        list.edges.into_iter().map(|edge| edge.notification).collect()
    }

    /// Requests a code for the user's phone. Returns the event.
    pub fn code(&self, user_id: &str) -> Event {
        self.accounts
            .request_verification(&customer(user_id), Channel::Phone, &UNKNOWN_CLIENT)
            .unwrap();
        self.event("mercato.accounts.verification-requested")
    }

    /// The code of such an event.
    pub fn code_of(&self, requested: &Event) -> String {
        let data: Value = serde_json::from_str(&requested.data).unwrap();
        let [user_id, id] = ["userId", "verificationId"].map(|field| data[field].as_str().unwrap());
        self.accounts.look_up_code(user_id, id).unwrap().unwrap().code
    }

    /// Sets Twilio's answers. Returns its requests: the URL, the authorization, and the form.
    pub fn twilio(&self, answers: Vec<Result<(u16, Value), HttpFailure>>) -> Arc<Mutex<Vec<[String; 3]>>> {
        let requests = Arc::new(Mutex::new(Vec::new()));
        let (log, mut answers) = (Arc::clone(&requests), answers.into_iter());
        self.ports.serve(move |request| {
            let header = request
                .headers
                .iter()
                .find(|header| header.name == "authorization");
            log.lock().unwrap().push([
                request.url.clone(),
                String::from_utf8(header.unwrap().value.clone()).unwrap(),
                String::from_utf8(request.body.clone()).unwrap(),
            ]);
            let (status, body) = answers.next().unwrap()?;
            Ok(Response {
                status,
                headers: Vec::new(),
                body: body.to_string().into_bytes(),
            })
        });
        requests
    }
}

pub const NO_FILTER: NotificationFilter = NotificationFilter {
    user_id: None,
    kind: None,
    medium: None,
    status: None,
};

pub fn email(to: &str, key: Option<&str>) -> Email {
    Email {
        to: to.into(),
        subject: "News".into(),
        text: "There is news.".into(),
        html: Some("<p>There is news.</p>".into()),
        idempotency_key: key.map(Into::into),
    }
}

pub fn sms(key: Option<&str>) -> Sms {
    Sms {
        to: PHONE.into(),
        text: "Your parcel & more".into(),
        idempotency_key: key.map(Into::into),
    }
}

/// Twilio's answer to an accepted SMS.
pub fn accepted() -> Result<(u16, Value), HttpFailure> {
    Ok((201, json!({ "sid": "SM1", "status": "queued" })))
}

/// An event with this data.
pub fn event(kind: &str, data: &Value) -> Event {
    Event {
        id: id::new(),
        kind: kind.into(),
        subject: "some/thing".into(),
        time: id::now(),
        due: None,
        data: data.to_string(),
    }
}
