//! Numbers, currencies, columns and drafts.

use super::*;

#[test]
fn a_spreadsheet_with_decimal_commas_is_read_by_its_own_form() {
    let feed = case("06-excel-de.csv");
    assert!(matches!(&feed.form, Form::Found(Mark::Comma, example) if example.line == 2));
    let products: Vec<(String, String, String)> = feed
        .members("externalId")
        .into_iter()
        .zip(feed.members("priceAmount"))
        .zip(feed.members("quantity"))
        .map(|((id, price), quantity)| (id.replace('"', ""), price, quantity))
        .collect();
    let expected = [
        ("X01", "123456", "3"),
        ("X02", "250000", "3"),
        ("X03", "250000", "3"),
        ("X04", "1000", "1000"),
        ("X05", "1000", "5"),
        ("X06", "1000", "12"),
        ("X16", "1250", "1"),
        ("00123", "1000", "1"),
        ("X17", "1000", "1"),
        ("X18", "1000", "1"),
        ("X19", "1000", "1"),
        ("X20", "1000", "1"),
        ("X21", "123456", "2000"),
        ("X22", "123456", "3"),
    ];
    assert_eq!(
        products,
        expected.map(|(id, price, quantity)| (id.into(), price.into(), quantity.into()))
    );
    feed.refuses(&[
        (8, "price: `1E+05` is in scientific notation"),
        (9, "quantity: `1E+05` is in scientific notation"),
        (10, "quantity: `1,5E+02` is in scientific notation"),
        (11, "externalId: a spreadsheet has shortened"),
        (12, "externalId: a spreadsheet has shortened"),
        (13, "quantity: `=1+1` is a formula"),
        (14, "price: `-5,00` is negative"),
        (15, "price: `(5,00)` is negative"),
        (16, "price: `05. Jan` is not a price"),
        (17, "price: `#REF!` is an error of a spreadsheet"),
        (18, "price: `#N/A` is an error of a spreadsheet"),
        (27, "price: `1,234` has more decimals than the currency EUR"),
    ]);
}

#[test]
fn a_currency_without_decimals_has_thousands_before_three_digits() {
    let feed = case("07-zero-decimal.csv");
    let expected = [
        "1500", "2000", "12000", "150000", "1250000", "20000", "25000", "12000", "500", "75000",
    ];
    assert_eq!(feed.members("priceAmount"), expected);
    assert!(matches!(feed.form, Form::Mixed(..)));
    feed.refuses(&[
        (10, "`150.000 IDR` is ambiguous"),
        (12, "`500.50 JPY` has more decimals"),
    ]);
}

#[test]
fn ambiguous_numbers_are_refused_until_the_form_is_chosen() {
    let text = "id;name;price;stock\n1;a;1.500;2.000\n2;b;2.500 €;3\n";
    let feed = read(text);
    assert!(matches!(&feed.form, Form::Unknown(Some(example)) if example.line == 2));
    feed.refuses(&[(2, "--decimal point or --decimal comma"), (3, "--decimal")]);
    for (decimal, prices) in [(Mark::Comma, ["150000", "250000"]), (Mark::Point, ["150", "250"])] {
        let setup = Setup {
            decimal: Some(decimal),
            ..Setup::default()
        };
        assert_eq!(read_with(text, &setup).members("priceAmount"), prices);
    }
    // Any other number of the feed decides.
    let feed = read(format!("{text}3;c;1,50;1\n"));
    assert_eq!(feed.members("priceAmount"), ["150000", "250000", "150"]);
    // Stock decides too.
    let feed = read("id;name;price;stock\n1;a;1.500;5,00\n");
    assert_eq!(
        (feed.members("priceAmount"), feed.members("quantity")),
        (vec!["150000".into()], vec!["5".into()])
    );
    // Prices of Kuwait have three decimals.
    let feed = read("id,name,price\n1,a,1.500 KWD\n2,b,12.250 KWD\n");
    assert_eq!(feed.members("priceAmount"), ["1500", "12250"]);
}

#[test]
fn a_feed_names_only_the_fields_of_its_columns() {
    let full = r#"{"externalId":"RS1","name":"Restock Thing","description":"Nice","manufacturer":"Acme","priceAmount":1000,"quantity":5}"#;
    assert_eq!(case("11-a.csv").products(), [full]);
    assert_eq!(
        case("11-b.csv").products(),
        [r#"{"externalId":"RS1","name":"Restock Thing","priceAmount":1200}"#]
    );
    let stock = r#"{"externalId":"RS1","name":"Restock Thing","priceAmount":1200,"quantity":20}"#;
    assert_eq!(case("11-c.csv").products(), [stock]);
    let cleared = r#"{"externalId":"RS1","name":"Restock Thing","description":"","manufacturer":"","priceAmount":1200,"quantity":20}"#;
    assert_eq!(case("11-d.csv").products(), [cleared]);
    let setup = Setup {
        mappings: vec!["name=".parse().unwrap(), "price=".parse().unwrap()],
        ..Setup::default()
    };
    let feed = read_with("sku,stock\nA,7\n", &setup);
    assert_eq!(feed.products(), [r#"{"externalId":"A","quantity":7,"sku":"A"}"#]);
}

#[test]
fn texts_of_json_must_be_texts() {
    let feed = case("11-e.jsonl");
    assert!(feed.products().is_empty());
    feed.refuses(&[
        (1, "name: it is an object"),
        (2, "name: it is a list"),
        (3, "name: it is true"),
        (4, "name: it is not a valid text"),
        (5, "description: it is an object"),
    ]);
    let feed = read(
        "{\"id\":1,\"name\":\"a\",\"price\":1.5,\"stock\":3}\n\nno\n[1]\n{\"id\":2,\"name\":5,\"price\":1}\n\
        {\"price\":\"1.234,56\",\"id\":\"3\",\"name\":\"c\",\"description\":null}\n\
        {\"id\":4,\"name\":\"d\",\"price\":2.500,\"images\":[\"https://x/1.jpg\"]}\n\
        {\"id\":5,\"name\":\"e\",\"price\":{\"amount\":5}}\n",
    );
    assert_eq!(
        feed.products(),
        [
            r#"{"externalId":"1","name":"a","priceAmount":150,"quantity":3}"#,
            r#"{"externalId":"3","name":"c","description":"","priceAmount":123456}"#,
            r#"{"externalId":"4","name":"d","priceAmount":250,"images":[{"url":"https://x/1.jpg"}]}"#,
        ]
    );
    feed.refuses(&[
        (3, "not a JSON object"),
        (4, "not a JSON object"),
        (5, "name: it is the number 5"),
        (8, "price: it is an object"),
    ]);
}

#[test]
fn an_array_of_objects_is_read() {
    let feed = read(
        "[\n {\"id\": 1, \"name\": \"a\", \"price\": 1.5},\n {\"id\": 2,\n \"name\": \"[b, {\", \"price\": 2}\n]\n",
    );
    assert_eq!(feed.members("name"), ["\"a\"", "\"[b, {\""]);
    let lines: Vec<u64> = feed.entries.iter().map(|entry| entry.line).collect();
    assert_eq!(lines, [2, 3]);
    let feed = read("[{\"id\": 1, \"name\": \"a\", \"price\": 1.5}, {\"id\": }]");
    assert_eq!(feed.members("name"), ["\"a\""]);
    feed.refuses(&[(1, "not a JSON object")]);
}

#[test]
fn a_currency_is_sent_only_if_the_feed_names_it() {
    assert_eq!(case("12-currency.csv").members("currency"), ["null"]);
    assert_eq!(case("12-b.csv").members("currency"), ["\"EUR\""]);
    let setup = Setup {
        shop_currency: Currency::JPY,
        ..Setup::default()
    };
    let feed = read_with("id,name,price\n1,a,1500\n", &setup);
    assert_eq!(
        feed.products(),
        [r#"{"externalId":"1","name":"a","priceAmount":1500}"#]
    );
    let feed =
        read("id,name,price,currency\n1,a,1500,ZZZ\n2,b,1500,BTC\n3,c,1500,jpy\n4,d,15 €,USD\n5,e,15 XXX,\n");
    assert_eq!(feed.members("currency"), ["\"JPY\""]);
    feed.refuses(&[(2, "`ZZZ`"), (3, "`BTC`"), (5, "EUR and USD"), (6, "`XXX`")]);
}

#[test]
fn the_table_of_an_export_is_read_without_a_change() {
    let text = "externalId,name,description,manufacturer,price,compareAtPrice,currency,quantity,sku,slug,parentExternalId,options,categoryPath,images,attributes,weight,_id,parentId,categoryId,version\r\n\
        v,Sock M,,,1.250,,KWD,3,S-M,sock-m,p,\"[{\"\"name\"\":\"\"size\"\",\"\"value\"\":\"\"M\"\"}]\",,,,,2,1,,1\r\n\
        p,Sock,\"Two\nlines\",Acme,1.250,2.000,KWD,0,,sock,,,\"[\"\"Clothes\"\",\"\"A > B\"\"]\",\"[{\"\"url\"\":\"\"https://x/a.jpg\"\",\"\"alt\"\":\"\"A sock\"\"}]\",\"[{\"\"name\"\":\"\"material\"\",\"\"value\"\":\"\"wool\"\"}]\",250,1,,c,1\r\n";
    let feed = read(text);
    assert_eq!(feed.layout, Layout::Table);
    assert_eq!(
        feed.products(),
        [
            r#"{"externalId":"p","name":"Sock","description":"Two\nlines","manufacturer":"Acme","priceAmount":1250,"compareAtPrice":2000,"currency":"KWD","quantity":0,"sku":"","slug":"sock","categoryPath":["Clothes","A > B"],"images":[{"url":"https://x/a.jpg","alt":"A sock"}],"attributes":[{"name":"material","value":"wool"}],"weight":250}"#,
            r#"{"externalId":"v","name":"Sock M","description":"","manufacturer":"","priceAmount":1250,"compareAtPrice":0,"currency":"KWD","quantity":3,"sku":"S-M","slug":"sock-m","categoryPath":[],"images":[],"attributes":[],"weight":0,"parentExternalId":"p","options":[{"name":"size","value":"M"}]}"#,
        ],
        "the parent comes first"
    );
}

#[test]
fn an_assumed_stock_is_not_set() {
    let text =
        "id,title,price,availability,quantity\n1,a,1,in_stock,\n2,b,1,in_stock,5\n3,c,1,out_of_stock,\n";
    assert_eq!(read(text).members("quantity"), ["1", "5", "0"]);
    let setup = Setup {
        sets_stock: true,
        ..Setup::default()
    };
    assert_eq!(read_with(text, &setup).members("quantity"), ["null", "5", "0"]);
}

#[test]
fn a_repeated_id_and_a_blank_row_are_no_products() {
    let feed = read("id,name,price\n1,a,1\n,,\n\n1,b,2\n");
    assert_eq!(feed.products().len(), 1);
    feed.refuses(&[(5, "line 2 has the same external id")]);
    assert!(read("id,name,price\n").entries.is_empty());
}

#[test]
fn drafts_of_a_plain_table_are_left_out() {
    let text = "id,name,price,status\n1,a,1,active\n2,b,1,Draft\n3,c,1,archived\n4,d,1,\n5,e,1,published\n\
        6,f,1,unpublished\n7,g,1,maybe\n";
    let feed = read(text);
    assert_eq!(feed.members("externalId"), ["\"1\"", "\"4\"", "\"5\""]);
    assert_eq!(feed.drafts(), [3, 4, 7]);
    feed.refuses(&[(8, "status: `maybe` is unknown")]);
    let setup = Setup {
        include_drafts: true,
        ..Setup::default()
    };
    assert_eq!(read_with(text, &setup).products().len(), 7);
    for (column, published, draft) in [
        ("published", "1", "0"),
        ("Active", "TRUE", "FALSE"),
        ("is_active", "yes", "no"),
        ("draft", "no", "yes"),
        ("archived", "0", "1"),
        ("published", "WAHR", "FALSCH"),
    ] {
        let feed = read(format!(
            "id,name,price,{column}\n1,a,1,{published}\n2,b,1,{draft}\n"
        ));
        assert_eq!(feed.members("externalId"), ["\"1\""], "{column}");
        assert_eq!(feed.drafts(), [3], "{column}");
    }
    let json = "{\"id\":1,\"name\":\"a\",\"price\":1,\"published\":true}\n\
        {\"id\":2,\"name\":\"b\",\"price\":1,\"published\":false}\n";
    assert_eq!(read(json).drafts(), [2]);
    let setup = Setup {
        mappings: vec!["availability=status".parse().unwrap()],
        ..Setup::default()
    };
    let feed = read_with("id,name,price,status\n1,a,1,sold out\n", &setup);
    assert_eq!(
        feed.members("quantity"),
        ["0"],
        "a mapped column has another meaning"
    );
}

#[test]
fn the_variants_of_a_draft_are_left_out() {
    let feed = read("id,name,price,parentExternalId,status\np,a,1,,draft\nv,b,1,p,active\n");
    assert_eq!(feed.drafts(), [2, 3]);
}

#[test]
fn an_unknown_status_of_shopify_is_refused_once() {
    let feed = read(
        "Handle,Title,Option1 Name,Option1 Value,Variant Price,Status\n\
        a,Alpha,Size,S,10.00,suspended\na,,,M,10.00,\n",
    );
    feed.refuses(&[(2, "status: `suspended` is unknown")]);
}

#[test]
fn two_columns_of_one_name_must_agree() {
    let feed = read("id,name,price,Price\n1,a,1.00,1.00\n2,b,1.00,2.00\n");
    assert_eq!(feed.members("externalId"), ["\"1\""]);
    feed.refuses(&[(
        3,
        "price: the feed has two columns `price`, with the values `1.00` and `2.00`",
    )]);
}

#[test]
fn composed_and_decomposed_letters_are_one_id() {
    let feed = read("id,name,price\ncaf\u{e9},a,1\ncafe\u{301},b,2\n");
    assert_eq!(feed.products().len(), 1);
    feed.refuses(&[(3, "line 2 has the same external id")]);
}
