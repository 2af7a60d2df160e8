//! Which column of a feed is which field of a product.

/// A field of a product.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Field {
    /// By what the feed knows the product; needed.
    ExternalId,
    /// Needed.
    Name,
    /// What it is.
    Description,
    /// Who makes it.
    Manufacturer,
    /// What it costs; needed.
    Price,
    /// In which currency, where the price does not say.
    Currency,
    /// How many there are.
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

    /// Its name on the command line, in the API, and in reports.
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

    /// Whether no product can do without it.
    fn needed(self) -> bool {
        matches!(self, Self::ExternalId | Self::Name | Self::Price)
    }

    /// What feeds call it, the surest first; letters and digits only, lower case.
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

/// One choice of the user's: this field is in that column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mapping {
    /// The field.
    pub field: Field,
    /// The column's name.
    pub column: String,
}

impl std::str::FromStr for Mapping {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let form = "use the form FIELD=COLUMN, such as name=title";
        let (field, column) = text.split_once('=').ok_or(form)?;
        let field = Field::ALL
            .into_iter()
            .find(|candidate| normal(candidate.name()) == normal(field));
        let names = || Field::ALL.map(Field::name).join(", ");
        let field = field.ok_or_else(|| format!("there is no such field; the fields are {}", names()))?;
        Ok(Self {
            field,
            column: column.to_owned(),
        })
    }
}

/// Where each field is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Columns([Option<usize>; Field::ALL.len()]);

impl Columns {
    /// Finds the columns: those that are mapped, and the others by their names.
    ///
    /// # Errors
    /// Where a mapped or a needed column is not there; the text lists those that are.
    pub fn find(names: &[String], mappings: &[Mapping]) -> Result<Self, String> {
        let mut columns = [None; Field::ALL.len()];
        for (field, place) in Field::ALL.into_iter().zip(&mut columns) {
            *place = match mappings.iter().find(|mapping| mapping.field == field) {
                Some(mapping) => Some(mapped(names, mapping)?),
                None => field
                    .aliases()
                    .iter()
                    .find_map(|alias| names.iter().position(|name| normal(name) == *alias)),
            };
            if place.is_none() && field.needed() {
                let field = field.name();
                let there = names.join(", ");
                return Err(format!(
                    "no column is known to be the {field}: name it with --map {field}=COLUMN; the columns are: {there}"
                ));
            }
        }
        Ok(Self(columns))
    }

    /// The value of a field in a row, trimmed; none where it is empty or the row or the feed lacks it.
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
            .position(|name| normal(name) == normal(&mapping.column))
    };
    exact.or_else(similar).ok_or_else(|| {
        format!(
            "there is no column `{}` for the {}; the columns are: {}",
            mapping.column,
            mapping.field.name(),
            names.join(", ")
        )
    })
}

/// A name without what spellings differ in.
fn normal(name: &str) -> String {
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
    fn common_names_are_known_in_any_spelling() {
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
    fn the_surest_name_wins_wherever_it_stands() {
        let columns = Columns::find(&names(&["sku", "id", "title", "name", "price"]), &[]).unwrap();
        assert_eq!(index(&columns, Field::ExternalId), Some(1));
        assert_eq!(index(&columns, Field::Name), Some(3));
    }

    #[test]
    fn a_mapping_wins_over_a_guess() {
        let mapping = "Name=Short Text".parse().unwrap();
        let columns = Columns::find(&names(&["id", "name", "short text", "price"]), &[mapping]).unwrap();
        assert_eq!(index(&columns, Field::Name), Some(2));
    }

    #[test]
    fn a_needed_column_that_is_missing_is_named_together_with_those_there_are() {
        let error = Columns::find(&names(&["id", "label", "price"]), &[]).unwrap_err();
        assert!(
            error.contains("--map name=COLUMN") && error.contains("id, label, price"),
            "{error}"
        );
    }

    #[test]
    fn a_mapping_to_a_column_that_is_missing_is_refused() {
        let mapping = "price=cost".parse().unwrap();
        let error = Columns::find(&names(&["id", "name", "price"]), &[mapping]).unwrap_err();
        assert!(error.contains("`cost`"), "{error}");
    }

    #[test]
    fn a_mapping_of_an_unknown_field_is_refused() {
        assert!(
            "colour=hue"
                .parse::<Mapping>()
                .unwrap_err()
                .contains("externalId, name")
        );
        assert!("name".parse::<Mapping>().is_err());
    }

    #[test]
    fn values_are_trimmed_and_absent_ones_are_none() {
        let columns = Columns::find(&names(&["id", "name", "price"]), &[]).unwrap();
        let row = names(&["1", "  sock "]);
        assert_eq!(columns.value(&row, Field::Name), Some("sock"));
        assert_eq!(columns.value(&row, Field::Price), None);
        assert_eq!(columns.value(&names(&["1", " "]), Field::Name), None);
    }
}
