//! The text search: words of all scripts, the order of the results, and the sort by name. The same tests run
//! on every store.

use std::sync::Arc;

use anyhow::{Result, ensure};
use libtest_mimic::Trial;
use serde_json::{Value, json};

use crate::fixtures::unique;
use crate::graphql::GraphqlResponse;
use crate::shop::{As, Shop};
use crate::trials::trials;
use crate::values::set;

/// The tests of this area.
pub fn tests(shop: &Arc<Shop>) -> Vec<Trial> {
    trials!(
        shop,
        "text_search",
        portable = [
            words_of_all_scripts_are_found,
            a_search_without_letters_and_digits_finds_nothing,
            all_texts_of_a_product_are_searched,
            words_of_the_name_come_first_on_pages_in_both_directions,
            names_are_sorted_by_the_unicode_collation,
            facets_count_what_the_search_finds
        ],
        component = [
            a_product_is_found_by_its_slug,
            a_conflict_names_the_field_and_the_other_product
        ]
    )
}

/// A name, and searches that find it.
const FOUND: &[(&str, &[&str])] = &[
    ("Große Straße", &["strasse", "STRASSE", "straße", "gross str"]),
    ("Łódź", &["lodz", "ŁÓDŹ", "łod"]),
    ("Smørrebrød", &["smorrebrod", "SMØRREBRØD"]),
    ("Σίσυφος", &["σισυφος", "ΣΙΣΥΦΟΣ", "σίσυφοσ"]),
    ("Ёлка", &["елка", "ЁЛКА", "ёлки"]),
    ("الخَيْمَة", &["خيمة", "الخيمة", "خيمه"]),
    ("5G-Router", &["5G", "５Ｇ", "router 5g", "5G-Router"]),
    ("北京烤鸭", &["烤鸭", "北京", "烤", "京烤鸭"]),
    ("대한민국 지도", &["민국", "대한민국", "지도"]),
    ("東京タワー", &["タワー", "ﾀﾜｰ", "東京"]),
    ("Wool sock", &["socks", "wool socks", "SOCKS wool"]),
    ("Boxes", &["box", "boxes"]),
    (
        "Kadın İstanbul ISITICI",
        &["istanbul", "İSTANBUL", "ısıtıcı", "isitici"],
    ),
    ("Điện thoại", &["dien thoai", "ĐIỆN", "Die\u{323}\u{302}n"]),
    ("Żółta Kurtka", &["zolta", "żółta kurtka"]),
    ("שָׁלוֹם", &["שלום"]),
    ("सूती कुर्ता", &["कुर्ता", "सूती कुर्"]),
    ("เสื้อยืดสีดำ", &["เสื้อยืด", "สีดำ"]),
    ("👕Tshirt", &["tshirt", "👕 tshirt", "tshirt👕"]),
    ("Wi\u{AD}Fi ca\u{200D}ble", &["wifi cable"]),
    ("ﬁne ㎏", &["fine", "FINE kg"]),
    ("Schraube ½", &["½", "schraube 1/2"]),
    ("Set ١٢٣", &["123", "１２３", "۱۲۳"]),
    ("Acme™ glue", &["acme glue"]),
    ("Women's T-Shirt", &["womens", "women's", "t-shirts", "TSHIRT"]),
    ("Huile d'olive", &["olive", "l’huile"]),
    ("Bücher und Schuhe", &["buch", "bucher", "schuh bücher"]),
    ("Chevaux", &["cheval"]),
    ("Pantalones", &["pantalón"]),
    ("Æble Þorn Đorđe", &["aeble", "thorn dorde"]),
];

/// Imports products of a new manufacturer, and returns the manufacturer.
fn products(shop: &Shop, names: &[&str]) -> Result<String> {
    let maker = unique("maker").replace('-', "");
    let row = |(number, name): (usize, &&str)| {
        json!({ "externalId": format!("{maker}:{number}"), "manufacturer": maker, "name": name, "price": 1,
            "quantity": 1 })
    };
    let rows: Vec<_> = names.iter().enumerate().map(row).collect();
    let answer = shop.import_products(&rows)?;
    answer.has_column(
        "/importProducts/outcomes",
        "/outcome",
        vec!["CREATED"; names.len()],
    )?;
    Ok(maker)
}

fn connection(shop: &Shop, variables: Value) -> Result<GraphqlResponse> {
    let query = "query ($first: Int, $after: String, $last: Int, $before: String, $filter: ProductFilter,
            $sort: ProductSort) {
        productConnection(
            first: $first, after: $after, last: $last, before: $before, filter: $filter, sort: $sort
        ) {
            totalCount edges { node { name } }
            pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } }";
    shop.graphql(As::Anonymous, query, variables)
}

/// Returns the names of a manufacturer's products that a search finds, by relevance.
fn found(shop: &Shop, maker: &str, search: &str) -> Result<Vec<Value>> {
    let filter = json!({ "search": search, "manufacturer": maker });
    let answer = connection(shop, json!({ "first": 100, "filter": filter }))?;
    answer.column("/productConnection/edges", "/node/name")
}

fn words_of_all_scripts_are_found(shop: &Shop) -> Result<()> {
    let names: Vec<_> = FOUND.iter().map(|(name, _)| *name).collect();
    let maker = products(shop, &names)?;
    let long = "Donaudampfschifffahrtsgesellschaft".repeat(10);
    let other = products(shop, &[&long])?;
    for search in [long.as_str(), "DONAUDAMPF"] {
        ensure!(
            found(shop, &other, search)? == [json!(long)],
            "a long word should be found"
        );
    }
    for (name, searches) in FOUND {
        for search in *searches {
            let names = found(shop, &maker, search)?;
            ensure!(
                names.contains(&json!(name)),
                "{search} should find {name}, not {names:?}"
            );
        }
    }
    for (search, expected) in [
        ("strasse lodz", &[][..]),
        ("京北", &[]),
        ("ock", &[]),
        ("wo sock", &[]),
        ("烤鸭 北京", &["北京烤鸭"]),
        ("5g", &["5G-Router"]),
    ] {
        let names = found(shop, &maker, search)?;
        ensure!(
            names == expected,
            "{search} should find {expected:?}, not {names:?}"
        );
    }
    Ok(())
}

fn a_search_without_letters_and_digits_finds_nothing(shop: &Shop) -> Result<()> {
    products(shop, &["100 % 👕 - sock"])?;
    for search in ["👕", "%", "-", "'", "™", "\u{200D}", "…", "*"] {
        let answer = connection(shop, json!({ "first": 5, "filter": { "search": search } }))?;
        answer.has("/productConnection/totalCount", 0)?;
        answer.has("/productConnection/edges", json!([]))?;
        answer.has("/productConnection/pageInfo/hasNextPage", false)?;
    }
    Ok(())
}

fn all_texts_of_a_product_are_searched(shop: &Shop) -> Result<()> {
    let word = unique("w").replace('-', "");
    let id = shop.product_from(json!({
        "name": "Shirt", "price": 1, "quantity": 1, "sku": format!("{word}-S10"), "manufacturer": "Ärmel",
        "externalId": format!("feed:{word}/42"), "description": "Knitted in the Alps",
        "attributes": [{ "name": "Material", "value": "Merino" }],
    }))?;
    let query = "mutation ($id: ID!, $name: String!) {
        createVariant(parentId: $id, options: [{ name: \"Size\", value: \"Medium\" }],
            input: { name: $name, price: 1, quantity: 1 }) { _id } }";
    let variant = shop.graphql(
        As::Key,
        query,
        json!({ "id": id, "name": format!("Shirt {word}") }),
    )?;
    let variant = variant.text("/createVariant/_id")?;
    for (search, expected) in [
        (format!("{word}-s10"), id.as_str()),
        (format!("{word}s10"), &id),
        (format!("feed {word} 42"), &id),
        (format!("{word} armel"), &id),
        (format!("{word} merino material"), &id),
        (format!("{word} knit"), &id),
        (format!("{word} medium"), variant),
    ] {
        let products = shop.find_products(json!({ "search": search }))?;
        let ids: Vec<_> = products.iter().filter_map(|product| product.get("_id")).collect();
        ensure!(
            ids == [&json!(expected)],
            "{search} should find {expected}, not {ids:?}"
        );
    }
    Ok(())
}

fn words_of_the_name_come_first_on_pages_in_both_directions(shop: &Shop) -> Result<()> {
    // A word of letters, since only those have a plural.
    let letter = |char: char| {
        char.to_digit(16)
            .and_then(|digit| char::from_digit(digit + 10, 36))
    };
    let name = unique("");
    let letters = name.chars().filter_map(letter);
    let word: String = ['w'].into_iter().chain(letters).chain(['k']).collect();
    let [liner, red, blue, plural] = [
        format!("{word}liner"),
        format!("Red {word}"),
        format!("{word} blue"),
        format!("Big {word}s"),
    ];
    let names = ["Hat", &liner, &red, "Shoe", &blue, &plural];
    let maker = products(shop, &names)?;
    // The words of these two are in the external id alone.
    let row = |number: usize, name: &str| {
        json!({ "externalId": format!("{maker}:{number}"), "description": format!("goes with {word}"), "name": name,
            "price": 1 })
    };
    let answer = shop.import_products(&[row(0, "Hat"), row(3, "Shoe")])?;
    answer.has_column("/importProducts/outcomes", "/outcome", ["UPDATED"; 2])?;
    let expected = [&red, &blue, &plural, &liner, "Hat", "Shoe"];
    let filter = json!({ "search": word });
    for size in [1, 4, 6] {
        for from_end in [false, true] {
            let (mut read, mut cursor) = (Vec::new(), Value::Null);
            loop {
                let page = if from_end {
                    json!({ "last": size, "before": cursor, "filter": filter })
                } else {
                    json!({ "first": size, "after": cursor, "filter": filter })
                };
                let answer = connection(shop, page)?;
                answer.has("/productConnection/totalCount", 6)?;
                let mut names = answer.column("/productConnection/edges", "/node/name")?;
                let (more, next) = if from_end {
                    names.extend(read);
                    read = names;
                    ("hasPreviousPage", "startCursor")
                } else {
                    read.extend(names);
                    ("hasNextPage", "endCursor")
                };
                cursor = answer
                    .data(&format!("/productConnection/pageInfo/{next}"))?
                    .clone();
                if answer.data(&format!("/productConnection/pageInfo/{more}"))? == &json!(false) {
                    break;
                }
            }
            ensure!(
                read == expected,
                "pages of {size} should have {expected:?}, not {read:?}"
            );
        }
    }
    let sort = json!({ "key": "NAME" });
    let answer = connection(shop, json!({ "first": 10, "filter": filter, "sort": sort }))?;
    answer.has_column(
        "/productConnection/edges",
        "/node/name",
        [&plural, "Hat", &red, "Shoe", &blue, &liner],
    )
}

fn names_are_sorted_by_the_unicode_collation(shop: &Shop) -> Result<()> {
    let names = [
        "zebra", "Apple", "Äpfel", "apple", "éclair", "Zebra", "Ёлка", "10", "9", "北京", "eclair", "שלום",
        "Straße", "strasse", "👕",
    ];
    let maker = products(shop, &names)?;
    let sorted = [
        "👕", "10", "9", "Äpfel", "apple", "Apple", "eclair", "éclair", "strasse", "Straße", "zebra",
        "Zebra", "Ёлка", "שלום", "北京",
    ];
    let filter = json!({ "manufacturer": maker });
    for descending in [false, true] {
        let sort = json!({ "key": "NAME", "descending": descending });
        let answer = connection(shop, json!({ "first": 50, "filter": filter, "sort": sort }))?;
        let mut names = answer.column("/productConnection/edges", "/node/name")?;
        if descending {
            names.reverse();
        }
        ensure!(names == sorted, "the names should be {sorted:?}, not {names:?}");
    }
    Ok(())
}

fn facets_count_what_the_search_finds(shop: &Shop) -> Result<()> {
    let maker = products(shop, &["Wool sock", "Socks", "Straße", "北京烤鸭"])?;
    let query = "query ($filter: ProductFilter) { productFacets(filter: $filter) { total } }";
    for (search, total) in [("socks", 2), ("strasse", 1), ("烤鸭", 1), ("👕", 0), ("hat", 0)] {
        let filter = json!({ "search": search, "manufacturer": maker });
        let answer = shop.graphql(As::Anonymous, query, json!({ "filter": filter }))?;
        answer.has("/productFacets/total", total)?;
    }
    Ok(())
}

fn a_product_is_found_by_its_slug(shop: &Shop) -> Result<()> {
    let query = "mutation ($name: String!) {
        createProduct(input: { name: $name, price: 1, quantity: 1 }) { _id slug } }";
    let word = unique("w").replace('-', "");
    for (name, slug) in [
        (format!("Äpfel & Birnen {word}"), format!("apfel-birnen-{word}")),
        (format!("Äpfel, Birnen {word}"), format!("apfel-birnen-{word}-2")),
        (format!("Straße {word}"), format!("strasse-{word}")),
        (format!("北京 {word}"), format!("北京-{word}")),
        (format!("Ёлка {word}"), format!("elka-{word}")),
    ] {
        let answer = shop.graphql(As::Key, query, json!({ "name": name }))?;
        answer.has("/createProduct/slug", &slug)?;
        let by_slug = "query ($slug: String!) { productBySlug(slug: $slug) { _id } }";
        let product = shop.graphql(As::Anonymous, by_slug, json!({ "slug": slug }))?;
        product.has("/productBySlug/_id", answer.text("/createProduct/_id")?)?;
    }
    Ok(())
}

fn a_conflict_names_the_field_and_the_other_product(shop: &Shop) -> Result<()> {
    let text = unique("w").replace('-', "");
    let owner = shop.product_from(json!({
        "name": "Owner", "price": 1, "quantity": 1, "sku": text, "slug": text, "externalId": text,
    }))?;
    for field in ["sku", "slug", "externalId"] {
        let mut input = json!({ "name": "Other", "price": 1, "quantity": 1 });
        set(&mut input, field, json!(text));
        let answer = shop.create_product(As::Key, input)?;
        let error = answer.refused("CONFLICT")?;
        let message = error.get("message").and_then(Value::as_str).unwrap_or_default();
        ensure!(
            message.starts_with(&format!(
                "`{field}` {text} belongs to the product {owner} (Owner)"
            )),
            "{message}"
        );
    }
    Ok(())
}
