//! Finds the columns of a feed for the fields of a product.

use iso_currency::Currency;

use crate::currency;
use crate::layout::{Layout, normalize};
use crate::number::shorten;
use crate::row_error::RowError;
use crate::source::Value;
use crate::weight;

/// A field of a product in a feed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Field {
    /// The id of the product in the feed. Required.
    ExternalId,
    /// The name.
    Name,
    /// The description.
    Description,
    /// Another description, if the first one is empty.
    ShortDescription,
    /// The manufacturer.
    Manufacturer,
    /// The price, or the regular price if there is a sale price.
    Price,
    /// The price of a sale.
    SalePrice,
    /// When the sale begins, or an interval.
    SaleStart,
    /// When the sale ends.
    SaleEnd,
    /// The price before a sale.
    CompareAtPrice,
    /// The currency of prices without a currency.
    Currency,
    /// The stock.
    Quantity,
    /// Whether the product is in stock.
    Availability,
    /// The stock-keeping unit.
    Sku,
    /// The name in URLs.
    Slug,
    /// The categories from the root, separated by `>`.
    Category,
    /// Another category, if the first one is empty.
    Taxonomy,
    /// The URLs of images.
    Images,
    /// The URLs of further images.
    MoreImages,
    /// The weight.
    Weight,
    /// The attributes, as a JSON list.
    Attributes,
    /// The external id of the product of which this is a variant.
    Parent,
    /// The options of a variant, as a JSON list.
    Options,
}

impl Field {
    /// All fields.
    const ALL: [Self; 23] = [
        Self::ExternalId,
        Self::Name,
        Self::Description,
        Self::ShortDescription,
        Self::Manufacturer,
        Self::Price,
        Self::SalePrice,
        Self::SaleStart,
        Self::SaleEnd,
        Self::CompareAtPrice,
        Self::Currency,
        Self::Quantity,
        Self::Availability,
        Self::Sku,
        Self::Slug,
        Self::Category,
        Self::Taxonomy,
        Self::Images,
        Self::MoreImages,
        Self::Weight,
        Self::Attributes,
        Self::Parent,
        Self::Options,
    ];

    /// Returns the name on the command line, in the API, and in reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::ExternalId => "externalId",
            Self::Name => "name",
            Self::Description => "description",
            Self::ShortDescription => "shortDescription",
            Self::Manufacturer => "manufacturer",
            Self::Price => "price",
            Self::SalePrice => "salePrice",
            Self::SaleStart => "saleStart",
            Self::SaleEnd => "saleEnd",
            Self::CompareAtPrice => "compareAtPrice",
            Self::Currency => "currency",
            Self::Quantity => "quantity",
            Self::Availability => "availability",
            Self::Sku => "sku",
            Self::Slug => "slug",
            Self::Category => "category",
            Self::Taxonomy => "taxonomy",
            Self::Images => "images",
            Self::MoreImages => "moreImages",
            Self::Weight => "weight",
            Self::Attributes => "attributes",
            Self::Parent => "parentExternalId",
            Self::Options => "options",
        }
    }

    /// Returns whether a feed must have a column for it, unless a mapping says that it has none.
    fn is_required(self) -> bool {
        matches!(self, Self::ExternalId | Self::Name | Self::Price)
    }

    /// Returns the names of this field in feeds, the most certain first. They are normalized.
    fn aliases(self, layout: Layout) -> &'static [&'static str] {
        match layout {
            Layout::Plain | Layout::Table => self.plain_aliases(),
            Layout::Google => self.google_aliases().unwrap_or_else(|| self.plain_aliases()),
            Layout::Shopify => self.shopify_aliases(),
            Layout::Woocommerce => self.woocommerce_aliases(),
        }
    }

    fn plain_aliases(self) -> &'static [&'static str] {
        match self {
            Self::ExternalId => &[
                "externalid",
                "id",
                "productid",
                "itemid",
                "sku",
                "gtin",
                "ean",
                "upc",
                "mpn",
                "asin",
                "handle",
                "code",
            ],
            Self::Name => &["name", "title", "productname", "producttitle", "itemname"],
            Self::Description => &[
                "description",
                "body",
                "bodyhtml",
                "productdescription",
                "longdescription",
                "details",
            ],
            Self::Manufacturer => &["manufacturer", "brand", "vendor", "brandname", "maker"],
            Self::Price => &[
                "price",
                "amount",
                "productprice",
                "variantprice",
                "unitprice",
                "regularprice",
                "listprice",
            ],
            Self::SalePrice => &["saleprice"],
            Self::SaleStart => &["salepriceeffectivedate"],
            Self::CompareAtPrice => &["compareatprice"],
            Self::Currency => &["currency", "currencycode", "pricecurrency"],
            Self::Quantity => &[
                "quantity",
                "stock",
                "inventory",
                "qty",
                "onhand",
                "stockquantity",
                "variantinventoryqty",
                "inventoryquantity",
            ],
            Self::Availability => &["availability", "instock", "stockstatus"],
            Self::Sku => &["sku", "variantsku"],
            Self::Slug => &["slug"],
            Self::Category => &["categorypath", "category", "categories", "producttype"],
            Self::Images => &[
                "images",
                "image",
                "imageurl",
                "imagelink",
                "imagesrc",
                "imageurls",
            ],
            Self::MoreImages => &["additionalimagelink", "additionalimages"],
            Self::Weight => &[
                "weightgrams",
                "weightg",
                "weightingrams",
                "grams",
                "weightkg",
                "weightlb",
                "weightlbs",
                "weightoz",
                "weight",
            ],
            Self::Attributes => &["attributes"],
            Self::Parent => &["parentexternalid"],
            Self::Options => &["options"],
            Self::ShortDescription | Self::SaleEnd | Self::Taxonomy => &[],
        }
    }

    /// Returns the names that differ from those of a plain feed.
    fn google_aliases(self) -> Option<&'static [&'static str]> {
        match self {
            Self::ExternalId => Some(&["id"]),
            Self::Quantity => Some(&["quantity", "stock", "inventory", "sellongooglequantity"]),
            Self::Taxonomy => Some(&["googleproductcategory"]),
            Self::Weight => Some(&["shippingweight", "productweight"]),
            // A category of Google's feed is a product type.
            Self::Category => Some(&["producttype"]),
            Self::Parent | Self::Options | Self::Attributes | Self::Slug | Self::CompareAtPrice => Some(&[]),
            _ => None,
        }
    }

    fn shopify_aliases(self) -> &'static [&'static str] {
        match self {
            Self::ExternalId => &["handle", "urlhandle"],
            Self::Name => &["title"],
            Self::Description => &["bodyhtml", "body", "description"],
            Self::Manufacturer => &["vendor"],
            Self::Price => &["variantprice", "price"],
            Self::CompareAtPrice => &["variantcompareatprice", "compareatprice"],
            Self::Quantity => &["variantinventoryqty", "inventoryquantity"],
            Self::Sku => &["variantsku", "sku"],
            Self::Category => &["type"],
            Self::Taxonomy => &["productcategory", "standardproducttype"],
            Self::Images => &["imagesrc", "productimageurl"],
            Self::Weight => &["variantgrams", "weightvaluegrams"],
            _ => &[],
        }
    }

    fn woocommerce_aliases(self) -> &'static [&'static str] {
        match self {
            Self::ExternalId => &["id", "sku"],
            Self::Name => &["name"],
            Self::Description => &["description"],
            Self::ShortDescription => &["shortdescription"],
            Self::Manufacturer => &["brands", "brand"],
            Self::Price => &["regularprice"],
            Self::SalePrice => &["saleprice"],
            Self::SaleStart => &["datesalepricestarts"],
            Self::SaleEnd => &["datesalepriceends"],
            Self::Quantity => &["stock"],
            Self::Availability => &["instock"],
            Self::Sku => &["sku"],
            Self::Category => &["categories"],
            Self::Images => &["images"],
            Self::Weight => &["weightkg", "weightg", "weightlbs", "weightoz"],
            Self::Parent => &["parent"],
            _ => &[],
        }
    }
}

/// A mapping of a field to a column, chosen by the user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mapping {
    /// The field.
    pub field: Field,
    /// The name of the column. An empty name says that the feed has no column for the field.
    pub column: String,
}

impl std::str::FromStr for Mapping {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let advice = "write FIELD=COLUMN, such as name=title";
        let (field, column) = text.split_once('=').ok_or(advice)?;
        let field = Field::ALL
            .into_iter()
            .find(|candidate| normalize(candidate.name()) == normalize(field));
        let names = || Field::ALL.map(Field::name).join(", ");
        let field = field.ok_or_else(|| format!("this field does not exist; the fields are {}", names()))?;
        Ok(Self {
            field,
            column: column.trim().to_owned(),
        })
    }
}

/// The columns of each field.
#[derive(Clone, Debug, PartialEq)]
pub struct Columns {
    fields: [Option<usize>; Field::ALL.len()],
    names: Vec<String>,
    normalized: Vec<String>,
    /// The columns of fields, and further columns with the same name.
    duplicates: Vec<(Field, usize, usize)>,
    /// The currency that the name of the price column has.
    pub price_currency: Option<Currency>,
    /// How many grams the unit of the weight column has.
    pub grams: f64,
}

impl Columns {
    /// Finds the columns: by the mappings, or else by their names.
    ///
    /// # Errors
    /// If a mapped or required column is missing. The message lists the columns of the feed.
    pub fn find(names: &[String], layout: Layout, mappings: &[Mapping]) -> Result<Self, String> {
        let mut columns = Self {
            fields: [None; Field::ALL.len()],
            names: names.to_owned(),
            normalized: names.iter().map(|name| normalize(name)).collect(),
            duplicates: Vec::new(),
            price_currency: None,
            grams: 1.0,
        };
        for (index, field) in Field::ALL.into_iter().enumerate() {
            let mapping = mappings.iter().find(|mapping| mapping.field == field);
            let column = match mapping {
                Some(mapping) if mapping.column.is_empty() => None,
                Some(mapping) => Some(mapped(names, mapping)?),
                None => columns.known(field, layout),
            };
            if column.is_none() && field.is_required() && mapping.is_none() {
                let field = field.name();
                let found = names.join(", ");
                return Err(format!(
                    "no column is recognised as `{field}`: name it with --map {field}=COLUMN, or write --map \
                     {field}= if the feed has none. The columns are: {found}"
                ));
            }
            if let Some(slot) = columns.fields.get_mut(index) {
                *slot = column;
            }
        }
        columns.price_currency = columns.name(Field::Price).and_then(currency::in_column_name);
        columns.grams = columns.name(Field::Weight).and_then(unit).unwrap_or(1.0);
        columns.duplicates = columns.find_duplicates();
        Ok(columns)
    }

    /// Counts the columns with known names.
    pub fn count_known(names: &[String], mappings: &[Mapping]) -> usize {
        let layout = Layout::detect(names);
        let columns = Self {
            fields: [None; Field::ALL.len()],
            names: names.to_owned(),
            normalized: names.iter().map(|name| normalize(name)).collect(),
            duplicates: Vec::new(),
            price_currency: None,
            grams: 1.0,
        };
        let known = Field::ALL
            .into_iter()
            .filter(|field| columns.known(*field, layout).is_some());
        let is_mapped = |mapping: &&Mapping| names.contains(&mapping.column);
        known.count() + mappings.iter().filter(is_mapped).count()
    }

    /// Returns the column of a field by its known names: as a whole, or else before a comma or a bracket.
    fn known(&self, field: Field, layout: Layout) -> Option<usize> {
        let aliases = field.aliases(layout);
        let position = |names: &[String]| {
            let index = |alias: &&str| names.iter().position(|name| name == alias);
            aliases.iter().find_map(index)
        };
        let whole = position(&self.normalized);
        // `weight` alone has no unit, except in the table of a shop.
        let whole = whole.filter(|index| {
            let is_weight = self.normalized.get(*index).is_some_and(|name| name == "weight");
            !is_weight
                || layout == Layout::Table
                || self.names.get(*index).and_then(|name| unit(name)).is_some()
        });
        let beginnings = || -> Vec<String> {
            let beginning = |name: &String| name.split([',', '(', '[', '/', ':']).next().map(normalize);
            self.names
                .iter()
                .map(|name| beginning(name).unwrap_or_default())
                .collect()
        };
        match layout {
            Layout::Plain if field != Field::Weight => whole.or_else(|| position(&beginnings())),
            _ => whole,
        }
    }

    /// Returns the name of the column of a field.
    pub fn name(&self, field: Field) -> Option<&str> {
        self.index(field)
            .and_then(|index| self.names.get(index))
            .map(String::as_str)
    }

    /// Returns whether the feed has a column for a field.
    pub fn has(&self, field: Field) -> bool {
        self.index(field).is_some()
    }

    /// Returns the columns that are used for fields, with the fields, in the order of the fields.
    pub fn used(&self) -> Vec<(&str, &'static str)> {
        let pair = |field: Field| Some((self.name(field)?, field.name()));
        Field::ALL.into_iter().filter_map(pair).collect()
    }

    /// Returns the index of a column by its normalized name.
    pub fn named(&self, name: &str) -> Option<usize> {
        self.normalized.iter().position(|other| other == name)
    }

    /// Returns whether a column is used for a field.
    pub fn is_used(&self, index: usize) -> bool {
        self.fields.contains(&Some(index))
    }

    /// Rejects a row with different values in two columns of the same name. Nothing says which one is right.
    ///
    /// # Errors
    /// If a column of a field has another value than its duplicate.
    pub fn reject_conflicts(&self, row: &[Value]) -> Result<(), RowError> {
        for (field, first, second) in &self.duplicates {
            let value = |index: &usize| text(row.get(*index).unwrap_or(&Value::Missing));
            let (one, two) = (value(first), value(second));
            if one.as_ref().ok().copied().flatten().unwrap_or_default()
                != two.as_ref().ok().copied().flatten().unwrap_or_default()
            {
                let quote =
                    |text: Result<Option<&str>, String>| shorten(text.ok().flatten().unwrap_or_default());
                let message = format!(
                    "the feed has two columns `{}`, with the values `{}` and `{}`: rename or remove one of them",
                    self.name(*field).unwrap_or_default(),
                    quote(one),
                    quote(two)
                );
                return Err(RowError::bad_input(field.name(), message));
            }
        }
        Ok(())
    }

    /// Returns the columns of fields that have another column with the same name.
    fn find_duplicates(&self) -> Vec<(Field, usize, usize)> {
        let mut duplicates = Vec::new();
        for field in Field::ALL {
            let Some(first) = self.index(field) else { continue };
            let name = self.name(field).unwrap_or_default().trim().to_lowercase();
            for (second, other) in self.names.iter().enumerate() {
                if second != first && !self.is_used(second) && other.trim().to_lowercase() == name {
                    duplicates.push((field, first, second));
                }
            }
        }
        duplicates
    }

    /// Returns the index of the column of a field.
    pub fn index(&self, field: Field) -> Option<usize> {
        let at = Field::ALL.iter().position(|other| *other == field)?;
        self.fields.get(at).copied().flatten()
    }

    /// Returns the value of a field. It is [`Value::Missing`] if the feed does not name the field.
    pub fn value<'a>(&self, row: &'a [Value], field: Field) -> &'a Value {
        let value = self.index(field).and_then(|index| row.get(index));
        value.unwrap_or(&Value::Missing)
    }

    /// Returns the text of a field without outer spaces: none if the feed does not name the field, and an empty
    /// text if the cell is empty.
    ///
    /// # Errors
    /// If the value is not a text or a number.
    pub fn text<'a>(&self, row: &'a [Value], field: Field) -> Result<Option<&'a str>, RowError> {
        text(self.value(row, field)).map_err(|reason| RowError::bad_input(field.name(), reason))
    }

    /// Returns the text of a column. It is empty if there is no such column.
    pub fn text_of<'a>(&self, row: &'a [Value], name: &str) -> &'a str {
        let value = self.named(name).and_then(|index| row.get(index));
        value
            .and_then(|value| text(value).ok().flatten())
            .unwrap_or_default()
    }
}

/// Returns a value as text without outer spaces. `="00123"` is how a spreadsheet keeps the zeros of a text.
fn text(value: &Value) -> Result<Option<&str>, String> {
    match value {
        Value::Missing => Ok(None),
        Value::Number(number) => Ok(Some(number)),
        Value::Text(text) => {
            let text = text.trim();
            let inner = text.strip_prefix("=\"").and_then(|text| text.strip_suffix('"'));
            Ok(Some(inner.filter(|inner| !inner.contains('"')).unwrap_or(text)))
        }
        Value::Boolean(value) => Err(format!("it is {value}, and not a text")),
        Value::List(_) => Err("it is a list, and not a text".into()),
        Value::Invalid(reason) => Err(reason.clone()),
    }
}

/// Returns the grams of the unit at the end of the name of a column, such as `Weight (kg)`.
fn unit(name: &str) -> Option<f64> {
    let words = name.split(|character: char| !character.is_alphanumeric());
    words
        .rev()
        .find(|word| !word.is_empty())
        .and_then(weight::grams_of)
}

fn mapped(names: &[String], mapping: &Mapping) -> Result<usize, String> {
    let exact = names.iter().position(|name| *name == mapping.column);
    let similar = || {
        names
            .iter()
            .position(|name| normalize(name) == normalize(&mapping.column))
    };
    let missing = || {
        let columns = names.join(", ");
        format!(
            "the feed has no column `{}`: the columns are {columns}",
            mapping.column
        )
    };
    exact.or_else(similar).ok_or_else(missing)
}

#[cfg(test)]
mod tests;
