//! Tests of products.

use super::*;

fn parser(header: &[&str]) -> RowParser {
    let header: Vec<String> = header.iter().map(|name| (*name).to_owned()).collect();
    let layout = Layout::detect(&header);
    RowParser {
        columns: Columns::find(&header, layout, &[]).unwrap(),
        layout,
        form: None,
        shop_currency: Currency::USD,
        currency: None,
        quantity: None,
        sets_stock: false,
        allow_zero_price: false,
        now: OffsetDateTime::UNIX_EPOCH,
    }
}

fn row(values: &[&str]) -> Vec<Value> {
    values
        .iter()
        .map(|value| Value::Text((*value).to_owned()))
        .collect()
}

fn json(header: &[&str], values: &[&str]) -> Result<String, RowError> {
    to_json(&parser(header).parse(&row(values))?)
}

#[test]
fn sends_only_what_the_feed_names() {
    let sent = |header: &[&str], values: &[&str]| json(header, values).unwrap();
    assert_eq!(
        sent(&["id", "name", "price"], &["http://x/1", "sock", "1.50"]),
        r#"{"externalId":"http://x/1","name":"sock","priceAmount":150}"#
    );
    assert_eq!(
        sent(
            &[
                "id",
                "name",
                "price",
                "brand",
                "description",
                "images",
                "sku",
                "compare_at_price",
                "category",
                "weight_g"
            ],
            &["1", "sock", "1.50", "", "", "", "", "", "", ""]
        ),
        r#"{"externalId":"1","name":"sock","description":"","manufacturer":"","priceAmount":150,"compareAtPrice":0,"sku":"","categoryPath":[],"images":[],"weight":0}"#
    );
    assert_eq!(
        sent(
            &[
                "id",
                "name",
                "price",
                "currency",
                "compare_at_price",
                "stock",
                "category",
                "images",
                "weight (kg)"
            ],
            &[
                "1",
                "sock",
                "1.50 EUR",
                "EUR",
                "2,00",
                "5,00",
                "Home, garden > Socks",
                "https://x/a,b.jpg, https://x/c.jpg",
                "0,2"
            ]
        ),
        r#"{"externalId":"1","name":"sock","priceAmount":150,"compareAtPrice":200,"currency":"EUR","quantity":5,"categoryPath":["Home, garden","Socks"],"images":[{"url":"https://x/a,b.jpg"},{"url":"https://x/c.jpg"}],"weight":200}"#
    );
}

#[test]
fn a_compare_at_price_that_is_no_higher_is_removed() {
    let header = ["id", "name", "price", "compare_at_price"];
    let product = parser(&header).parse(&row(&["1", "a", "2.00", "2.00"])).unwrap();
    assert_eq!(product.compare_at_price, Some(0));
}

#[test]
fn sells_at_the_sale_price_during_the_sale() {
    let header = [
        "id",
        "title",
        "price",
        "sale_price",
        "sale_price_effective_date",
        "availability",
    ];
    let offer = |dates| {
        let product = parser(&header)
            .parse(&row(&["1", "a", "20.00 EUR", "15.00 EUR", dates, "in_stock"]))
            .unwrap();
        (
            product.price_amount,
            product.compare_at_price,
            product.currency,
            product.quantity,
        )
    };
    assert_eq!(offer(""), (Some(1_500), Some(2_000), Some("EUR"), Some(1)));
    assert_eq!(
        offer("1969-12-31/1970-01-02"),
        (Some(1_500), Some(2_000), Some("EUR"), Some(1))
    );
    assert_eq!(
        offer("1971-01-01T00:00+0100/"),
        (Some(2_000), Some(0), Some("EUR"), Some(1))
    );
    let error = |values: &[&str]| parser(&header).parse(&row(values)).unwrap_err().message;
    assert!(error(&["1", "a", "10.00", "15.00", "", ""]).contains("greater"));
    assert!(error(&["1", "a", "20.00 EUR", "15.00 USD", "", ""]).contains("USD"));
    assert!(error(&["1", "a", "20.00", "15.00", "soon", ""]).contains("not a date"));
}

#[test]
fn says_what_it_assumes_about_the_stock() {
    let header = ["id", "title", "price", "availability", "quantity"];
    let stock = |availability, quantity| {
        let product = parser(&header)
            .parse(&row(&["1", "a", "1", availability, quantity]))
            .unwrap();
        (product.quantity, product.notes)
    };
    assert_eq!(stock("in stock", ""), (Some(1), vec![Note::InStockWithoutNumber]));
    assert_eq!(stock("in_stock", "7"), (Some(7), Vec::new()));
    assert_eq!(stock("out_of_stock", ""), (Some(0), Vec::new()));
    assert_eq!(stock("", ""), (None, vec![Note::NoStock]));
    assert_eq!(stock("ships in 3 days", "2"), (Some(2), Vec::new()));
}

#[test]
fn rejects_a_price_of_zero_by_default() {
    let error = json(&["id", "name", "price"], &["1", "a", "0.00"]).unwrap_err();
    assert!(error.field == "price" && error.message.contains("--allow-zero-price"));
}

#[test]
fn names_the_first_missing_or_invalid_field() {
    let header = ["id", "name", "price", "currency", "stock", "sku"];
    for (values, field) in [
        (["", "a", "1", "", "", ""], "externalId"),
        (["1,23457E+12", "a", "1", "", "", ""], "externalId"),
        (["1", " ", "1", "", "", ""], "name"),
        (["1", "a", "", "", "", ""], "price"),
        (["1", "a", "#REF!", "", "", ""], "price"),
        (["1", "a", "1", "??", "", ""], "currency"),
        (["1", "a", "1", "XXX", "", ""], "currency"),
        (["1", "a", "1", "", "many", ""], "quantity"),
        (["1", "a", "1", "", "-1", ""], "quantity"),
        (["1", "a", "1", "", "=1+1", ""], "quantity"),
        (["1", "a", "1", "", "1", "4.0E+12"], "sku"),
    ] {
        assert_eq!(json(&header, &values).unwrap_err().field, field, "{values:?}");
    }
}

#[test]
fn rejects_formulas_and_errors_of_spreadsheets() {
    let header = ["id", "name", "price", "sku"];
    let field = |values: &[&str]| json(&header, values).unwrap_err();
    for text in [
        "#N/A", "#REF!", "#VALUE!", "#NAME?", "#DIV/0!", "#NULL!", "#NUM!", "#n/a",
    ] {
        assert_eq!(field(&[text, "a", "1", ""]).field, "externalId", "{text}");
        assert_eq!(field(&["1", text, "1", ""]).field, "name", "{text}");
        assert_eq!(field(&["1", "a", "1", text]).field, "sku", "{text}");
        assert!(field(&["1", "a", "1", text]).message.contains("is an error"));
    }
    for text in ["=1+1", "=cmd|' /C calc'!A0", "@SUM(A1)", "+cmd|' /C calc'!A0"] {
        let error = field(&[text, "a", "1", ""]);
        assert!(
            error.field == "externalId" && error.message.contains("formula"),
            "{text}"
        );
        assert_eq!(field(&["1", "a", "1", text]).field, "sku", "{text}");
    }
    for text in ["#1", "@home", "+49 30 1", "-5", "A=B", "#N"] {
        assert!(json(&header, &[text, text, "1", text]).is_ok(), "{text}");
    }
    assert!(json(&header, &["=\"00123\"", "a", "1", "=\"1\""]).is_ok());
}

#[test]
fn a_name_is_one_line() {
    let header = ["id", "name", "price"];
    for (name, expected) in [
        ("Wool\r\nsock", "Wool sock"),
        ("Wool  \t sock", "Wool sock"),
        ("Wool\tsock", "Wool sock"),
        ("Wool\u{a0}sock", "Wool\u{a0}sock"),
    ] {
        let product = parser(&header).parse(&row(&["1", name, "1"])).unwrap();
        assert_eq!(product.name.as_deref(), Some(expected));
    }
}

#[test]
fn reads_texts_that_look_like_formulas_as_names() {
    for name in ["=1+1", "@SUM(A1)", "+49 name", "24\" tv"] {
        let product = parser(&["id", "name", "price"])
            .parse(&row(&["1", name, "1"]))
            .unwrap();
        assert_eq!(product.name.as_deref(), Some(name));
    }
}
