//! Tests of columns.

use super::*;

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

fn find(header: &[&str], mappings: &[&str]) -> Result<Columns, String> {
    let header = names(header);
    let mappings: Vec<Mapping> = mappings.iter().map(|mapping| mapping.parse().unwrap()).collect();
    Columns::find(&header, Layout::detect(&header), &mappings)
}

fn found(header: &[&str]) -> Vec<(String, &'static str)> {
    let columns = find(header, &[]).unwrap();
    columns
        .used()
        .into_iter()
        .map(|(name, field)| (name.to_owned(), field))
        .collect()
}

#[test]
fn recognises_the_names_of_feeds() {
    let header = [
        "ID",
        "Title",
        "Body HTML",
        "Brand",
        "Price",
        "Stock Quantity",
        "Currency-Code",
        "category",
    ];
    let fields: Vec<&str> = found(&header).into_iter().map(|(_, field)| field).collect();
    assert_eq!(
        fields,
        [
            "externalId",
            "name",
            "description",
            "manufacturer",
            "price",
            "currency",
            "quantity",
            "category"
        ]
    );
}

#[test]
fn prefers_the_most_certain_name_in_any_position() {
    let columns = find(&["sku", "id", "title", "name", "price"], &[]).unwrap();
    assert_eq!(columns.name(Field::ExternalId), Some("id"));
    assert_eq!(columns.name(Field::Name), Some("name"));
    assert_eq!(columns.name(Field::Sku), Some("sku"));
}

#[test]
fn reads_the_currency_and_the_unit_of_a_column_name() {
    let columns = find(&["id", "name", "price, gross, in EUR, or so", "Weight (kg)"], &[]).unwrap();
    assert_eq!(columns.price_currency, Some(Currency::EUR));
    assert_eq!(columns.grams, 1000.0);
    assert!(columns.has(Field::Weight));
    let columns = find(&["id", "name", "price", "weight"], &[]).unwrap();
    assert!(!columns.has(Field::Weight), "the unit is unknown");
    let columns = find(&["id", "name", "price", "weight"], &["weight=weight"]).unwrap();
    assert!(columns.has(Field::Weight) && columns.grams == 1.0);
}

#[test]
fn prefers_a_mapping_to_a_known_name() {
    let columns = find(&["id", "name", "short text", "price"], &["Name=Short Text"]).unwrap();
    assert_eq!(columns.name(Field::Name), Some("short text"));
}

#[test]
fn names_a_missing_required_column_and_lists_the_columns() {
    let error = find(&["id", "label", "price"], &[]).unwrap_err();
    assert!(
        error.contains("--map name=COLUMN") && error.contains("id, label, price"),
        "{error}"
    );
    assert!(find(&["id", "stock"], &["name=", "price="]).is_ok());
}

#[test]
fn rejects_a_mapping_to_a_missing_column_or_of_an_unknown_field() {
    let error = find(&["id", "name", "price"], &["price=cost"]).unwrap_err();
    assert!(error.contains("`cost`"), "{error}");
    let error = "colour=hue".parse::<Mapping>().unwrap_err();
    assert!(error.contains("externalId, name"), "{error}");
    assert!("name".parse::<Mapping>().is_err());
}

#[test]
fn distinguishes_empty_cells_from_missing_ones() {
    let columns = find(&["id", "name", "price"], &[]).unwrap();
    let row = [Value::Text("=\"00123\"".into()), Value::Text("  ".into())];
    assert_eq!(columns.text(&row, Field::ExternalId), Ok(Some("00123")));
    assert_eq!(columns.text(&row, Field::Name), Ok(Some("")));
    assert_eq!(columns.text(&row, Field::Price), Ok(None));
    assert!(
        columns
            .text(&[Value::List(Vec::new())], Field::ExternalId)
            .is_err()
    );
}
