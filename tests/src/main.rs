//! The black-box tests of Mercato. They check the promises of a shop over HTTP, on any runtime. The shop need
//! not be empty: tests use only the data that they create.
//!
//! ```text
//! API_SECRET=… mercato-tests --url http://127.0.0.1:3000
//! ```
//!
//! Some tests need more than a running shop. They are ignored, or not listed, unless these variables are set:
//!
//! | tests | variables |
//! |---|---|
//! | of the `mercato` binary: crashes, start-up, import | `MERCATO_BIN`, `MERCATO_SHOP` |
//! | that configure a shop, under Spin | `MERCATO_SPIN_HOST`, `MERCATO_SPIN_MANIFEST`, `MERCATO_SPIN_CACHE` |
//! | of payments by Stripe's API | `MERCATO_TEST_STRIPE`, `MERCATO_TEST_SMTP`, `MERCATO_TEST_SMTP_FOLDER` |
//! | of processes behind a proxy | `MERCATO_BIN`, `MERCATO_SHOP`, `MERCATO_HAPROXY` |
//! | of mail | `MERCATO_TEST_MAILS`, the Maildir of the shop's mail server |
//! | of a lattice, and that configure it | `MERCATO_TEST_LATTICE`, a lattice without other clients (use one thread) |

mod access_table;
mod accounts;
mod admin_command;
mod audit_log;
mod authorization;
mod availability;
mod backup;
mod bad_input;
mod binary;
mod carts;
mod catalog;
mod categories;
mod clients;
mod compat;
mod compatible_paths;
mod concurrency;
mod configured;
mod connections;
mod content_negotiation;
mod contract;
mod crash;
mod data_folder;
mod dead_letters;
mod deleted_products;
mod discounts;
mod documentation;
mod durable_safety;
mod examples;
mod export_import;
mod facets;
mod feeds;
mod fixtures;
mod gateway_settings;
mod graphql;
mod graphql_over_http;
mod http;
mod http2;
mod http_edge;
mod idempotency;
mod import_command;
mod isolation;
mod keep_alive;
mod large_amounts;
mod large_feeds;
mod lattice;
mod limits;
mod listener;
mod maildir;
mod mails;
mod metrics;
mod node;
mod notifications;
mod oidc;
mod operations;
mod order_status;
mod order_validation;
mod orders;
mod parallel;
mod password_reset;
mod passwords;
mod payments;
mod process;
mod product_import;
mod product_limits;
mod product_prices;
mod profiles;
mod proxy;
mod raw;
mod redis;
mod response_headers;
mod rest;
mod rest_authorization;
mod rest_notifications;
mod rest_shopping;
mod schemathesis;
mod service_settings;
mod sessions;
mod shop;
mod slow_clients;
mod sms;
mod sse;
mod startup;
mod stock;
mod streams;
mod stripe;
mod subscriptions;
mod text_search;
mod tokens;
mod trials;
mod user_names;
mod users;
mod values;
mod variants;
mod wait;
mod webhook_deliveries;
mod webhooks;

use std::process::ExitCode;
use std::sync::Arc;

use clap::Parser;
use libtest_mimic::Arguments;

use crate::shop::Shop;

/// Checks a running shop over HTTP.
#[derive(Parser)]
struct Cli {
    /// The base URL of the shop.
    #[arg(long, default_value = "http://127.0.0.1:3000")]
    url: String,

    /// The shop's API key. Set it in the environment, so that no list of processes shows it.
    #[arg(long, env = "API_SECRET", hide_env_values = true, default_value = "")]
    secret: String,

    /// Leave out the tests of the `mercato` binary.
    #[arg(long)]
    shop_only: bool,

    /// Run only the portability subset: the tests that a runtime can break.
    #[arg(long)]
    portable_only: bool,

    #[command(flatten)]
    harness: Arguments,
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    if cli.secret.is_empty() && !cli.harness.list {
        eprintln!(
            "mercato-tests: set API_SECRET to the shop's API key (the file api-secret of the shop's data folder)."
        );
        return ExitCode::from(2);
    }
    let shop = Arc::new(Shop::new(&cli.url, &cli.secret));
    let areas = [
        accounts::tests(&shop),
        admin_command::tests(),
        audit_log::tests(&shop),
        authorization::tests(&shop),
        availability::tests(),
        backup::tests(),
        bad_input::tests(&shop),
        carts::tests(&shop),
        catalog::tests(&shop),
        categories::tests(&shop),
        clients::tests(&shop),
        compat::tests(&shop),
        compatible_paths::tests(&shop),
        concurrency::tests(&shop),
        connections::tests(&shop),
        content_negotiation::tests(&shop),
        contract::tests(&shop),
        crash::tests(),
        data_folder::tests(),
        dead_letters::tests(),
        deleted_products::tests(&shop),
        discounts::tests(&shop),
        documentation::tests(),
        durable_safety::tests(),
        examples::tests(&shop),
        export_import::tests(),
        facets::tests(&shop),
        feeds::tests(),
        gateway_settings::tests(),
        graphql_over_http::tests(&shop),
        http_edge::tests(&shop),
        idempotency::tests(&shop),
        import_command::tests(&shop),
        isolation::tests(&shop),
        keep_alive::tests(&shop),
        large_amounts::tests(&shop),
        large_feeds::tests(&shop),
        limits::tests(&shop),
        mails::tests(&shop),
        metrics::tests(),
        node::tests(&shop),
        notifications::tests(&shop),
        oidc::tests(),
        operations::tests(&shop),
        order_status::tests(&shop),
        order_validation::tests(&shop),
        orders::tests(&shop),
        password_reset::tests(&shop),
        passwords::tests(&shop),
        payments::tests(&shop),
        product_import::tests(&shop),
        product_limits::tests(&shop),
        product_prices::tests(&shop),
        profiles::tests(&shop),
        proxy::tests(),
        response_headers::tests(&shop),
        rest::tests(&shop),
        rest_authorization::tests(&shop),
        rest_notifications::tests(&shop),
        rest_shopping::tests(&shop),
        schemathesis::tests(),
        service_settings::tests(),
        sessions::tests(&shop),
        slow_clients::tests(),
        sms::tests(),
        startup::tests(),
        stock::tests(&shop),
        streams::tests(),
        stripe::tests(),
        subscriptions::tests(&shop),
        user_names::tests(&shop),
        text_search::tests(&shop),
        variants::tests(&shop),
        webhook_deliveries::tests(),
        webhooks::tests(&shop),
        // The last area, since its tests end parts of the lattice.
        lattice::tests(&shop),
    ];
    let mut trials: Vec<_> = areas.into_iter().flatten().collect();
    trials.retain(|trial| {
        let left_out = cli.shop_only && trial.kind() == binary::NEEDS_BINARY
            || cli.portable_only && trial.kind() == trials::COMPONENT;
        !left_out
    });
    libtest_mimic::run(&cli.harness, trials).exit_code()
}
