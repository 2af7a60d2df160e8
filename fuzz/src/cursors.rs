//! Cursors of pages.

use arbitrary::{Arbitrary, Unstructured};
use http::Request;
use mercato_ports::documents::Scalar;
use mercato_shop::cursor::{self, Place};
use mercato_shop::types::Error;
use percent_encoding::{NON_ALPHANUMERIC, percent_encode};

use crate::shop::Shop;
use crate::{reply, shop};

/// The lists that are sorted by a field and by id.
const LISTS: [&str; 4] = [
    "/api/products",
    "/api/products?sort=PRICE_ASC",
    "/api/orders",
    "/api/orders/user/<USER>",
];

#[derive(Arbitrary)]
struct AnyPlace {
    sort: bool,
    query: u32,
    value: Option<Result<i64, String>>,
    id: String,
}

/// Decodes a text as a cursor, sends it to lists, and encodes any place.
pub fn run(data: &[u8]) {
    if let Ok(text) = str::from_utf8(data) {
        for has_value in [false, true] {
            decode(text, has_value);
        }
    }
    if let Ok(place) = AnyPlace::arbitrary(&mut Unstructured::new(data)) {
        round_trip(place);
    }
    shop::with(|shop| LISTS.iter().for_each(|list| list_after(shop, list, data)));
}

fn decode(text: &str, has_value: bool) {
    match cursor::decode("after", text, "price", has_value) {
        Ok(place) => {
            assert_eq!(place.value.is_some(), has_value);
            let again = cursor::encode("price", place.clone()).expect("a cursor");
            assert_eq!(
                cursor::decode("after", &again, "price", has_value).expect("a place"),
                place
            );
        }
        Err(Error::Invalid(violation)) => assert_eq!(violation.field, "after"),
        Err(other) => panic!("{other:?}"),
    }
}

fn round_trip(any: AnyPlace) {
    let place = Place {
        query: any.query,
        value: any
            .value
            .map(|value| value.map_or_else(Scalar::Text, Scalar::Integer)),
        id: any.id,
    };
    let has_value = place.value.is_some();
    let (sort, other) = if any.sort {
        ("price", "-price")
    } else {
        ("-price", "price")
    };
    let text = cursor::encode(sort, place.clone()).expect("a cursor");
    assert_eq!(
        cursor::decode("after", &text, sort, has_value).expect("a place"),
        place
    );
    assert!(cursor::decode("after", &text, other, has_value).is_err());
}

fn list_after(shop: &Shop, list: &str, cursor: &[u8]) {
    let list = String::from_utf8_lossy(&shop.expand(list.as_bytes())).into_owned();
    let separator = if list.contains('?') { '&' } else { '?' };
    let cursor = percent_encode(cursor, NON_ALPHANUMERIC);
    let request = Request::get(format!("{list}{separator}after={cursor}")).header("x-api-key", shop::KEY);
    // The target is too long for HTTP.
    if let Ok(request) = request.body(Vec::new()) {
        let answer = reply::check(&shop.send(&request));
        if let Some(code) = answer.get("code") {
            assert_eq!(code, "BAD_USER_INPUT", "{answer}");
        }
    }
}
