//! `mercato import`: puts a product feed into a running shop, through its API.

mod client;
mod export;
mod report;
mod run;
mod sender;

use std::path::PathBuf;

use clap::Args;
use iso_currency::Currency;

pub use run::run;

use mercato_feeds::columns::Mapping;
use mercato_feeds::source::{Encoding, Format};

/// Puts a product feed into a running shop.
///
/// Products are known by their external id: importing a feed again creates nothing twice, brings changed products up to
/// date, and leaves stock alone. So an import that was interrupted is simply run again. Of several rows with the same
/// id, the first is imported and the others are refused.
///
/// The command succeeds where each row was imported, or refused for a reason that it reports.
#[derive(Debug, Args)]
pub struct Options {
    /// The feed: CSV with a header line, or JSON Lines; or an export of products as lines of JSON.
    pub file: PathBuf,
    /// Where the shop is.
    #[arg(long, env = "MERCATO_URL", default_value = "http://127.0.0.1:3000")]
    pub url: String,
    /// The shop's API key; where there is none, it is read from the data folder.
    #[arg(long, env = "API_SECRET", hide_env_values = true)]
    pub key: Option<String>,
    /// The shop's data folder, for the key that the shop generated.
    #[arg(long, env = "MERCATO_DATA", value_name = "DIR", default_value = ".mercato")]
    pub data: PathBuf,
    /// In which column a field is, where its name does not tell; can be given several times. Fields: externalId, name,
    /// description, manufacturer, price, currency, quantity.
    #[arg(long, value_name = "FIELD=COLUMN")]
    pub map: Vec<Mapping>,
    /// The form of the feed; guessed where it is not given.
    #[arg(long, value_enum)]
    pub format: Option<Format>,
    /// The encoding of the feed; guessed where it is not given.
    #[arg(long, value_enum)]
    pub encoding: Option<Encoding>,
    /// The currency of prices that name none: an ISO 4217 code.
    #[arg(long, value_name = "CODE", default_value = "USD", value_parser = currency)]
    pub currency: Currency,
    /// How many there are of products whose rows don't say.
    #[arg(long, value_name = "COUNT", default_value_t = 0, value_parser = clap::value_parser!(i32).range(0..))]
    pub quantity: i32,
    /// Take prices of 0, which most feeds write for an unknown price.
    #[arg(long)]
    pub allow_zero_price: bool,
    /// The most rows of one request.
    #[arg(long, value_name = "ROWS", default_value_t = 500, value_parser = clap::value_parser!(u16).range(1..=500))]
    pub batch: u16,
    /// Begin with the row at this line of the file.
    #[arg(long, value_name = "LINE", default_value_t = 1)]
    pub from_line: u64,
    /// List every refused row in this file, as CSV.
    #[arg(long, value_name = "FILE")]
    pub report: Option<PathBuf>,
}

fn currency(code: &str) -> Result<Currency, String> {
    Currency::from_code(&code.to_ascii_uppercase()).ok_or_else(|| "there is no such ISO 4217 code".into())
}
