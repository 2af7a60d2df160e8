//! Exports of Shopify and WooCommerce, and feeds of Google.

use super::*;

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
