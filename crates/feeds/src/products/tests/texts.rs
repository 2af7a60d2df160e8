//! Encodings, quotes and separators.

use super::*;

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
