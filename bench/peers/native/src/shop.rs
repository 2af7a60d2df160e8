//! The services of the shop, linked natively.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Result, anyhow};
use async_trait::async_trait;
use mercato_accounts::AccountsService;
use mercato_carts::CartsService;
use mercato_catalog::CatalogService;
use mercato_embedded::{Options, Store};
use mercato_gateway::{Gateway, Services, Settings};
use mercato_notifications::NotificationsService;
use mercato_orders::OrdersService;
use mercato_payments::PaymentsService;
use mercato_ports::events::{DeliveryFailure, Event, Handlers};
use mercato_ports::manifest::ShopManifest;
use mercato_shop::handler;
use mercato_shop::http::client_address;
use mercato_shop::ports::Ports;
use mercato_shop::settings;
use mercato_webhooks::WebhooksService;

use crate::ports::NativePorts;

const MANIFESTS: [(&str, &str); 8] = [
    (
        "accounts",
        include_str!("../../../../components/accounts/service.toml"),
    ),
    ("carts", include_str!("../../../../components/carts/service.toml")),
    (
        "catalog",
        include_str!("../../../../components/catalog/service.toml"),
    ),
    (
        "gateway",
        include_str!("../../../../components/gateway/service.toml"),
    ),
    (
        "notifications",
        include_str!("../../../../components/notifications/service.toml"),
    ),
    (
        "orders",
        include_str!("../../../../components/orders/service.toml"),
    ),
    (
        "payments",
        include_str!("../../../../components/payments/service.toml"),
    ),
    (
        "webhooks",
        include_str!("../../../../components/webhooks/service.toml"),
    ),
];

type Catalog = CatalogService<NativePorts>;
type Orders = OrdersService<NativePorts, Catalog>;
type Accounts = AccountsService<NativePorts>;

/// A shop on the embedded store.
pub struct Shop {
    /// Answers requests.
    pub gateway: Gateway,
    /// The store.
    pub store: Arc<Store>,
    /// The services that handle events.
    pub subscribers: Arc<Subscribers>,
}

impl Shop {
    /// Opens the shop in a data folder. The environment has its settings.
    ///
    /// # Errors
    /// If the folder or a setting cannot be used.
    pub fn open(data: &Path) -> Result<Self> {
        let mut manifest = ShopManifest::default();
        for (service, text) in MANIFESTS {
            manifest.services.insert(service.into(), toml::from_str(text)?);
        }
        let config = read_config(&manifest)?;
        let store = Arc::new(Store::open(data, &manifest, Options::default())?);
        let ports = NativePorts::new(data, Arc::clone(&store), config)?;

        let catalog = Catalog::new(ports.clone());
        let orders = Orders::new(ports.clone(), catalog.clone());
        let accounts = Accounts::new(ports.clone());
        let subscribers = Subscribers {
            accounts: accounts.clone(),
            notifications: NotificationsService::new(ports.clone(), accounts.clone(), orders.clone()),
            orders: orders.clone(),
            payments: PaymentsService::new(ports.clone(), orders.clone()),
            webhooks: WebhooksService::new(ports.clone()),
        };
        let services = Services {
            accounts: Box::new(accounts),
            carts: Box::new(CartsService::new(ports.clone(), catalog.clone(), orders.clone())),
            catalog: Box::new(catalog),
            discounts: Box::new(orders.clone()),
            notifications: Box::new(subscribers.notifications.clone()),
            orders: Box::new(orders.clone()),
            payments: Box::new(subscribers.payments.clone()),
            placement: Box::new(orders),
            webhooks: Box::new(subscribers.webhooks.clone()),
            cache: Box::new(ports.clone()),
            documents: Box::new(ports.clone()),
            http: Box::new(ports.clone()),
        };
        let settings = Settings::read(|name| ports.config(name)).map_err(|reason| anyhow!(reason))?;
        Ok(Self {
            gateway: Gateway::new(&settings, services),
            store,
            subscribers: Arc::new(subscribers),
        })
    }
}

/// Reads the settings that the services declare, as the program `mercato` does.
fn read_config(manifest: &ShopManifest) -> Result<HashMap<String, String>> {
    let mut config: HashMap<String, String> = manifest
        .config_names()
        .filter_map(|name| Some((name.to_owned(), std::env::var(name).ok()?)))
        .collect();
    config
        .entry(client_address::SETTING.into())
        .or_insert_with(|| client_address::HEADER.to_string());
    settings::check(&|name| config.get(name).cloned()).map_err(|reason| anyhow!(reason))?;
    Ok(config)
}

/// The services that handle events.
pub struct Subscribers {
    accounts: Accounts,
    notifications: NotificationsService<NativePorts, Accounts, Orders>,
    orders: Orders,
    payments: PaymentsService<NativePorts, Orders>,
    webhooks: WebhooksService<NativePorts>,
}

#[async_trait]
impl Handlers for Subscribers {
    async fn handle(&self, subscriber: &str, events: Vec<Event>) -> Vec<Result<(), DeliveryFailure>> {
        let handled = match subscriber {
            "accounts" => handler::each(&events, |event| self.accounts.handle(event)),
            "notifications" => self.notifications.handle(&events),
            "orders" => self.orders.handle(&events),
            "payments" => handler::each(&events, |event| self.payments.handle(event)),
            "webhooks" => self.webhooks.handle(&events),
            other => {
                let failure = DeliveryFailure::Unreachable(format!("no service `{other}`"));
                return vec![Err(failure); events.len()];
            }
        };
        handled.into_iter().map(|result| Ok(result?)).collect()
    }
}
