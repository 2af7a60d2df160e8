//! Variants of products, SKUs, images and attributes.

use std::sync::Arc;

use anyhow::{Result, ensure};
use libtest_mimic::Trial;
use serde_json::{Value, json};

use crate::fixtures::{UNKNOWN_ID, unique};
use crate::graphql::GraphqlResponse;
use crate::shop::{As, Shop};
use crate::trials::trials;
use crate::values::set;

/// The tests of this area.
pub fn tests(shop: &Arc<Shop>) -> Vec<Trial> {
    trials!(
        shop,
        "variants",
        portable = [
            a_variant_is_bought_and_its_parent_is_not,
            a_sku_belongs_to_one_product
        ],
        component = [
            a_cart_accepts_variants_and_no_parents,
            images_and_attributes_are_returned_as_given
        ]
    )
}

/// Creates a variant of a product.
fn variant(shop: &Shop, parent: &str, size: &str, sku: &str) -> Result<GraphqlResponse> {
    let query = "mutation ($parent: ID!, $options: [AttributeInput!]!, $input: CreateProductInput!) {
        createVariant(parentId: $parent, options: $options, input: $input) { _id sku parentId options { name value } } }";
    let variables = json!({
        "parent": parent,
        "options": [{ "name": "size", "value": size }],
        "input": { "name": format!("variant {size}"), "price": 700, "quantity": 2, "sku": sku },
    });
    shop.graphql(As::Key, query, variables)
}

fn a_variant_is_bought_and_its_parent_is_not(shop: &Shop) -> Result<()> {
    let parent = shop.product(500, 1)?;
    let sku = unique("sku");
    let created = variant(shop, &parent, "M", &sku)?;
    let id = created.text("/createVariant/_id")?;
    created.has("/createVariant/parentId", &parent)?;
    created.has("/createVariant/sku", &sku)?;
    variant(shop, &parent, "M", &unique("sku"))?.refused("CONFLICT")?;
    variant(shop, id, "L", &unique("sku"))?.bad_input("parentId")?;
    variant(shop, UNKNOWN_ID, "L", &unique("sku"))?.refused("NOT_FOUND")?;
    let query =
        "query ($id: ID!) { product(id: $id) { variants { _id price quantity options { name value } } } }";
    let answer = shop.graphql(As::Anonymous, query, json!({ "id": parent }))?;
    let options = [json!({ "name": "size", "value": "M" })];
    let expected = json!([{ "_id": id, "price": 700, "quantity": 2, "options": options }]);
    answer.has("/product/variants", expected)?;
    let found = shop.find_products(json!({ "sku": sku }))?;
    let ids: Vec<_> = found.iter().map(|product| product.get("_id")).collect();
    ensure!(
        ids == [Some(&json!(id))],
        "the SKU should find the variant: {found:?}"
    );
    let ada = shop.ada()?.caller();
    shop.place_order(ada, &[(&parent, 1)])?.bad_input("products")?;
    shop.place_order(ada, &[(id, 2)])?
        .has("/placeOrder/total", 1_400)?;
    shop.delete_product(&parent, 1)?.refused("CONFLICT")?;
    Ok(())
}

fn a_cart_accepts_variants_and_no_parents(shop: &Shop) -> Result<()> {
    let parent = shop.product(500, 9)?;
    let shopper = shop.register("shopper")?;
    let add = |id: &str| shop.add_to_cart(shopper.caller(), id, 1);
    add(&parent)?.int("/addToCart/total")?;
    let created = variant(shop, &parent, "M", &unique("sku"))?;
    // A product with variants cannot be bought any more.
    let query = "{ cart { total products { available } changes { productId kind } } }";
    let changes = [json!({ "productId": parent, "kind": "VANISHED" })];
    let expected = json!({ "total": null, "products": [{ "available": 0 }], "changes": changes });
    shop.query(shopper.caller(), query)?.has("/cart", expected)?;
    add(&parent)?.bad_input("productId")?;
    add(created.text("/createVariant/_id")?)?.int("/addToCart/total")?;
    Ok(())
}

fn a_sku_belongs_to_one_product(shop: &Shop) -> Result<()> {
    let sku = unique("sku");
    let input = json!({ "name": "one", "price": 1, "quantity": 1, "sku": sku, "weight": 250 });
    let id = shop.product_from(input.clone())?;
    shop.create_product(As::Key, input.clone())?.refused("CONFLICT")?;
    let query = "mutation ($id: ID!) { updateProduct(id: $id, version: 1, input: { sku: \"\", weight: 0 }) { sku weight } }";
    let answer = shop.graphql(As::Key, query, json!({ "id": id }))?;
    answer.has("/updateProduct", json!({ "sku": null, "weight": null }))?;
    shop.product_from(input)?;
    Ok(())
}

fn images_and_attributes_are_returned_as_given(shop: &Shop) -> Result<()> {
    let images = json!([
        { "url": "https://cdn.example/a%20b.jpg?w=1&h=2", "alt": "A sock" },
        { "url": "http://x.example/", "alt": null },
    ]);
    let attributes = json!([{ "name": "material", "value": "wool" }, { "name": "colour", "value": "röd" }]);
    let id = shop.product_from(json!({
        "name": "sock", "price": 1, "quantity": 1, "images": images, "attributes": attributes,
    }))?;
    let query = "query ($id: ID!) { product(id: $id) { images { url alt } attributes { name value } } }";
    let answer = shop.graphql(As::Anonymous, query, json!({ "id": id }))?;
    answer.has("/product", json!({ "images": images, "attributes": attributes }))?;
    for (field, wrong) in [
        ("images", json!([{ "url": "javascript:alert(1)" }])),
        ("images", json!([{ "url": "https://a b/" }])),
        ("images", Value::Array(vec![json!({ "url": "https://a/" }); 21])),
        (
            "attributes",
            json!([{ "name": "a", "value": "1" }, { "name": "A", "value": "2" }]),
        ),
        ("attributes", json!([{ "name": " ", "value": "1" }])),
    ] {
        let mut input = json!({ "name": "x", "price": 1, "quantity": 1 });
        set(&mut input, field, wrong);
        shop.create_product(As::Key, input)?.bad_input(field)?;
    }
    Ok(())
}
