//! The options of `mercato import`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use iso_currency::Currency;
use mercato_feeds::columns::Mapping;
use mercato_feeds::layout::Layout;
use mercato_feeds::number::Mark;
use mercato_feeds::source::{Container, Encoding, Separator};

const EXIT_CODES: &str = "\
Exit codes:
   0  all rows are imported, or left out as drafts
   2  the command line is invalid
  65  some rows are refused, or the feed cannot be read as a feed
  66  the feed is missing
  69  the shop cannot be reached, or the import is interrupted
  73  the report cannot be written
  78  there is no API key";

/// Import a product feed (CSV or JSON Lines) into a running shop.
///
/// The command reads the whole feed first, and prints what it detects: format, encoding, separator, decimal mark,
/// currency and columns. Each can be set by a flag. Nothing is sent with --dry-run.
///
/// The external id identifies a product. A second import of a feed creates no product twice. A known product
/// keeps the fields that the feed has no column for. An empty cell clears a field. If several rows have the same
/// id, the first one is imported and the others are refused.
#[derive(Debug, Args)]
#[command(after_help = EXIT_CODES)]
pub struct Options {
    /// The feed: a table with a header line, JSON Lines, or an export of products as JSON Lines.
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
    /// Read the feed and print what would be sent, but send nothing.
    #[arg(long)]
    pub dry_run: bool,
    /// The column of a field, if its name is not recognised. Repeat it for several fields: externalId, name,
    /// description, manufacturer, price, salePrice, compareAtPrice, currency, quantity, availability, sku,
    /// category, images, weight (in grams) and others. An empty COLUMN says that the feed has none.
    #[arg(long, value_name = "FIELD=COLUMN")]
    pub map: Vec<Mapping>,
    /// The format of the feed. By default it is detected.
    #[arg(long, value_enum)]
    pub format: Option<Format>,
    /// The encoding of the feed, such as utf-8, utf-16le, windows-1252 or shift_jis. By default it is detected.
    #[arg(long, value_name = "NAME")]
    pub encoding: Option<Encoding>,
    /// The separator of the values: comma, semicolon, tab, pipe or one character. By default it is detected.
    #[arg(long, value_name = "CHARACTER")]
    pub separator: Option<Separator>,
    /// The decimal mark of prices, stock and weights. By default it is detected.
    #[arg(long, value_enum)]
    pub decimal: Option<Mark>,
    /// The currency of prices without a currency: an ISO 4217 code. By default a known product keeps its
    /// currency, and a new one gets the currency of the shop.
    #[arg(long, value_name = "CODE", value_parser = currency)]
    pub currency: Option<Currency>,
    /// The quantity of new products without a quantity. The default is 0, or 1 if the feed says that the product
    /// is in stock.
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(i32).range(0..))]
    pub quantity: Option<i32>,
    /// What to do with the stock of known products.
    #[arg(long, value_enum, default_value_t = Stock::Keep)]
    pub stock: Stock,
    /// Import products that the feed marks as draft, archived or private. By default they are left out.
    #[arg(long)]
    pub include_drafts: bool,
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
    /// Write all refused rows to this file, as CSV: line, external id, code, field and reason.
    #[arg(long, value_name = "FILE")]
    pub report: Option<PathBuf>,
}

/// The format of a feed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// A table with a header line and one product a row.
    Csv,
    /// One JSON object a line, or one JSON array of objects.
    Jsonl,
    /// Shopify's export of products.
    Shopify,
    /// The export of products of WooCommerce.
    Woocommerce,
    /// Google's product feed as a table.
    Google,
    /// An export of a shop as JSON Lines: prices in minor units, with categories and variants.
    Export,
}

impl Format {
    /// Returns the container of the feed, if the format has only one.
    pub fn container(self) -> Option<Container> {
        match self {
            Self::Csv | Self::Shopify | Self::Woocommerce => Some(Container::Table),
            Self::Jsonl | Self::Google | Self::Export => None,
        }
    }

    /// Returns the layout of the columns.
    pub fn layout(self) -> Layout {
        match self {
            Self::Csv | Self::Jsonl | Self::Export => Layout::Plain,
            Self::Shopify => Layout::Shopify,
            Self::Woocommerce => Layout::Woocommerce,
            Self::Google => Layout::Google,
        }
    }
}

/// What an import does with the stock of known products.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Stock {
    /// Leave it unchanged, because a feed knows no sales.
    Keep,
    /// Set the units on hand to the quantity in the feed.
    Set,
}

impl Stock {
    /// Returns the value in the API.
    pub fn name(self) -> &'static str {
        match self {
            Self::Keep => "KEEP",
            Self::Set => "SET",
        }
    }
}

fn currency(code: &str) -> Result<Currency, String> {
    mercato_feeds::currency_from_code(code)
        .ok_or_else(|| "it must be an ISO 4217 code in use, such as EUR".into())
}
