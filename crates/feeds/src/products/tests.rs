//! Whole feeds, from their bytes to the products that are sent.

use std::io::Write;
use std::path::Path;

use iso_currency::Currency;
use time::OffsetDateTime;

use super::*;
use crate::columns::{Columns, Mapping};
use crate::number::Mark;
use crate::product::to_json;
use crate::source::Choices;
use crate::survey::{Form, Survey};

/// The options of an import.
struct Setup {
    choices: Choices,
    mappings: Vec<Mapping>,
    layout: Option<Layout>,
    decimal: Option<Mark>,
    shop_currency: Currency,
    include_drafts: bool,
    sets_stock: bool,
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            choices: Choices::default(),
            mappings: Vec::new(),
            layout: None,
            decimal: None,
            shop_currency: Currency::EUR,
            include_drafts: false,
            sets_stock: false,
        }
    }
}

/// A feed that was read.
struct Read {
    source: Source,
    layout: Layout,
    form: Form,
    entries: Vec<Entry>,
}

impl Read {
    /// Returns the products as JSON.
    fn products(&self) -> Vec<String> {
        let products = self
            .entries
            .iter()
            .filter_map(|entry| entry.outcome.as_ref().ok());
        products.map(|product| to_json(product).unwrap()).collect()
    }

    /// Returns the lines and the reasons of the refused rows.
    fn refused(&self) -> Vec<(u64, String)> {
        let reason = |entry: &Entry| match &entry.outcome {
            Err(Omission::Refused(error)) => {
                Some((entry.line, format!("{}: {}", error.field, error.message)))
            }
            _ => None,
        };
        self.entries.iter().filter_map(reason).collect()
    }

    /// Returns the lines of the drafts.
    fn drafts(&self) -> Vec<u64> {
        let drafts = self
            .entries
            .iter()
            .filter(|entry| matches!(entry.outcome, Err(Omission::Draft)));
        drafts.map(|entry| entry.line).collect()
    }

    /// Returns a member of each product, as JSON.
    fn members(&self, name: &str) -> Vec<String> {
        let member = |json: &String| {
            let product: serde_json::Value = serde_json::from_str(json).unwrap();
            product.get(name).cloned().unwrap_or_default().to_string()
        };
        self.products().iter().map(member).collect()
    }

    /// Fails unless these rows are refused for reasons with these words, and no others.
    fn refuses(&self, expected: &[(u64, &str)]) {
        let refused = self.refused();
        let lines: Vec<u64> = refused.iter().map(|(line, _)| *line).collect();
        let expected_lines: Vec<u64> = expected.iter().map(|(line, _)| *line).collect();
        assert_eq!(lines, expected_lines, "{refused:?}");
        for ((_, reason), (line, words)) in refused.iter().zip(expected) {
            assert!(
                reason.contains(words),
                "line {line} should be refused for `{words}`: {reason}"
            );
        }
    }
}

fn read_file(path: &Path, setup: &Setup) -> Read {
    let recognised = |names: &[String]| Columns::count_known(names, &setup.mappings);
    let source = Source::detect(path, &setup.choices, &recognised).unwrap();
    let layout = setup.layout.unwrap_or_else(|| Layout::detect(&source.columns));
    let mut parser = RowParser {
        columns: Columns::find(&source.columns, layout, &setup.mappings).unwrap(),
        layout,
        form: None,
        shop_currency: setup.shop_currency,
        currency: None,
        quantity: None,
        sets_stock: setup.sets_stock,
        allow_zero_price: false,
        now: OffsetDateTime::UNIX_EPOCH,
    };
    let survey = Survey::read(&source, &parser, |_| Ok(())).unwrap();
    let form = survey.numbers.form(setup.decimal, layout);
    parser.form = form.mark();
    let products = Products::open(&source, parser, survey.groups, setup.include_drafts).unwrap();
    let entries = products.map(|entry| entry.unwrap()).collect();
    Read {
        source,
        layout,
        form,
        entries,
    }
}

fn read_with(content: impl AsRef<[u8]>, setup: &Setup) -> Read {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(content.as_ref()).unwrap();
    read_file(file.path(), setup)
}

fn read(content: impl AsRef<[u8]>) -> Read {
    read_with(content, &Setup::default())
}

fn case_with(name: &str, setup: &Setup) -> Read {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures/feeds");
    read_file(&folder.join(name), setup)
}

fn case(name: &str) -> Read {
    case_with(name, &Setup::default())
}

#[test]
fn the_rows_of_a_handle_of_shopify_are_a_product_with_variants() {
    let feed = case("01-shopify.csv");
    assert_eq!(feed.layout, Layout::Shopify);
    let variant = |size: &str, sku: &str, quantity: u32, price: u32, before: u32| {
        format!(
            r#"{{"externalId":"tee/{size}","name":"Classic Tee - {size}","manufacturer":"Acme","priceAmount":{price},"compareAtPrice":{before},"quantity":{quantity},"sku":"{sku}","categoryPath":["Shirts"],"parentExternalId":"tee","options":[{{"name":"Size","value":"{size}"}}]}}"#
        )
    };
    let parent = r#"{"externalId":"tee","name":"Classic Tee","description":"<p>Soft</p>","manufacturer":"Acme","priceAmount":1999,"compareAtPrice":2500,"categoryPath":["Shirts"],"images":[{"url":"https://example.com/1.jpg"},{"url":"https://example.com/2.jpg"},{"url":"https://example.com/3.jpg"}],"attributes":[{"name":"Tags","value":"a, b"}]}"#;
    assert_eq!(
        feed.products(),
        [
            parent.to_owned(),
            variant("S", "TEE-S", 5, 1999, 2500),
            variant("M", "TEE-M", 7, 1999, 2500),
            variant("L", "TEE-L", 9, 2199, 0),
        ]
    );
    assert_eq!(feed.drafts(), [6]);
    let setup = Setup {
        include_drafts: true,
        ..Setup::default()
    };
    let feed = case_with("01-shopify.csv", &setup);
    let mug = r#"{"externalId":"mug","name":"Draft Mug","description":"","manufacturer":"Acme","priceAmount":800,"compareAtPrice":0,"quantity":3,"sku":"MUG","categoryPath":["Mugs"],"images":[],"attributes":[]}"#;
    assert_eq!(feed.products().last().unwrap(), mug);
    feed.refuses(&[]);
}

#[test]
fn the_newer_columns_of_shopify_are_read_too() {
    let text = "Title,URL handle,Description,Vendor,Product category,Type,Published on online store,Status,SKU,\
        Option1 name,Option1 value,Option2 name,Option2 value,Price,Compare-at price,Inventory quantity,\
        Weight value (grams),Product image URL,Image position,Image alt text,Variant image URL\n\
        Tee,tee,Soft,Acme,Apparel & Accessories > Clothing,,TRUE,Active,T1,Size,S,Color,Red,19.99,25.00,-2,150,https://x/2.jpg,2,Back,https://x/r.jpg\n\
        ,tee,,,,,,,T2,,S,,Blue,9.99,,7,150,https://x/1.jpg,1,,\n\
        Mug,mug,,Acme,,Mugs,FALSE,Active,M1,Title,Default Title,,,8.00,,3,,,,,\n\
        Cup,cup,,Acme,,Mugs,TRUE,Archived,C1,Title,Default Title,,,8.00,,3,,,,,\n";
    let feed = read(text);
    assert_eq!(feed.layout, Layout::Shopify);
    assert_eq!(
        feed.members("externalId"),
        ["\"tee\"", "\"tee/S/Red\"", "\"tee/S/Blue\""]
    );
    assert_eq!(feed.members("priceAmount"), ["999", "1999", "999"]);
    assert_eq!(
        feed.members("quantity"),
        ["null", "0", "7"],
        "an oversold stock is 0"
    );
    assert_eq!(feed.members("weight"), ["null", "150", "150"]);
    let images = r#"[{"url":"https://x/1.jpg"},{"alt":"Back","url":"https://x/2.jpg"}]"#;
    assert_eq!(
        feed.members("images"),
        [images, r#"[{"url":"https://x/r.jpg"}]"#, "null"]
    );
    assert_eq!(
        feed.members("categoryPath")[1],
        r#"["Apparel & Accessories","Clothing"]"#
    );
    let options = r#"[{"name":"Size","value":"S"},{"name":"Color","value":"Blue"}]"#;
    assert_eq!(feed.members("options")[2], options);
    assert_eq!(feed.drafts(), [4, 5]);
}

#[test]
fn a_bad_variant_of_shopify_does_not_affect_the_others_and_rows_may_be_scattered() {
    let text = "Handle,Title,Option1 Name,Option1 Value,Variant SKU,Variant Inventory Qty,Variant Price\n\
        a,Alpha,Size,S,A-S,1,10.00\n\
        b,Beta,Size,S,B-S,1,free\n\
        a,,,M,A-M,1,#REF!\n\
        b,,,M,B-M,1,12.00\n\
        c,,Size,S,C-S,1,5.00\n\
        a,,,S,A-X,1,9.00\n";
    let feed = read(text);
    feed.refuses(&[
        (3, "`free`"),
        (6, "no row of the handle has a title"),
        (4, "#REF!"),
        (7, "line 2 has the same external id"),
    ]);
    let ids = ["\"b\"", "\"b/M\"", "\"a\"", "\"a/S\""];
    assert_eq!(feed.members("externalId"), ids);
}

#[test]
fn variations_of_woocommerce_belong_to_their_product() {
    let feed = case("02-woo.csv");
    assert_eq!(feed.layout, Layout::Woocommerce);
    assert_eq!(
        feed.products(),
        [
            r#"{"externalId":"10","name":"Plain Pen","description":"Writes\nwell","priceAmount":450,"compareAtPrice":500,"quantity":40,"sku":"WOO-10","categoryPath":["Office","Pens"],"images":[{"url":"https://example.com/p.jpg"}]}"#,
            r#"{"externalId":"11","name":"Hoodie","description":"","priceAmount":4500,"compareAtPrice":0,"sku":"WOO-11","categoryPath":["Clothing"],"images":[]}"#,
            r#"{"externalId":"12","name":"Hoodie - S","description":"","priceAmount":4500,"compareAtPrice":0,"quantity":4,"sku":"WOO-11-S","categoryPath":["Clothing"],"images":[],"parentExternalId":"11","options":[{"name":"Variation","value":"S"}]}"#,
            r#"{"externalId":"13","name":"Hoodie - M","description":"","priceAmount":4500,"compareAtPrice":0,"quantity":6,"sku":"WOO-11-M","categoryPath":["Clothing"],"images":[],"parentExternalId":"11","options":[{"name":"Variation","value":"M"}]}"#,
        ]
    );
    assert_eq!(feed.drafts(), [6, 7]);
    feed.refuses(&[]);
}

#[test]
fn other_rows_of_woocommerce_are_read_as_what_they_are() {
    let text = "ID,Type,SKU,Name,Published,Description,Short description,In stock?,Stock,Weight (kg),Sale price,\
        Regular price,Date sale price starts,Date sale price ends,Categories,Images,Parent,Attribute 1 name,Attribute 1 value(s)\n\
        21,variation,V-S,,1,,,1,4,\"0,3\",,\"1.045,00\",,,,,V,Size,S\n\
        20,\"variable, virtual\",V,Vest,1,,Warm,1,,,,,,,\"Clothes > Tops\\, warm, Sale\",\"https://x/1.jpg, https://x/2.jpg\",,Size,\"S, M\"\n\
        22,variation,V-M,,1,,,0,,,\"40,00\",\"45,00\",1970-01-02,,,,id:20,Size,M\n\
        30,grouped,G,Set,1,,,1,,,,,,,,,,,\n\
        31,external,E,Elsewhere,1,,,1,,,,\"9,00\",,,,,,,\n\
        40,variable,D,Hidden,-1,,,1,,,,,,,,,,Size,S\n\
        41,variation,D-S,,1,,,1,1,,,\"9,00\",,,,,D,Size,S\n\
        50,variation,X-S,Lost,1,,,1,1,,,\"9,00\",,,,,X,Size,S\n\
        60,simple,S,Sock,1,,,1,,,\"4,00\",,,1970-01-02,,,,Material,Wool\n";
    let feed = read(text);
    assert_eq!(feed.form.mark(), Some(Mark::Comma));
    assert_eq!(
        feed.members("externalId"),
        ["\"20\"", "\"21\"", "\"22\"", "\"60\""]
    );
    assert_eq!(
        feed.members("name"),
        ["\"Vest\"", "\"Vest - S\"", "\"Vest - M\"", "\"Sock\""]
    );
    assert_eq!(feed.members("priceAmount"), ["4500", "104500", "4500", "400"]);
    assert_eq!(feed.members("quantity"), ["null", "4", "0", "1"]);
    assert_eq!(feed.members("description")[0], "\"Warm\"");
    assert_eq!(feed.members("categoryPath")[1], r#"["Clothes","Tops, warm"]"#);
    assert_eq!(
        feed.members("images")[0],
        r#"[{"url":"https://x/1.jpg"},{"url":"https://x/2.jpg"}]"#
    );
    assert_eq!(feed.members("options")[1], r#"[{"name":"Size","value":"S"}]"#);
    assert_eq!(feed.members("weight")[1], "300");
    assert_eq!(
        feed.members("attributes")[3],
        r#"[{"name":"Material","value":"Wool"}]"#
    );
    feed.refuses(&[(5, "grouped"), (6, "another shop"), (9, "SKU `X`")]);
    assert_eq!(feed.drafts(), [7, 8]);
}

#[test]
fn googles_feed_sells_at_the_sale_price() {
    let feed = case("03-google.tsv");
    assert_eq!(feed.layout, Layout::Google);
    assert_eq!(
        feed.members("name"),
        ["\"Run Shoe\"", r#""\"24in\" Monitor""#, r#""24\" Monitor""#]
    );
    assert_eq!(feed.members("priceAmount"), ["1599", "20000", "21000"]);
    assert_eq!(feed.members("compareAtPrice"), ["1999", "0", "0"]);
    assert_eq!(feed.members("currency"), ["\"USD\"", "\"USD\"", "\"USD\""]);
    assert_eq!(feed.members("quantity"), ["1", "0", "1"]);
    feed.refuses(&[]);
}

#[test]
fn the_items_of_a_group_of_google_are_variants() {
    let header =
        "id\ttitle\tprice\tavailability\titem_group_id\tcolor\tsize\timage_link\tadditional_image_link\n";
    let rows = "A1\tRun Shoe - Red, 42\t20.00 EUR\tin_stock\tA\tRed\t42\thttps://x/1.jpg\thttps://x/2.jpg,https://x/3.jpg\n\
        B1\tCap one\t5.00 EUR\tin_stock\tB\t\t\t\t\n\
        C\tMug\t7.00 EUR\tin_stock\tC\t\t\t\t\n\
        A2\tRun Shoe - Blue, 42\t19.00 EUR\tout_of_stock\tA\tBlue\t42\thttps://x/4.jpg\t\n\
        B2\tCap two\t6.00 EUR\tin_stock\tB\t\t\t\t\n\
        D\tPen red\t1.00 EUR\tin_stock\tD\tRed\t\t\t\n\
        D2\tPen blue\t1.50 EUR\tin_stock\tD\tBlue\t\t\t\n";
    let feed = read(format!("{header}{rows}"));
    let ids = ["C", "A", "A1", "A2", "B", "B1", "B2", "D:group", "D", "D2"];
    assert_eq!(feed.members("externalId"), ids.map(|id| format!("\"{id}\"")));
    let prices = [
        "700", "1900", "2000", "1900", "500", "500", "600", "100", "100", "150",
    ];
    assert_eq!(feed.members("priceAmount"), prices);
    assert_eq!(feed.members("name")[1], "\"Run Shoe\"");
    assert_eq!(feed.members("options")[2], r#"[{"name":"Color","value":"Red"}]"#);
    assert_eq!(
        feed.members("options")[5],
        r#"[{"name":"Title","value":"Cap one"}]"#
    );
    assert_eq!(feed.members("parentExternalId")[9], "\"D:group\"");
    let images = r#"[{"url":"https://x/1.jpg"},{"url":"https://x/2.jpg"},{"url":"https://x/3.jpg"}]"#;
    assert_eq!(feed.members("images")[1], images);
    let lines: Vec<u64> = feed.entries.iter().map(|entry| entry.at).collect();
    assert!(lines.is_sorted(), "{lines:?}");
}

#[test]
fn a_quote_at_the_beginning_of_a_tab_separated_value_is_part_of_it() {
    let feed = case("03b-google-unbalanced-quote.tsv");
    assert!(!feed.source.dialect.unwrap().quoting);
    let names = [
        "\"Best of jazz",
        "Plain two",
        "Plain three",
        "Plain \"four\"",
        "Plain five",
    ];
    assert_eq!(
        feed.members("name"),
        names.map(|name| serde_json::to_string(name).unwrap())
    );
    let feed = read("id\tname\tprice\n1\t\"Jazz\t1\n2\tTwo\t2\n3\tTV 24\"\t3\n4\t\"Four\"\t4\n");
    assert_eq!(
        feed.members("name"),
        ["\"\\\"Jazz\"", "\"Two\"", "\"TV 24\\\"\"", "\"\\\"Four\\\"\""]
    );
}

#[test]
fn a_quoted_value_of_a_tab_separated_feed_is_unquoted() {
    let feed = read(
        "id\tname\tprice\n1\t\"a\nb\"\t1\n2\t\"c\"\t2\n3\t\"say \"\"hi\"\"\"\t3\n4\t\"open\t4\n5\te\t5\n",
    );
    assert_eq!(
        feed.members("name"),
        ["\"a b\"", "\"c\"", "\"say \\\"hi\\\"\"", "\"e\""]
    );
    feed.refuses(&[(6, "unclosed quote, begins on line 6")]);
}

#[test]
fn an_unclosed_quote_is_refused_with_its_line() {
    let feed = read("id,name,price\n1,\"Lamp,1.00\n2,Chair,2.00\n3,\"Desk\",3.00\n");
    assert_eq!(feed.members("externalId"), ["\"2\"", "\"3\""]);
    feed.refuses(&[(2, "unclosed quote, begins on line 2")]);
}

#[test]
fn encodings_are_detected_over_the_whole_file() {
    for (name, encoding, names) in [
        (
            "04-cp1251.csv",
            "windows-1251, guessed from the whole file",
            &["Кружка белая"][..],
        ),
        (
            "04-utf16le-bom.csv",
            "UTF-16LE, by the byte order mark",
            &["Müller Öl – 5 €", "Ünï"],
        ),
    ] {
        let feed = case(name);
        assert_eq!(feed.source.encoding.to_string(), encoding);
        assert_eq!(
            feed.members("name"),
            names.iter().map(|name| format!("\"{name}\"")).collect::<Vec<_>>()
        );
        feed.refuses(&[]);
    }
    let feed = case("04-utf8-one-bad-byte.csv");
    assert_eq!(feed.source.encoding.to_string(), "UTF-8, with 1 invalid byte");
    assert_eq!(feed.products().len(), 5);
    feed.refuses(&[(7, "line 7, column 12: it is not valid in UTF-8")]);
}

#[test]
fn texts_of_many_encodings_are_recognised() {
    let german = "id;name;price\n1;Müller Öl für die Küche;1,50\n2;Größe äußerst schön;2,50\n";
    let russian = "id;name;price\n1;Кружка белая с рисунком;1,50\n2;Ёлка новогодняя;2,50\n";
    let polish = "id;name;price\n1;Żółty kubek z łyżką;1,50\n2;Ściereczka błękitna;2,50\n";
    let signs = "id;name;price\n1;20 °C, 5 µm, ½ l, Brand® ©;1,50\n2;Café;2,50\n";
    let japanese = "id,name,price\n1,東京タワーの置物です,150\n2,日本語のお皿とカップ,250\n";
    let chinese = "id,name,price\n1,北京烤鸭真好吃的礼盒,150\n2,我们的中文商品名称,250\n";
    let utf_16 =
        |text: &str, bytes: fn(u16) -> [u8; 2]| text.encode_utf16().flat_map(bytes).collect::<Vec<u8>>();
    for (text, encoding, bytes) in [
        (german, "UTF-8", german.as_bytes().to_vec()),
        (german, "UTF-8", [b"\xef\xbb\xbf", german.as_bytes()].concat()),
        (
            german,
            "windows-1252",
            encoding_rs::WINDOWS_1252.encode(german).0.into_owned(),
        ),
        (
            signs,
            "windows-1252",
            encoding_rs::WINDOWS_1252.encode(signs).0.into_owned(),
        ),
        (
            russian,
            "windows-1251",
            encoding_rs::WINDOWS_1251.encode(russian).0.into_owned(),
        ),
        (
            russian,
            "KOI8-U",
            encoding_rs::KOI8_U.encode(russian).0.into_owned(),
        ),
        (
            polish,
            "windows-1250",
            encoding_rs::WINDOWS_1250.encode(polish).0.into_owned(),
        ),
        (
            japanese,
            "Shift_JIS",
            encoding_rs::SHIFT_JIS.encode(japanese).0.into_owned(),
        ),
        (
            japanese,
            "EUC-JP",
            encoding_rs::EUC_JP.encode(japanese).0.into_owned(),
        ),
        (chinese, "GBK", encoding_rs::GBK.encode(chinese).0.into_owned()),
        (german, "UTF-16LE", utf_16(german, u16::to_le_bytes)),
        (german, "UTF-16BE", utf_16(german, u16::to_be_bytes)),
        (chinese, "UTF-16LE", utf_16(chinese, u16::to_le_bytes)),
        (
            russian,
            "UTF-16BE",
            [b"\xfe\xff".to_vec(), utf_16(russian, u16::to_be_bytes)].concat(),
        ),
    ] {
        let feed = read(&bytes);
        assert_eq!(feed.source.encoding.encoding.to_string(), encoding);
        let expected: Vec<String> = text
            .lines()
            .skip(1)
            .map(|line| {
                format!(
                    "\"{}\"",
                    line.split(if text.contains(';') { ';' } else { ',' })
                        .nth(1)
                        .unwrap()
                )
            })
            .collect();
        assert_eq!(feed.members("name"), expected, "{encoding}");
        feed.refuses(&[]);
    }
}

#[test]
fn an_encoding_can_be_chosen() {
    let text = "id;name\n1;Кружка\n";
    let setup = Setup {
        choices: Choices {
            encoding: Some("ibm866".parse().unwrap()),
            ..Choices::default()
        },
        mappings: vec!["price=".parse().unwrap()],
        ..Setup::default()
    };
    let feed = read_with(encoding_rs::IBM866.encode(text).0, &setup);
    assert_eq!(feed.members("name"), ["\"Кружка\""]);
    assert!("klingon".parse::<crate::source::Encoding>().is_err());
    assert_eq!(
        "latin-1".parse::<crate::source::Encoding>().unwrap().to_string(),
        "windows-1252"
    );
}

#[test]
fn invalid_bytes_spoil_only_their_rows() {
    let mut bytes = "id,name,price\n1,Müller,1.00\n2,é,2.00\n".as_bytes().to_vec();
    bytes.extend_from_slice(b"3,\xfcber,3.00\n4,ok,4.00\n");
    let feed = read(&bytes);
    assert_eq!(feed.members("externalId"), ["\"1\"", "\"2\"", "\"4\""]);
    feed.refuses(&[(4, "line 4, column 3")]);
    let feed = read([b"\xef\xbb\xbfid,name,price\n1,\xfc,1.00\n2,b,2.00\n".as_slice()].concat());
    assert_eq!(feed.members("externalId"), ["\"2\""], "a byte order mark decides");
    let odd = [
        b"\xff\xfe".to_vec(),
        "id,name,price\n1,a,1\n2,"
            .encode_utf16()
            .flat_map(u16::to_le_bytes)
            .collect(),
        b"\x00\xd8,\x001\x00\n\x00".to_vec(),
    ]
    .concat();
    let feed = read(odd);
    assert_eq!(feed.members("externalId"), ["\"1\""]);
    assert_eq!(feed.refused().len(), 1);
}

#[test]
fn files_that_are_no_text_are_rejected_with_advice() {
    for (bytes, words) in [
        (&b"PK\x03\x04rest"[..], "Excel"),
        (b"\xd0\xcf\x11\xe0rest", "Excel"),
        (b"\x1f\x8brest", "gunzip"),
        (b"<?xml version=\"1.0\"?><rss/>", "XML"),
        (&[0; 100], "not a text"),
    ] {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(bytes).unwrap();
        let error = Source::detect(file.path(), &Choices::default(), &|_| 0).unwrap_err();
        assert!(error.to_string().contains(words), "{error}");
    }
}

#[test]
fn separators_are_detected_outside_of_quotes_and_can_be_named() {
    let setup = |separator: &str| Setup {
        choices: Choices {
            separator: Some(separator.parse().unwrap()),
            ..Choices::default()
        },
        ..Setup::default()
    };
    let feed = case("05-sep.csv");
    assert_eq!(
        feed.products(),
        [r#"{"externalId":"S1","name":"Sep line","priceAmount":250}"#]
    );
    assert_eq!(feed.entries[0].line, 3);
    let feed = case("05-quoted-header-commas.csv");
    let product = r#"{"externalId":"Z2","name":"n","priceAmount":100,"currency":"EUR"}"#;
    assert_eq!(feed.products(), [product]);
    for (text, separator) in [
        ("id,name,price\n1,a;b,1.50\n", "comma"),
        ("id;name;price\n1;a,b,c,d;1,50\n", "semicolon"),
        ("id\tname\tprice\n1\ta,b;c\t1,50\n", "tab"),
        ("id|name|price\n1|a,b;c|1.50\n", "`|`"),
        ("\"id\",\"name\",\"price\"\n\"1\",\"a\",1.50\n", "comma"),
        ("\"id\";\"name\";\"price\"\n1;a;1.50\n", "semicolon"),
        ("id;name;\"price, net, gross, or so\"\n1;a;1,50\n", "semicolon"),
        ("id;name, long, longer;price\n1;a;1,50\n", "semicolon"),
        ("sep=\t\nid\tname\tprice\n1\ta\t1.50\n", "tab"),
        ("SEP=|\r\nid|name|price\r\n1|a|1.50\r\n", "`|`"),
        ("\"sep=;\"\nid;name;price\n1;a;1.50\n", "semicolon"),
        ("sep=^\nid^name^price\n1^a^1.50\n", "`^`"),
    ] {
        let setup = Setup {
            mappings: if text.contains("long,") {
                vec!["name=name, long, longer".parse().unwrap()]
            } else {
                Vec::new()
            },
            ..Setup::default()
        };
        let feed = read_with(text, &setup);
        assert_eq!(
            feed.source.dialect.unwrap().separator.to_string(),
            separator,
            "{text}"
        );
        assert_eq!(feed.members("priceAmount"), ["150"], "{text}");
    }
    let feed = read_with("id~name~price\n1~a~1.50\n", &setup("~"));
    assert_eq!(feed.members("priceAmount"), ["150"]);
    for wrong in ["", "ab", "\"", "é", "a"] {
        assert!(wrong.parse::<crate::source::Separator>().is_err(), "{wrong}");
    }
}

#[test]
fn a_row_with_more_values_than_columns_is_refused() {
    let feed = case("06-decimal-comma-unquoted.csv");
    assert_eq!(
        feed.products(),
        [r#"{"externalId":"Y3","name":"Scarf","priceAmount":1500,"quantity":2}"#]
    );
    feed.refuses(&[(2, "5 values, and the header has 4 columns"), (3, "5 values")]);
    let feed = case("06-too-many-fields.csv");
    assert!(feed.products().is_empty());
    feed.refuses(&[(2, "4 values, and the header has 3 columns"), (3, "4 values")]);
    let feed = read("id,name,price,stock\n1,a,1.50,2,,\n2,b,1.50\n3,c\n");
    assert_eq!(
        feed.members("externalId"),
        ["\"1\"", "\"2\""],
        "blank values are no values"
    );
    assert_eq!(
        feed.members("quantity"),
        ["2", "null"],
        "a missing value names nothing"
    );
    feed.refuses(&[(4, "the row has no price")]);
}

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

fn detect_error(content: impl AsRef<[u8]>) -> String {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(content.as_ref()).unwrap();
    let recognised = |names: &[String]| Columns::count_known(names, &[]);
    Source::detect(file.path(), &Choices::default(), &recognised)
        .unwrap_err()
        .to_string()
}

#[test]
fn a_feed_of_an_old_macintosh_is_read() {
    let text = "id,name,price\n1,Cr\u{e8}me br\u{fb}l\u{e9}e fran\u{e7}aise,1\n2,T\u{ea}te \u{e0} t\u{ea}te,2\n\
        3,O\u{f9} \u{e7}a,3\n";
    let feed = read(encoding_rs::MACINTOSH.encode(text).0);
    assert_eq!(feed.source.encoding.encoding.to_string(), "macintosh");
    assert_eq!(feed.members("name")[2], "\"O\u{f9} \u{e7}a\"");
}

#[test]
fn one_nul_is_the_fault_of_its_row() {
    let feed = read(b"id,name,price\n1,a\0b,1\n2,b,2\n");
    assert_eq!(feed.source.encoding.to_string(), "UTF-8");
    assert_eq!(feed.members("externalId"), ["\"2\""]);
    feed.refuses(&[(2, "NUL")]);
    let feed = read("{\"id\":1,\"name\":\"a\\u0000\",\"price\":1}\n");
    feed.refuses(&[(1, "NUL")]);
}

#[test]
fn an_empty_feed_is_called_empty() {
    for content in [
        "", "\u{feff}", "\n\r\n\n", "  \n \n", "[]", "[ ]\n", "{}", "sep=;\n",
    ] {
        assert_eq!(detect_error(content), "the feed is empty", "{content:?}");
    }
}

#[test]
fn json_of_another_shape_is_explained() {
    for content in [
        "{\"products\":[{\"id\":1,\"name\":\"a\",\"price\":1}]}\n",
        "{\"title\":\"Feed\",\"products\":[{\"id\":1}]}",
        "{\n  \"products\": [\n    {\"id\": 1}\n  ]\n}\n",
    ] {
        let error = detect_error(content);
        assert!(error.contains("in `products`"), "{error}");
    }
    let error = detect_error("{\n  \"id\": 1,\n  \"name\": \"a\",\n  \"price\": 1\n}\n");
    assert!(error.contains("each line must be one JSON object"), "{error}");
    let feed =
        read("{\"id\":1,\"name\":\"a\",\"price\":1,\"attributes\":[{\"name\":\"x\",\"value\":\"y\"}]}\n");
    assert_eq!(feed.entries.len(), 1, "a list of one product is no wrapper");
    let feed = read("{\"id\":1,\n{\"id\":2,\"name\":\"a\",\"price\":1}\n");
    feed.refuses(&[(1, "not a JSON object")]);
}

#[test]
fn variants_of_two_currencies_are_refused() {
    let feed = read(
        "id,title,price,item_group_id,color,availability\n\
        1,a,10.00 EUR,g,red,in stock\n2,a,9.00 USD,g,blue,in stock\n3,b,9.00 USD,,,in stock\n",
    );
    assert_eq!(feed.members("externalId"), ["\"3\""]);
    feed.refuses(&[(2, "EUR and USD"), (3, "EUR and USD")]);
    let feed = read(
        "Handle,Title,Option1 Name,Option1 Value,Variant Price\n\
        a,Alpha,Size,S,10.00 EUR\na,,,M,10.00 USD\n",
    );
    feed.refuses(&[(2, "EUR and USD"), (3, "EUR and USD")]);
}
