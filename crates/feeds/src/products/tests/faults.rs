//! Feeds that cannot be read.

use super::*;

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
