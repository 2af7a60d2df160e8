//! Finds the columns of a feed for the fields of a product.

/// A field of a product.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Field {
    /// The id of the product in the feed. Required.
    ExternalId,
    /// The name. Required.
    Name,
    /// The description.
    Description,
    /// The manufacturer.
    Manufacturer,
    /// The price. Required.
    Price,
    /// The currency of prices without a currency.
    Currency,
    /// The stock.
    Quantity,
}

impl Field {
    /// All fields.
    const ALL: [Self; 7] = [
        Self::ExternalId,
        Self::Name,
        Self::Description,
        Self::Manufacturer,
        Self::Price,
        Self::Currency,
        Self::Quantity,
    ];

    /// Returns the name on the command line, in the API, and in reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::ExternalId => "externalId",
            Self::Name => "name",
            Self::Description => "description",
            Self::Manufacturer => "manufacturer",
            Self::Price => "price",
            Self::Currency => "currency",
            Self::Quantity => "quantity",
        }
    }

    /// Returns whether every product must have this field.
    fn is_required(self) -> bool {
        matches!(self, Self::ExternalId | Self::Name | Self::Price)
    }

    /// Returns the names of this field in feeds, the most certain first. They are normalized.
    fn aliases(self) -> &'static [&'static str] {
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
            Self::Currency => &["currency", "currencycode", "pricecurrency"],
            Self::Quantity => &[
                "quantity",
                "stock",
                "inventory",
                "qty",
                "onhand",
                "stockquantity",
                "variantinventoryqty",
            ],
        }
    }
}

/// A mapping of a field to a column, chosen by the user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mapping {
    /// The field.
    pub field: Field,
    /// The name of the column.
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
            column: column.to_owned(),
        })
    }
}

/// The indexes of the columns of each field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Columns([Option<usize>; Field::ALL.len()]);

impl Columns {
    /// Finds the columns: by the mappings, or else by their names.
    ///
    /// # Errors
    /// If a mapped or required column is missing. The message lists the columns of the feed.
    pub fn find(names: &[String], mappings: &[Mapping]) -> Result<Self, String> {
        let mut columns = [None; Field::ALL.len()];
        for (field, column) in Field::ALL.into_iter().zip(&mut columns) {
            *column = match mappings.iter().find(|mapping| mapping.field == field) {
                Some(mapping) => Some(mapped(names, mapping)?),
                None => field
                    .aliases()
                    .iter()
                    .find_map(|alias| names.iter().position(|name| normalize(name) == *alias)),
            };
            if column.is_none() && field.is_required() {
                let field = field.name();
                let columns = names.join(", ");
                return Err(format!(
                    "no column was found for the field {field}: name it with --map {field}=COLUMN; \
                     the columns are: {columns}"
                ));
            }
        }
        Ok(Self(columns))
    }

    /// Returns the trimmed value of a field in a row, or `None` if it is empty or missing.
    pub fn value<'row>(&self, row: &'row [String], field: Field) -> Option<&'row str> {
        let index = self.0.get(field as usize).copied().flatten()?;
        row.get(index)
            .map(|value| value.trim())
            .filter(|value| !value.is_empty())
    }
}

fn mapped(names: &[String], mapping: &Mapping) -> Result<usize, String> {
    let exact = names.iter().position(|name| *name == mapping.column);
    let similar = || {
        names
            .iter()
            .position(|name| normalize(name) == normalize(&mapping.column))
    };
    exact.or_else(similar).ok_or_else(|| {
        format!(
            "the column `{}` for the field {} does not exist; the columns are: {}",
            mapping.column,
            mapping.field.name(),
            names.join(", ")
        )
    })
}

/// Normalizes a name: letters and digits only, in lower case.
fn normalize(name: &str) -> String {
    name.chars()
        .filter(|c| c.is_alphanumeric())
        .flat_map(char::to_lowercase)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    fn index(columns: &Columns, field: Field) -> Option<usize> {
        columns.0[field as usize]
    }

    #[test]
    fn finds_common_names_in_any_spelling() {
        let header = names(&[
            "Body (HTML)",
            "Vendor",
            "Product-Title",
            "SKU",
            "unit_price",
            "Stock",
        ]);
        let columns = Columns::find(&header, &[]).unwrap();
        let found = Field::ALL.map(|field| index(&columns, field));
        assert_eq!(
            found,
            [Some(3), Some(2), Some(0), Some(1), Some(4), None, Some(5)]
        );
    }

    #[test]
    fn prefers_the_most_certain_name_in_any_position() {
        let columns = Columns::find(&names(&["sku", "id", "title", "name", "price"]), &[]).unwrap();
        assert_eq!(index(&columns, Field::ExternalId), Some(1));
        assert_eq!(index(&columns, Field::Name), Some(3));
    }

    #[test]
    fn prefers_a_mapping_to_a_known_name() {
        let mapping = "Name=Short Text".parse().unwrap();
        let columns = Columns::find(&names(&["id", "name", "short text", "price"]), &[mapping]).unwrap();
        assert_eq!(index(&columns, Field::Name), Some(2));
    }

    #[test]
    fn names_a_missing_required_column_and_lists_the_columns() {
        let error = Columns::find(&names(&["id", "label", "price"]), &[]).unwrap_err();
        assert!(
            error.contains("--map name=COLUMN") && error.contains("id, label, price"),
            "{error}"
        );
    }

    #[test]
    fn rejects_a_mapping_to_a_missing_column() {
        let mapping = "price=cost".parse().unwrap();
        let error = Columns::find(&names(&["id", "name", "price"]), &[mapping]).unwrap_err();
        assert!(error.contains("`cost`"), "{error}");
    }

    #[test]
    fn rejects_a_mapping_of_an_unknown_field() {
        assert!(
            "colour=hue"
                .parse::<Mapping>()
                .unwrap_err()
                .contains("externalId, name")
        );
        assert!("name".parse::<Mapping>().is_err());
    }

    #[test]
    fn trims_values_and_returns_none_for_missing_ones() {
        let columns = Columns::find(&names(&["id", "name", "price"]), &[]).unwrap();
        let row = names(&["1", "  sock "]);
        assert_eq!(columns.value(&row, Field::Name), Some("sock"));
        assert_eq!(columns.value(&row, Field::Price), None);
        assert_eq!(columns.value(&names(&["1", " "]), Field::Name), None);
    }
}
