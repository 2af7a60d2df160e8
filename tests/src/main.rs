//! The black-box tests of Mercato: everything a shop promises, checked over HTTP against any running shop, whatever
//! runtime carries it. It never assumes an empty shop, and never touches what it did not make.
//!
//! ```text
//! API_SECRET=… mercato-tests --url http://127.0.0.1:3000
//! ```
//!
//! Tests of the `mercato` binary itself (crashes, start-up, import) start shops of their own; they need
//! `MERCATO_BIN` and `MERCATO_SHOP` in the environment and are reported as ignored without them; so are those of payments by Stripe's API
//! without `MERCATO_TEST_STRIPE`, `MERCATO_TEST_SMTP` and `MERCATO_TEST_SMTP_FOLDER`. Those that configure their shops run under Spin as
//! well where `MERCATO_SPIN_HOST`, `MERCATO_SPIN_MANIFEST` and `MERCATO_SPIN_CACHE` name a host of it. Those of mail need
//! `MERCATO_TEST_MAILS`, the Maildir of the shop's mail server. Tests of a lattice, and those that configure it, need
//! `MERCATO_TEST_LATTICE`, the lattice for themselves, and one thread.

mod accounts;
mod answer;
mod audit;
mod audits;
mod authorization;
mod bad_input;
mod bad_values;
mod browsers;
mod carts;
mod catalog;
mod categories;
mod client;
mod compat;
mod concurrency;
mod configured;
mod connections;
mod contract;
mod crash;
mod data_folder;
mod dead_letters;
mod deleted_products;
mod deliveries;
mod discounts;
mod edge;
mod events;
mod export_import;
mod facets;
mod feeds;
mod graphql_over_http;
mod import;
mod isolation;
mod lattice;
mod letters;
mod limits;
mod listener;
mod mails;
mod metrics;
mod negotiation;
mod notifications;
mod oidc;
mod operations;
mod order_status;
mod orders;
mod own;
mod payments;
mod product_import;
mod profiles;
mod readme;
mod refused_orders;
mod repeated;
mod rest;
mod rest_authorization;
mod rest_notifications;
mod rest_shopping;
mod sessions;
mod settings;
mod sms;
mod startup;
mod stock;
mod streams;
mod stripe;
mod subscriptions;
mod tokens;
mod trials;
mod variants;
mod webhooks;
mod world;

use std::process::ExitCode;
use std::sync::Arc;

use clap::Parser;
use libtest_mimic::Arguments;

use crate::client::Shop;
use crate::world::World;

/// Checks a running shop over HTTP.
#[derive(Parser)]
struct Cli {
    /// The base URL of the shop.
    #[arg(long, default_value = "http://127.0.0.1:3000")]
    url: String,

    /// The shop's API key; for this process only, so that it never shows in a list of processes.
    #[arg(long, env = "API_SECRET", hide_env_values = true, default_value = "")]
    secret: String,

    /// Leave out the tests that start shops of their own.
    #[arg(long)]
    shop_only: bool,

    #[command(flatten)]
    harness: Arguments,
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    if cli.secret.is_empty() && !cli.harness.list {
        eprintln!("mercato-tests: set API_SECRET to the shop's API key (it is in the shop's data folder).");
        return ExitCode::from(2);
    }
    let world = Arc::new(World::new(Shop::new(&cli.url, &cli.secret)));
    let areas = [
        accounts::tests(&world),
        audit::tests(&world),
        audits::tests(&world),
        authorization::tests(&world),
        bad_input::tests(&world),
        bad_values::tests(&world),
        carts::tests(&world),
        browsers::tests(&world),
        catalog::tests(&world),
        categories::tests(&world),
        compat::tests(&world),
        concurrency::tests(&world),
        connections::tests(&world),
        contract::tests(&world),
        crash::tests(),
        data_folder::tests(),
        dead_letters::tests(),
        deleted_products::tests(&world),
        deliveries::tests(),
        discounts::tests(&world),
        export_import::tests(),
        facets::tests(&world),
        edge::tests(),
        feeds::tests(&world),
        graphql_over_http::tests(&world),
        import::tests(&world),
        isolation::tests(&world),
        letters::tests(&world),
        limits::tests(&world),
        metrics::tests(),
        negotiation::tests(&world),
        notifications::tests(&world),
        oidc::tests(),
        operations::tests(&world),
        order_status::tests(&world),
        orders::tests(&world),
        payments::tests(&world),
        product_import::tests(&world),
        profiles::tests(&world),
        readme::tests(),
        refused_orders::tests(&world),
        repeated::tests(&world),
        rest::tests(&world),
        rest_authorization::tests(&world),
        rest_notifications::tests(&world),
        rest_shopping::tests(&world),
        sessions::tests(&world),
        settings::tests(),
        sms::tests(),
        startup::tests(),
        stock::tests(&world),
        stripe::tests(),
        streams::tests(),
        subscriptions::tests(&world),
        variants::tests(&world),
        webhooks::tests(&world),
        // The last, since they end its parts.
        lattice::tests(&world),
    ];
    let mut trials: Vec<_> = areas.into_iter().flatten().collect();
    trials.retain(|trial| !cli.shop_only || trial.kind() != own::KIND);
    libtest_mimic::run(&cli.harness, trials).exit_code()
}
