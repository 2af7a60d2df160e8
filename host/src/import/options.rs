//! The options of `mercato import`.

use std::path::PathBuf;

use clap::Args;
use iso_currency::Currency;
use mercato_feeds::columns::Mapping;
use mercato_feeds::source::{Encoding, Format};

/// Import a product feed (CSV or JSON Lines) into a running shop.
///
/// The external id identifies a product. A second import of a feed creates no product twice. It updates
/// changed products, and does not change stock. So an interrupted import can be run again. If several rows
/// have the same id, the first one is imported and the others are refused.
///
/// The command succeeds if every row was imported, or was refused and reported.
#[derive(Debug, Args)]
pub struct Options {
    /// The feed: CSV with a header line, JSON Lines, or an export of products as JSON Lines.
    pub file: PathBuf,
    /// The URL of the shop.
    #[arg(long, env = "MERCATO_URL", default_value = "http://127.0.0.1:3000")]
    pub url: String,
    /// The API key of the shop. By default it is read from the data folder.
    #[arg(long, env = "API_SECRET", hide_env_values = true)]
    pub key: Option<String>,
    /// The data folder of the shop, for a generated API key.
    #[arg(long, env = "MERCATO_DATA", value_name = "DIR", default_value = ".mercato")]
    pub data: PathBuf,
    /// The column of a field, if its name is not recognised. Repeat it for several fields: externalId, name,
    /// description, manufacturer, price, currency, quantity.
    #[arg(long, value_name = "FIELD=COLUMN")]
    pub map: Vec<Mapping>,
    /// The format of the feed. By default it is guessed.
    #[arg(long, value_enum)]
    pub format: Option<Format>,
    /// The encoding of the feed. By default it is guessed.
    #[arg(long, value_enum)]
    pub encoding: Option<Encoding>,
    /// The currency of prices without a currency: an ISO 4217 code.
    #[arg(long, value_name = "CODE", default_value = "USD", value_parser = currency)]
    pub currency: Currency,
    /// The quantity of products without a quantity.
    #[arg(
        long,
        value_name = "COUNT",
        default_value_t = 0,
        value_parser = clap::value_parser!(i32).range(0..)
    )]
    pub quantity: i32,
    /// Allow prices of 0, which many feeds use for an unknown price.
    #[arg(long)]
    pub allow_zero_price: bool,
    /// The maximum number of rows in one request.
    #[arg(
        long,
        value_name = "ROWS",
        default_value_t = 500,
        value_parser = clap::value_parser!(u16).range(1..=500)
    )]
    pub batch: u16,
    /// Start with the row at this line of the file.
    #[arg(long, value_name = "LINE", default_value_t = 1)]
    pub from_line: u64,
    /// Write all refused rows to this file, as CSV.
    #[arg(long, value_name = "FILE")]
    pub report: Option<PathBuf>,
}

fn currency(code: &str) -> Result<Currency, String> {
    Currency::from_code(&code.to_ascii_uppercase())
        .ok_or_else(|| "it must be an ISO 4217 code, such as EUR".into())
}
