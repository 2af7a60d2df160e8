//! Variants of products, SKUs, images and attributes.

use std::sync::Arc;

use anyhow::Result;
use libtest_mimic::Trial;
use serde_json::{Value, json};

use crate::answer::Answer;
use crate::client::As;
use crate::trials::trials;
use crate::world::{UNKNOWN_ID, World, create_product, place_order, unique};

/// The tests of this area.
pub fn tests(world: &Arc<World>) -> Vec<Trial> {
    trials!(
        world,
        "variants",
        [
            a_variant_is_bought_by_its_own_id_and_its_parent_is_not,
            a_cart_takes_variants_and_no_parents,
            a_sku_belongs_to_one_product,
            images_and_attributes_are_told_as_given,
        ]
    )
}

fn variant(world: &World, parent: &str, size: &str, sku: &str) -> Result<Answer> {
    let query = "mutation ($parent: ID!, $options: [AttributeInput!]!, $input: CreateProductInput!) {
        createVariant(parentId: $parent, options: $options, input: $input) { _id sku parentId options { name value } } }";
    let variables = json!({
        "parent": parent,
        "options": [{ "name": "size", "value": size }],
        "input": { "name": format!("variant {size}"), "price": 700, "quantity": 2, "sku": sku },
    });
    world.shop.graphql(As::Key, query, variables)
}

fn a_variant_is_bought_by_its_own_id_and_its_parent_is_not(world: &World) -> Result<()> {
    let parent = world.product(500, 1)?;
    let sku = unique("sku");
    let created = variant(world, &parent, "M", &sku)?;
    let id = created.text("/createVariant/_id")?;
    created.expect(
        created.text("/createVariant/parentId")? == parent && created.text("/createVariant/sku")? == sku,
        "the variant should be its parent's",
    )?;
    variant(world, &parent, "M", &unique("sku"))?.refused("CONFLICT")?;
    variant(world, id, "L", &unique("sku"))?.bad_input("parentId")?;
    variant(world, UNKNOWN_ID, "L", &unique("sku"))?.refused("NOT_FOUND")?;
    let query =
        "query ($id: ID!) { product(id: $id) { variants { _id price quantity options { name value } } } }";
    let answer = world
        .shop
        .graphql(As::Anonymous, query, json!({ "id": parent }))?;
    answer.expect(
        answer.data("/product/variants")?
            == &json!([{
                "_id": id, "price": 700, "quantity": 2, "options": [{ "name": "size", "value": "M" }],
            }]),
        "the parent should tell its variant",
    )?;
    let query =
        "query ($sku: String!) { productConnection(filter: { sku: $sku }) { edges { node { _id } } } }";
    let answer = world.shop.graphql(As::Anonymous, query, json!({ "sku": sku }))?;
    answer.expect(
        answer.column("/productConnection/edges", "/node/_id")? == [json!(id)],
        "its SKU should find it",
    )?;
    let ada = world.ada()?.caller();
    place_order(&world.shop, ada, &[(&parent, 1)])?.bad_input("products")?;
    let order = place_order(&world.shop, world.ada()?.caller(), &[(id, 2)])?;
    order.expect(
        order.int("/placeOrder/total")? == 1_400,
        "the variant should cost what it costs",
    )?;
    let query = "mutation ($id: ID!) { deleteProduct(id: $id, version: 1) { _id } }";
    world
        .shop
        .graphql(As::Key, query, json!({ "id": parent }))?
        .refused("CONFLICT")?;
    Ok(())
}

fn a_cart_takes_variants_and_no_parents(world: &World) -> Result<()> {
    let parent = world.product(500, 9)?;
    let shopper = world.register("shopper")?;
    let add = |id: &str| {
        let query = "mutation ($id: ID!) { addToCart(productId: $id) { total } }";
        world.shop.graphql(shopper.caller(), query, json!({ "id": id }))
    };
    add(&parent)?.int("/addToCart/total")?;
    let created = variant(world, &parent, "M", &unique("sku"))?;
    let seen = world.shop.query(
        shopper.caller(),
        "{ cart { total products { available } changes { productId kind } } }",
    )?;
    seen.expect(
        seen.data("/cart")?
            == &json!({
                "total": null, "products": [{ "available": 0 }],
                "changes": [{ "productId": parent, "kind": "VANISHED" }],
            }),
        "it should be named as what can't be bought any more",
    )?;
    add(&parent)?.bad_input("productId")?;
    add(created.text("/createVariant/_id")?)?.int("/addToCart/total")?;
    Ok(())
}

fn a_sku_belongs_to_one_product(world: &World) -> Result<()> {
    let sku = unique("sku");
    let input = json!({ "name": "one", "price": 1, "quantity": 1, "sku": sku });
    let id = world.product_of(input.clone())?;
    create_product(&world.shop, As::Key, input.clone())?.refused("CONFLICT")?;
    let query = "mutation ($id: ID!) { updateProduct(id: $id, version: 1, input: { sku: \"\" }) { sku } }";
    let answer = world.shop.graphql(As::Key, query, json!({ "id": id }))?;
    answer.expect(
        answer.data("/updateProduct/sku")?.is_null(),
        "the SKU should be given up",
    )?;
    world.product_of(input)?;
    Ok(())
}

fn images_and_attributes_are_told_as_given(world: &World) -> Result<()> {
    let images = json!([{ "url": "https://cdn.example/a%20b.jpg?w=1&h=2", "alt": "A sock" }, { "url": "http://x.example/", "alt": null }]);
    let attributes = json!([{ "name": "material", "value": "wool" }, { "name": "colour", "value": "röd" }]);
    let id = world.product_of(json!({
        "name": "sock", "price": 1, "quantity": 1, "images": images, "attributes": attributes,
    }))?;
    let query = "query ($id: ID!) { product(id: $id) { images { url alt } attributes { name value } } }";
    let answer = world.shop.graphql(As::Anonymous, query, json!({ "id": id }))?;
    answer.expect(
        answer.data("/product")? == &json!({ "images": images, "attributes": attributes }),
        "both should be as given",
    )?;
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
        if let Some(members) = input.as_object_mut() {
            members.insert(field.into(), wrong);
        }
        create_product(&world.shop, As::Key, input)?.bad_input(field)?;
    }
    Ok(())
}
