//! The named configurations of a lattice on this machine.

use anyhow::Result;

use super::layout::ZONES;
use super::parts::Tool;
use mercato_wasm_toolchain::process::run;

/// What the configurations hold.
pub struct Values<'a> {
    /// The API key.
    pub secret: &'a str,
    /// The address of MongoDB.
    pub mongodb: &'a str,
    /// The address of Kafka.
    pub kafka: &'a str,
    /// The address of Redis.
    pub redis: &'a str,
    /// The address of the mail server.
    pub smtp: &'a str,
    /// The ports of the gateways, by zone.
    pub gateways: [u16; 2],
    /// Settings of all services, as `KEY=VALUE`; at least one.
    pub settings: &'a [String],
}

/// Puts the configurations that the manifest names.
///
/// # Errors
/// The lattice can't be reached.
pub fn put(tool: &Tool, values: &Values) -> Result<()> {
    let put = |name: &str, values_of: &[&str]| {
        let mut command = tool.command(&["config", "put", name]);
        run(command.args(values_of).env("API_SECRET", values.secret))
    };
    put("mercato-secret", &["--env", "API_SECRET=API_SECRET"])?;
    let url = format!("url={}", values.mongodb);
    put("mercato-mongodb", &[&url])?;
    put("mercato-kafka", &[&format!("brokers={}", values.kafka)])?;
    put("mercato-redis", &[&format!("url={}", values.redis)])?;
    let smtp = format!("url={}", values.smtp);
    put("mercato-smtp", &[&smtp, "from=Mercato <shop@example.com>"])?;
    let hosts = "HTTP_CLIENT_HOSTS=api.stripe.com,api.twilio.com,webhooks.example";
    put("mercato-http-client", &[hosts])?;
    put("mercato-notifications", &["OPERATOR_EMAIL=operator@example.com"])?;
    put(
        "mercato-payments",
        &[
            "PAYMENT_GATEWAY=test",
            "--env",
            "STRIPE_WEBHOOK_SECRET=API_SECRET",
        ],
    )?;
    let settings: Vec<_> = values.settings.iter().map(String::as_str).collect();
    put("mercato-settings", &settings)?;
    for (zone, port) in ZONES.into_iter().zip(values.gateways) {
        put(
            &format!("mercato-http-{zone}"),
            &[&format!("address=127.0.0.1:{port}")],
        )?;
    }
    Ok(())
}
