//! The shop that receives the requests of a target: a native gateway with its services on the embedded store.

use std::cell::RefCell;

use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{Request, Response};
use mercato_accounts::AccountsService;
use mercato_carts::CartsService;
use mercato_catalog::CatalogService;
use mercato_gateway::{Gateway, Services, Settings};
use mercato_notifications::NotificationsService;
use mercato_orders::OrdersService;
use mercato_payments::PaymentsService;
use mercato_ports::http_client::Response as Answer;
use mercato_shop::ports::Ports;
use mercato_shop::testing::TestPorts;
use mercato_webhooks::WebhooksService;
use serde_json::{Value, json};

/// The API key, which also signs access tokens.
pub const KEY: &str = "a secret of more than 16 bytes";

/// The secret of Stripe's webhooks.
pub const WEBHOOK_SECRET: &str = "whsec_test";

/// How many inputs a shop receives. Then a new one replaces it, so that its data stays small.
const INPUTS: usize = 1_000;

/// How often a shop is checked for what inputs need: the user's session, the product and the order.
const CHECK: usize = 20;

const CONFIG: [(&str, &str); 14] = [
    ("API_SECRET", KEY),
    ("CLIENT_ADDRESS_HEADER", "x-forwarded-for"),
    ("CORS_ORIGINS", "https://shop.example"),
    ("HTTP_CLIENT_HOSTS", "a.example,api.twilio.com"),
    ("MERCATO_ENVIRONMENT", "development"),
    ("OPERATOR_EMAIL", "operator@example.com"),
    ("PAYMENT_GATEWAY", "test"),
    ("PERSISTED_QUERIES", "automatic"),
    ("RATE_LIMIT", "off"),
    ("STRIPE_WEBHOOK_SECRET", WEBHOOK_SECRET),
    ("TAX_RATES", "DE=19,*=0"),
    ("TWILIO_ACCOUNT_SID", "AC1"),
    ("TWILIO_AUTH_TOKEN", "token"),
    ("TWILIO_FROM", "Shop"),
];

const MANIFESTS: [(&str, &str); 8] = [
    ("accounts", include_str!("../../components/accounts/service.toml")),
    ("carts", include_str!("../../components/carts/service.toml")),
    ("catalog", include_str!("../../components/catalog/service.toml")),
    ("gateway", include_str!("../../components/gateway/service.toml")),
    (
        "notifications",
        include_str!("../../components/notifications/service.toml"),
    ),
    ("orders", include_str!("../../components/orders/service.toml")),
    ("payments", include_str!("../../components/payments/service.toml")),
    ("webhooks", include_str!("../../components/webhooks/service.toml")),
];

thread_local! {
    static CURRENT: RefCell<Option<(Shop, usize)>> = const { RefCell::new(None) };
}

/// A shop with a user, a product and an order.
#[allow(missing_debug_implementations, reason = "it holds a secret")]
pub struct Shop {
    gateway: Gateway,
    /// What the names in an input stand for.
    values: Vec<(&'static str, String)>,
}

/// Calls a function with the shop of this thread.
pub fn with<T>(run: impl FnOnce(&Shop) -> T) -> T {
    CURRENT.with_borrow_mut(|current| {
        let (shop, inputs) = match current.take() {
            Some((shop, inputs)) if inputs < INPUTS && (inputs % CHECK != 0 || shop.is_intact()) => {
                (shop, inputs)
            }
            _ => (Shop::new(), 0),
        };
        let result = run(&shop);
        *current = Some((shop, inputs + 1));
        result
    })
}

/// Removes the shop of this thread, and its files.
pub fn close() {
    CURRENT.with_borrow_mut(|current| drop(current.take()));
}

impl Shop {
    fn new() -> Self {
        let ports = TestPorts::new(&MANIFESTS, &CONFIG);
        // Twilio accepts every message.
        ports.serve(|_| {
            Ok(Answer {
                status: 201,
                headers: Vec::new(),
                body: br#"{"sid": "SM1"}"#.to_vec(),
            })
        });
        let catalog = CatalogService::new(ports.clone());
        let orders = OrdersService::new(ports.clone(), catalog.clone());
        let accounts = AccountsService::new(ports.clone());
        let services = Services {
            notifications: Box::new(NotificationsService::new(
                ports.clone(),
                accounts.clone(),
                orders.clone(),
            )),
            accounts: Box::new(accounts),
            carts: Box::new(CartsService::new(ports.clone(), catalog.clone(), orders.clone())),
            payments: Box::new(PaymentsService::new(ports.clone(), orders.clone())),
            webhooks: Box::new(WebhooksService::new(ports.clone())),
            orders: Box::new(orders.clone()),
            placement: Box::new(orders.clone()),
            discounts: Box::new(orders),
            catalog: Box::new(catalog),
            cache: Box::new(ports.clone()),
            documents: Box::new(ports.clone()),
            http: Box::new(ports.clone()),
        };
        let settings = Settings::read(|name| ports.config(name)).expect("valid settings");
        let mut shop = Self {
            gateway: Gateway::new(&settings, services),
            values: vec![("<KEY>", KEY.to_owned())],
        };
        shop.fill();
        shop
    }

    /// Creates what the names in inputs stand for.
    fn fill(&mut self) {
        let credentials = json!({ "username": "ada", "password": "correct horse battery" });
        let signed_in = self.post("/api/users/register", &credentials);
        self.name("<TOKEN>", &signed_in, "/access_token");
        self.name("<REFRESH>", &signed_in, "/refresh_token");
        self.name("<USER>", &signed_in, "/user/_id");
        let product = json!({ "name": "Wool sock", "price": 1250, "quantity": 1_000_000, "currency": "EUR" });
        let product = self.post("/api/products", &product);
        self.name("<PRODUCT>", &product, "/_id");
        let lines = json!([{ "_id": product["_id"], "quantity": 2 }]);
        let orders = format!("/api/orders/{}", self.value("<USER>"));
        let order = self.post(&orders, &json!({ "products": lines, "region": "DE" }));
        self.name("<ORDER>", &order, "/_id");
        let order = self.post(&orders, &json!({ "products": lines }));
        self.name("<OTHER_ORDER>", &order, "/_id");
        let paid = json!({ "paymentMethod": "tok_ok" });
        let payment = self.post(&format!("/api/payments/{}", self.value("<ORDER>")), &paid);
        self.name("<PAYMENT>", &payment, "/_id");
        let category = self.mutate("createCategory(input: {name: \"Socks\", slug: \"socks\"}) { _id }");
        self.name("<CATEGORY>", &category, "/createCategory/_id");
        self.mutate("createDiscount(input: {code: \"SPRING\", percent: 10}) { code }");
        let events = "[\"mercato.orders.order-placed\"]";
        let webhook = self.mutate(&format!(
            "createWebhook(input: {{url: \"https://a.example/hook\", events: {events}}}) {{ webhook {{ _id }} }}"
        ));
        self.name("<WEBHOOK>", &webhook, "/createWebhook/webhook/_id");
        let credentials = json!({ "username": "bob", "password": "correct horse battery" });
        let other = self.post("/api/users/register", &credentials);
        self.name("<OTHER_USER>", &other, "/user/_id");
        let product = json!({ "name": "Hat", "price": 2900, "quantity": 10 });
        let product = self.post("/api/products", &product);
        self.name("<OTHER_PRODUCT>", &product, "/_id");
    }

    /// Returns whether no input has ended the session, and none has deleted the product or the order.
    fn is_intact(&self) -> bool {
        let order = format!("/api/orders/{}", self.value("<ORDER>"));
        let product = format!("/api/products/{}", self.value("<PRODUCT>"));
        ["/api/users/me", &order, &product].into_iter().all(|path| {
            let bearer = format!("Bearer {}", self.value("<TOKEN>"));
            let request = Request::get(path).header(AUTHORIZATION, bearer);
            self.send(&request.body(Vec::new()).expect("a request"))
                .status()
                .is_success()
        })
    }

    /// Sends a request with the API key, and returns the JSON of the answer.
    fn post(&self, path: &str, body: &Value) -> Value {
        let request = Request::post(path)
            .header(CONTENT_TYPE, "application/json")
            .header("x-api-key", KEY);
        let reply = self.send(&request.body(body.to_string().into_bytes()).expect("a request"));
        let text = String::from_utf8_lossy(reply.body());
        assert!(
            reply.status().is_success(),
            "{path} answers {}: {text}",
            reply.status()
        );
        serde_json::from_str(&text).expect("JSON")
    }

    fn mutate(&self, fields: &str) -> Value {
        self.post(
            "/graphql",
            &json!({ "query": format!("mutation {{ {fields} }}") }),
        )["data"]
            .take()
    }

    fn name(&mut self, name: &'static str, answer: &Value, pointer: &str) {
        let value = answer.pointer(pointer).and_then(Value::as_str);
        let value = value.unwrap_or_else(|| panic!("{pointer} is not in {answer}"));
        self.values.push((name, value.to_owned()));
    }

    /// Returns the value that a name stands for.
    pub fn value(&self, name: &str) -> &str {
        let found = self.values.iter().find(|(other, _)| *other == name);
        found.map_or("", |(_, value)| value)
    }

    /// Replaces names in an input, such as `<ORDER>`, by values of this shop.
    pub fn expand(&self, input: &[u8]) -> Vec<u8> {
        match str::from_utf8(input) {
            Ok(text) if text.contains('<') => {
                let values = self.values.iter();
                values
                    .fold(text.to_owned(), |text, (name, value)| text.replace(name, value))
                    .into_bytes()
            }
            _ => input.to_vec(),
        }
    }

    /// Returns the answer to a request.
    pub fn send(&self, request: &Request<Vec<u8>>) -> Response<Vec<u8>> {
        self.gateway.handle(request)
    }
}
