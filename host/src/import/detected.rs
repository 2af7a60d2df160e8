//! Prints what is detected in a feed, with the flags that set it.

use iso_currency::Currency;
use mercato_feeds::columns::Field;
use mercato_feeds::layout::Layout;
use mercato_feeds::number::Mark;
use mercato_feeds::product::RowParser;
use mercato_feeds::source::{Container, Source};
use mercato_feeds::survey::{Example, Form, Survey};

use super::options::{Options, Stock};

/// Where the currency of prices without a currency comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DefaultCurrency {
    /// The shop has it.
    OfShop(Currency),
    /// The user chose it.
    Chosen(Currency),
    /// A dry run cannot ask the shop, so the currency is assumed.
    Assumed(Currency),
}

impl DefaultCurrency {
    /// Returns the currency.
    pub fn currency(self) -> Currency {
        match self {
            Self::OfShop(currency) | Self::Chosen(currency) | Self::Assumed(currency) => currency,
        }
    }
}

/// Returns a table of what is detected.
pub fn describe(
    options: &Options,
    source: &Source,
    parser: &RowParser,
    currency: DefaultCurrency,
    survey: &Survey,
    form: &Form,
) -> String {
    let mut lines = vec![format!("Detected in {}:", options.file.display())];
    let mut add = |name: &str, text: String, flag: &str| {
        let flag = if flag.is_empty() {
            String::new()
        } else {
            format!("  ({flag})")
        };
        lines.push(format!("  {name:<11}{text}{flag}"));
    };
    let container = match source.container {
        Container::Table => "table",
        Container::JsonLines => "JSON Lines",
        Container::JsonArray => "JSON array",
    };
    add("format", format!("{container}, {}", parser.layout), "--format");
    let groups = match (survey.groups.count(), parser.layout) {
        (0, _) => String::new(),
        (1, Layout::Shopify) => ", with 1 handle".into(),
        (groups, Layout::Shopify) => format!(", with {groups} handles"),
        (1, _) => ", with 1 product that has variants".into(),
        (groups, _) => format!(", with {groups} products that have variants"),
    };
    add("rows", format!("{}{groups}", survey.rows), "");
    add("encoding", source.encoding.to_string(), "--encoding");
    if let Some(dialect) = source.dialect {
        let reason = if dialect.separator_line {
            ", by the line `sep=`"
        } else {
            ""
        };
        let quoting = if dialect.quoting {
            ""
        } else {
            ", quotes are part of the text"
        };
        add(
            "separator",
            format!("{}{reason}{quoting}", dialect.separator),
            "--separator",
        );
    }
    add("decimals", decimals(form), "--decimal");
    add("currency", self::currency(parser, currency), "--currency");
    add("stock", stock(options, parser), "--stock, --quantity");
    let used = parser.columns.used();
    let pairs: Vec<String> = used
        .iter()
        .map(|(column, field)| format!("{column} = {field}"))
        .collect();
    add("columns", pairs.join(", "), "--map");
    // The second of two columns with one name is not read.
    let unused: Vec<&str> = source
        .columns
        .iter()
        .map(String::as_str)
        .enumerate()
        .filter(|(index, name)| !parser.columns.is_used(*index) && !parser.reads(name))
        .map(|(_, name)| name)
        .collect();
    if !unused.is_empty() {
        add("not read", unused.join(", "), "--map");
    }
    lines.join("\n")
}

fn decimals(form: &Form) -> String {
    let example = |example: &Example| format!("`{}` on line {}", example.text, example.line);
    let sample = |mark: &Mark| match mark {
        Mark::Point => "1,234.56",
        Mark::Comma => "1.234,56",
    };
    match form {
        Form::Chosen(mark) => format!("{mark} ({}), as you chose", sample(mark)),
        Form::Found(mark, found) => format!("{mark} ({}), as in {}", sample(mark), example(found)),
        Form::Likely(mark, found) => {
            format!(
                "{mark}, as in {}: its currency has three decimals",
                example(found)
            )
        }
        Form::OfLayout(mark) => format!("{mark} ({}), as this format has it", sample(mark)),
        Form::Mixed(point, comma) => format!(
            "both point ({}) and comma ({}): ambiguous numbers are refused",
            example(point),
            example(comma)
        ),
        Form::Unknown(None) => "none".into(),
        Form::Unknown(Some(found)) => {
            format!(
                "unknown: ambiguous numbers, such as {}, are refused",
                example(found)
            )
        }
    }
}

fn currency(parser: &RowParser, currency: DefaultCurrency) -> String {
    let has_column = if parser.columns.has(Field::Currency) {
        "the column, or else "
    } else {
        ""
    };
    if let Some(named) = parser.columns.price_currency {
        return format!("{has_column}{}, by the name of the price column", named.code());
    }
    let code = currency.currency().code();
    match currency {
        DefaultCurrency::Chosen(_) => format!("{has_column}{code}, as you chose"),
        DefaultCurrency::OfShop(_) => {
            format!("{has_column}{code} of the shop for new products; known products keep theirs")
        }
        DefaultCurrency::Assumed(_) => {
            format!("{has_column}that of the shop; it cannot be asked now, so {code} is assumed")
        }
    }
}

fn stock(options: &Options, parser: &RowParser) -> String {
    let has_number = parser.columns.has(Field::Quantity);
    let source = match (has_number, parser.columns.has(Field::Availability)) {
        (true, _) => String::new(),
        (false, true) => {
            let units = options.quantity.unwrap_or(1);
            format!("no numbers: {units} assumed for new products that are in stock; ")
        }
        (false, false) => {
            let units = options.quantity.unwrap_or(0);
            format!("no column: {units} assumed for new products; ")
        }
    };
    let known = match options.stock {
        Stock::Set if has_number => "known products get the stock of the feed",
        Stock::Set | Stock::Keep => "known products keep their stock",
    };
    format!("{source}{known}")
}
