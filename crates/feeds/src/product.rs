//! Parses the rows of a feed into products for the API of the shop.

mod model;
mod texts;

use iso_currency::Currency;
use time::OffsetDateTime;

use crate::columns::{Columns, Field};
use crate::currency;
use crate::layout::{Layout, normalize};
use crate::number::{self, Mark};
use crate::price::{Price, PriceError, PriceText};
pub use crate::row_error::RowError;
use crate::sale;
use crate::source::Value;
use crate::visibility;
use crate::weight;
pub use model::{Attribute, Image, Note, Product};
use texts::{empty, image, is_available, json_list, reject_error_value, split_escaped, split_urls};
pub use texts::{fold_spaces, reject_spreadsheet_text, to_json};

/// The maximum number of images of a product in a shop.
const MAX_IMAGES: usize = 20;

/// The maximum length of the value of an attribute in a shop.
const MAX_ATTRIBUTE: usize = 500;

/// The columns of Google's feed that are attributes or distinguish variants.
pub const GOOGLE_OPTIONS: [(&str, &str); 8] = [
    ("color", "Color"),
    ("size", "Size"),
    ("material", "Material"),
    ("pattern", "Pattern"),
    ("gender", "Gender"),
    ("agegroup", "Age group"),
    ("sizetype", "Size type"),
    ("sizesystem", "Size system"),
];

/// The columns of Google's feed that are attributes only.
const GOOGLE_ATTRIBUTES: [(&str, &str); 3] = [("gtin", "GTIN"), ("mpn", "MPN"), ("condition", "Condition")];

/// The columns of Shopify's export that belong to no field.
const SHOPIFY_COLUMNS: [&str; 5] = [
    "tags",
    "imageposition",
    "imagealttext",
    "variantimage",
    "variantimageurl",
];

/// Parses rows.
#[derive(Clone, Debug)]
pub struct RowParser {
    /// The columns.
    pub columns: Columns,
    /// The layout.
    pub layout: Layout,
    /// The decimal mark of numbers, if it is known.
    pub form: Option<Mark>,
    /// The currency of the shop, for prices without a currency.
    pub shop_currency: Currency,
    /// The currency of prices without a currency, if the user chose one.
    pub currency: Option<Currency>,
    /// The quantity of rows without a quantity, if the user chose one.
    pub quantity: Option<i32>,
    /// Whether the stock of known products is set. Then a quantity that is only assumed is not sent.
    pub sets_stock: bool,
    /// Whether a price of 0 is allowed.
    pub allow_zero_price: bool,
    /// The time of the import, which decides whether a sale is on.
    pub now: OffsetDateTime,
}

impl RowParser {
    /// Parses a row that is a product of its own.
    ///
    /// # Errors
    /// If a field is invalid, or if the id, the name or the price is empty.
    pub fn parse(&self, row: &[Value]) -> Result<Product, RowError> {
        let mut product = self.base(row)?;
        self.add_offer(row, &mut product)?;
        let is_empty = |field| self.columns.has(field).then_some(field);
        let missing = match (&product.name, product.price_amount) {
            (None, _) => is_empty(Field::Name),
            (_, None) => is_empty(Field::Price),
            _ => None,
        };
        missing.map_or(Ok(product), |field| Err(empty(field)))
    }

    /// Returns whether a column is read that belongs to no field, because the layout has it.
    pub fn reads(&self, column: &str) -> bool {
        let name = normalize(column);
        let is_one_of = |columns: &[(&str, &str)]| columns.iter().any(|(column, _)| *column == name);
        match self.layout {
            Layout::Plain => visibility::reads(&self.columns, &name),
            Layout::Table => false,
            Layout::Google => {
                name == "itemgroupid" || is_one_of(&GOOGLE_OPTIONS) || is_one_of(&GOOGLE_ATTRIBUTES)
            }
            Layout::Shopify => {
                name.starts_with("option") && (name.ends_with("name") || name.ends_with("value"))
                    || SHOPIFY_COLUMNS.contains(&name.as_str())
                    || visibility::reads(&self.columns, &name)
            }
            Layout::Woocommerce => {
                name.starts_with("attribute") && (name.ends_with("name") || name.ends_with("values"))
                    || name == "type"
                    || visibility::reads(&self.columns, &name)
            }
        }
    }

    /// Parses the fields that the variants of a product share.
    ///
    /// # Errors
    /// If a field is invalid, or if the id is empty.
    pub fn base(&self, row: &[Value]) -> Result<Product, RowError> {
        self.columns.reject_conflicts(row)?;
        let text = |field| Ok(self.columns.text(row, field)?.map(str::to_owned));
        let filled = |field| Ok(text(field)?.filter(|text: &String| !text.is_empty()));
        if let Value::Number(number) = self.columns.value(row, Field::Name) {
            let message = format!("it is the number {number}, and not a text");
            return Err(RowError::bad_input(Field::Name.name(), message));
        }
        let mut product = Product {
            external_id: self.external_id(row)?,
            name: self.product_name(row)?,
            description: match (filled(Field::Description)?, filled(Field::ShortDescription)?) {
                (None, None) => text(Field::Description)?,
                (long, short) => long.or(short),
            },
            manufacturer: text(Field::Manufacturer)?,
            slug: filled(Field::Slug)?,
            category_path: self.category_path(row)?,
            images: self.images(row)?,
            attributes: self.attributes(row)?,
            parent_external_id: filled(Field::Parent)?,
            options: json_list(Field::Options, text(Field::Options)?)?.filter(|options| !options.is_empty()),
            ..Product::default()
        };
        if self.layout == Layout::Woocommerce {
            // The export writes a line break as `\n`.
            product.description = product.description.map(|text| text.replace("\\n", "\n"));
            product.parent_external_id = None;
        }
        self.limit(&mut product);
        Ok(product)
    }

    /// Returns the name on one line. A table of the shop keeps its spaces.
    fn product_name(&self, row: &[Value]) -> Result<Option<String>, RowError> {
        let name = self.columns.text(row, Field::Name)?.unwrap_or_default();
        reject_error_value(Field::Name, name)?;
        let name = match self.layout {
            Layout::Table => name.to_owned(),
            Layout::Plain | Layout::Google | Layout::Shopify | Layout::Woocommerce => fold_spaces(name),
        };
        Ok(Some(name).filter(|name| !name.is_empty()))
    }

    /// Parses the fields that each variant has of its own: price, stock, SKU and weight.
    ///
    /// # Errors
    /// If a field is invalid.
    pub fn add_offer(&self, row: &[Value], product: &mut Product) -> Result<(), RowError> {
        self.columns.reject_conflicts(row)?;
        if let Some((price, compare_at)) = self.price(row)? {
            product.price_amount = Some(price.amount);
            product.compare_at_price = compare_at;
            product.currency = (price.is_named || self.default_is_named()).then(|| price.currency.code());
        }
        let sku = self.columns.text(row, Field::Sku)?;
        if let Some(sku) = sku {
            reject_spreadsheet_text(Field::Sku, sku)?;
        }
        product.sku = sku.map(str::to_owned);
        product.weight = match self.number(row, Field::Weight)? {
            None => None,
            Some(("", _)) => Some(0),
            Some((text, form)) => {
                let weight = weight::parse(text, self.columns.grams, form);
                Some(weight.map_err(|reason| RowError::bad_input(Field::Weight.name(), reason))?)
            }
        };
        self.add_quantity(row, product)
    }

    /// Returns the external id of a row.
    ///
    /// # Errors
    /// If it is empty, or if a spreadsheet has shortened or replaced it.
    pub fn external_id(&self, row: &[Value]) -> Result<String, RowError> {
        let mut id = self.columns.text(row, Field::ExternalId)?.unwrap_or_default();
        if id.is_empty() && self.layout == Layout::Woocommerce {
            id = self.columns.text(row, Field::Sku)?.unwrap_or_default();
        }
        reject_spreadsheet_text(Field::ExternalId, id)?;
        if id.is_empty() {
            Err(empty(Field::ExternalId))
        } else {
            Ok(id.to_owned())
        }
    }

    /// Returns the text of a number and its decimal mark. A number of JSON always has a point.
    fn number<'a>(
        &self,
        row: &'a [Value],
        field: Field,
    ) -> Result<Option<(&'a str, Option<Mark>)>, RowError> {
        let form = match self.columns.value(row, field) {
            Value::Number(_) => Some(Mark::Point),
            _ => self.form,
        };
        Ok(self.columns.text(row, field)?.map(|text| (text, form)))
    }

    fn default_is_named(&self) -> bool {
        self.currency.or(self.columns.price_currency).is_some()
    }

    /// Returns the currency of prices without a currency.
    pub fn default_currency(&self) -> Currency {
        let named = self.columns.price_currency.or(self.currency);
        named.unwrap_or(self.shop_currency)
    }

    /// Returns the currency of the currency column.
    ///
    /// # Errors
    /// If it is unknown.
    pub fn column_currency(&self, row: &[Value]) -> Result<Option<Currency>, RowError> {
        let name = self
            .columns
            .text(row, Field::Currency)?
            .filter(|name| !name.is_empty());
        let Some(name) = name else {
            return Ok(None);
        };
        let unknown = || {
            let message = format!(
                "`{}` is not a known currency: use an ISO 4217 code such as EUR",
                number::shorten(name)
            );
            RowError::bad_input(Field::Currency.name(), message)
        };
        currency::find(name, self.default_currency())
            .map(Some)
            .ok_or_else(unknown)
    }

    /// Returns the price that a row sells at, and the price before a sale: 0 if there is none, and none if the
    /// feed does not name it.
    fn price(&self, row: &[Value]) -> Result<Option<(Price, Option<i64>)>, RowError> {
        let column = self.column_currency(row)?;
        let read = |field: Field| -> Result<Option<Price>, RowError> {
            let Some((text, form)) = self.number(row, field)?.filter(|(text, _)| !text.is_empty()) else {
                return Ok(None);
            };
            let price = PriceText::parse(text, column, self.default_currency());
            let price = price.and_then(|price| price.price(form));
            price
                .map(Some)
                .map_err(|error| RowError::bad_input(field.name(), error.to_string()))
        };
        let regular = read(Field::Price)?;
        let sale = match read(Field::SalePrice)? {
            Some(sale) if self.sale_is_on(row)? => Some(sale),
            _ => None,
        };
        let (price, before) = match (sale, regular) {
            (Some(sale), regular) => (sale, regular),
            (None, Some(regular)) => (regular, read(Field::CompareAtPrice)?),
            (None, None) => return Ok(None),
        };
        if let Some(before) = before.filter(|before| before.currency != price.currency) {
            let error = PriceError::TwoCurrencies(price.currency.code(), before.currency.code());
            return Err(RowError::bad_input(Field::Price.name(), error.to_string()));
        }
        if sale.is_some() && before.is_some_and(|before| before.amount < price.amount) {
            let message = "the sale price is greater than the price: correct one of them";
            return Err(RowError::bad_input(Field::SalePrice.name(), message));
        }
        if price.amount == 0 && !self.allow_zero_price {
            let message =
                "the price is 0, which many feeds use for an unknown price; allow it with --allow-zero-price";
            return Err(RowError::bad_input(Field::Price.name(), message));
        }
        let is_named = self.columns.has(Field::SalePrice) || self.columns.has(Field::CompareAtPrice);
        let before = before
            .map(|before| before.amount)
            .filter(|before| *before > price.amount);
        Ok(Some((price, is_named.then(|| before.unwrap_or(0)))))
    }

    fn sale_is_on(&self, row: &[Value]) -> Result<bool, RowError> {
        let start = self.columns.text(row, Field::SaleStart)?.unwrap_or_default();
        let (start, end) = match self.columns.text(row, Field::SaleEnd)? {
            Some(end) => (start, end),
            None => sale::interval(start),
        };
        sale::is_on(start, end, self.now)
            .map_err(|reason| RowError::bad_input(Field::SaleStart.name(), reason))
    }

    fn add_quantity(&self, row: &[Value], product: &mut Product) -> Result<(), RowError> {
        let in_stock = self
            .columns
            .text(row, Field::Availability)?
            .and_then(is_available);
        let stated = self
            .number(row, Field::Quantity)?
            .filter(|(text, _)| !text.is_empty());
        product.quantity = match (stated, in_stock) {
            (_, Some(false)) => Some(0),
            (Some((text, _)), _) if self.is_oversold(text) => {
                product.notes.push(Note::NegativeStock);
                Some(0)
            }
            (Some((text, form)), _) => {
                let units = number::units(text, form);
                Some(units.map_err(|reason| RowError::bad_input(Field::Quantity.name(), reason))?)
            }
            (None, available) => {
                let (note, assumed) = match available {
                    Some(true) => (Note::InStockWithoutNumber, Some(self.quantity.unwrap_or(1))),
                    _ => (Note::NoStock, self.quantity),
                };
                product.notes.push(note);
                assumed.filter(|_| !self.sets_stock)
            }
        };
        Ok(())
    }

    /// Returns whether a shop that accepts orders without stock has sold more than it had.
    fn is_oversold(&self, text: &str) -> bool {
        let allows_it = matches!(self.layout, Layout::Shopify | Layout::Woocommerce);
        let units = text
            .strip_prefix('-')
            .and_then(|units| number::units(units, self.form).ok());
        allows_it && units.is_some()
    }

    fn category_path(&self, row: &[Value]) -> Result<Option<Vec<String>>, RowError> {
        let value = |field| match self.columns.value(row, field) {
            Value::List(names) => Ok(Some(names.iter().map(|name| name.trim().to_owned()).collect())),
            _ => Ok(self
                .columns
                .text(row, field)?
                .map(|text| self.split_categories(field, text))),
        };
        let main: Option<Vec<String>> = value(Field::Category)?;
        match main {
            Some(main) if !main.is_empty() => Ok(Some(main)),
            main => Ok(value(Field::Taxonomy)?.or(main)),
        }
    }

    fn split_categories(&self, field: Field, text: &str) -> Vec<String> {
        if let Some(names) = text
            .starts_with('[')
            .then(|| serde_json::from_str(text).ok())
            .flatten()
        {
            return names;
        }
        let is_number = text.bytes().all(|byte| byte.is_ascii_digit());
        if field == Field::Taxonomy && is_number {
            return Vec::new();
        }
        let names = |path: &str| -> Vec<String> {
            path.split('>')
                .map(|name| name.trim().to_owned())
                .filter(|name| !name.is_empty())
                .collect()
        };
        match self.layout {
            Layout::Shopify if field == Field::Category => Some(text.to_owned())
                .filter(|text| !text.is_empty())
                .into_iter()
                .collect(),
            Layout::Woocommerce => split_escaped(text)
                .first()
                .map(|path| names(path))
                .unwrap_or_default(),
            _ => names(text),
        }
    }

    fn images(&self, row: &[Value]) -> Result<Option<Vec<Image>>, RowError> {
        let mut images = None;
        for field in [Field::Images, Field::MoreImages] {
            let found = match self.columns.value(row, field) {
                Value::List(urls) => urls.iter().map(|url| image(url)).collect(),
                _ => match self.columns.text(row, field)? {
                    None => continue,
                    Some(text) if text.starts_with('[') => {
                        json_list(field, Some(text.to_owned()))?.unwrap_or_default()
                    }
                    Some(text) => split_urls(text),
                },
            };
            images.get_or_insert_with(Vec::new).extend(found);
        }
        Ok(images)
    }

    /// Keeps images and attributes within the limits of a shop.
    pub fn limit(&self, product: &mut Product) {
        if let Some(images) = &mut product.images {
            let mut urls = std::collections::HashSet::new();
            images.retain(|image| urls.insert(image.url.clone()));
            if images.len() > MAX_IMAGES {
                images.truncate(MAX_IMAGES);
                product.notes.push(Note::FurtherImages);
            }
        }
        if let Some(attributes) = &mut product.attributes {
            let count = attributes.len();
            attributes.retain(|attribute| attribute.value.chars().count() <= MAX_ATTRIBUTE);
            if attributes.len() < count {
                product.notes.push(Note::LongAttribute);
            }
        }
    }

    fn attributes(&self, row: &[Value]) -> Result<Option<Vec<Attribute>>, RowError> {
        let of = |names: &[(&str, &str)]| {
            let has_column = names.iter().any(|(name, _)| self.columns.named(name).is_some());
            let filled = |(column, name): &(&str, &str)| {
                let value = self.columns.text_of(row, column);
                (!value.is_empty()).then(|| Attribute::new(name, value))
            };
            has_column.then(|| names.iter().filter_map(filled).collect::<Vec<_>>())
        };
        Ok(match self.layout {
            Layout::Plain | Layout::Table => json_list(
                Field::Attributes,
                self.columns.text(row, Field::Attributes)?.map(str::to_owned),
            )?,
            Layout::Shopify => of(&[("tags", "Tags")]),
            Layout::Google => of(&[GOOGLE_OPTIONS.as_slice(), &GOOGLE_ATTRIBUTES].concat()),
            Layout::Woocommerce => self.woocommerce_attributes(row),
        })
    }

    /// Returns the attributes of the columns `Attribute 1 name`, `Attribute 1 value(s)` and so on.
    pub fn woocommerce_attributes(&self, row: &[Value]) -> Option<Vec<Attribute>> {
        self.columns.named("attribute1name")?;
        let mut attributes = Vec::new();
        for number in 1_u32.. {
            let name = format!("attribute{number}name");
            if self.columns.named(&name).is_none() {
                break;
            }
            let name = self.columns.text_of(row, &name);
            let value = self.columns.text_of(row, &format!("attribute{number}values"));
            let is_new = |other: &Attribute| !other.name.eq_ignore_ascii_case(name);
            if !name.is_empty() && !value.is_empty() && attributes.iter().all(is_new) {
                attributes.push(Attribute::new(name, &split_escaped(value).join(", ")));
            }
        }
        Some(attributes)
    }
}

#[cfg(test)]
mod tests;
