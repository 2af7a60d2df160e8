//! Entities by their ids, as clients with a cache use them: `node`, ids of lines, and the ids of carts.

use std::sync::Arc;

use anyhow::{Result, ensure};
use libtest_mimic::Trial;
use serde_json::{Value, json};

use crate::fixtures::UNKNOWN_ID;
use crate::graphql::GraphqlResponse;
use crate::shop::{As, Shop};
use crate::trials::trials;

/// The tests of this area.
pub fn tests(shop: &Arc<Shop>) -> Vec<Trial> {
    trials!(
        shop,
        "node",
        portable = [a_node_of_each_type_is_seen_by_the_right_callers],
        component = [
            two_orders_of_a_product_have_different_lines,
            a_users_cart_keeps_its_id,
            a_guest_without_a_cart_has_the_empty_cart,
            many_nodes_keep_the_order_of_their_ids
        ]
    )
}

const NODE: &str = "query ($id: ID!) { node(id: $id) { __typename id } }";

fn node(shop: &Shop, caller: As<'_>, id: &str) -> Result<GraphqlResponse> {
    shop.graphql(caller, NODE, json!({ "id": id }))
}

fn a_node_of_each_type_is_seen_by_the_right_callers(shop: &Shop) -> Result<()> {
    let (ada, bob) = (shop.register("owner")?, shop.bob()?);
    let product = shop.product(10, 9)?;
    let order = shop.order(ada.caller(), &[(&product, 2)])?;
    shop.pay(ada.caller(), &order, "tok_ok")?;
    let cart = shop.add_to_cart(ada.caller(), &product, 1)?;
    let cart = cart.text("/addToCart/_id")?;
    let code = shop.discount(json!({ "percent": 10 }))?;
    let archived = shop.product(10, 9)?;
    shop.delete_product(&archived, 1)?;
    // The kinds of callers: everyone, the owner and staff, or staff alone.
    let (all, own, staff) = ([true; 4], [true, true, false, false], [true, false, false, false]);
    for (kind, id, seen) in [
        ("Product", product.clone(), all),
        ("Category", shop.category()?, all),
        ("Product", archived, staff),
        ("User", ada.id.clone(), own),
        ("Order", order.clone(), own),
        ("OrderLine", format!("{order}.1"), own),
        ("Payment", format!("{order}.payment"), own),
        ("Cart", cart.to_owned(), own),
        ("CartLine", format!("{cart}.{product}"), own),
        ("Discount", format!("discount.{code}"), staff),
    ] {
        let callers = [As::Key, ada.caller(), bob.caller(), As::Anonymous];
        for (caller, is_seen) in callers.into_iter().zip(seen) {
            let expected = is_seen.then(|| json!({ "__typename": kind, "id": id }));
            node(shop, caller, &id)?.has("/node", expected)?;
        }
    }
    for id in [
        UNKNOWN_ID,
        "",
        "42",
        &format!("{order}.2"),
        "user:42",
        "discount.NONE",
    ] {
        for caller in [As::Key, As::Anonymous] {
            node(shop, caller, id)?.is_null("/node")?;
        }
    }
    Ok(())
}

fn two_orders_of_a_product_have_different_lines(shop: &Shop) -> Result<()> {
    let (ada, product) = (shop.ada()?, shop.product(10, 9)?);
    let query = "mutation ($id: String!, $quantity: Int!) {
        placeOrder(products: [{ _id: $id, quantity: $quantity }]) {
            id lines { id productId quantity product { id } } products { _id } } }";
    let mut ids = Vec::new();
    for quantity in [7, 1] {
        let placed = shop.graphql(
            ada.caller(),
            query,
            json!({ "id": product, "quantity": quantity }),
        )?;
        let line = placed.text("/placeOrder/lines/0/id")?;
        placed.has("/placeOrder/lines/0/quantity", quantity)?;
        placed.has("/placeOrder/lines/0/productId", &product)?;
        placed.has("/placeOrder/lines/0/product/id", &product)?;
        placed.has("/placeOrder/products/0/_id", &product)?;
        let query = "query ($id: ID!) { node(id: $id) { ... on OrderLine { quantity } } }";
        shop.graphql(ada.caller(), query, json!({ "id": line }))?
            .has("/node/quantity", quantity)?;
        ids.push(line.to_owned());
    }
    ensure!(
        ids.first() != ids.last(),
        "lines should have different ids: {ids:?}"
    );
    Ok(())
}

fn a_users_cart_keeps_its_id(shop: &Shop) -> Result<()> {
    let (user, product) = (shop.register("shopper")?, shop.product(10, 9)?);
    let read = || shop.query(user.caller(), "{ cart { _id id lines { id quantity } } }");
    let before = read()?;
    let id = before.text("/cart/id")?;
    before.has("/cart/_id", id)?;
    before.has("/cart/lines", json!([]))?;
    let line = json!({ "id": format!("{id}.{product}"), "quantity": 1 });
    let query = "mutation ($id: ID!) { addToCart(productId: $id) { id lines { id quantity } } }";
    let added = shop.graphql(user.caller(), query, json!({ "id": product }))?;
    added.has("/addToCart", json!({ "id": id, "lines": [line] }))?;
    let after = read()?;
    after.has("/cart", json!({ "_id": id, "id": id, "lines": [line] }))?;
    let rest = shop.get(user.caller(), "/api/cart/me")?;
    rest.has("/id", id)?;
    rest.has("/_id", id)?;
    // The id opens the cart to its user and to staff alone.
    let query = "query ($id: ID) { cart(cartId: $id) { lines { quantity } } }";
    let open = |caller| shop.graphql(caller, query, json!({ "id": id }));
    open(user.caller())?.has("/cart/lines/0/quantity", 1)?;
    open(As::Key)?.has("/cart/lines/0/quantity", 1)?;
    open(shop.bob()?.caller())?.refused("NOT_FOUND")?;
    open(As::Anonymous)?.refused("UNAUTHENTICATED")?;
    Ok(())
}

fn a_guest_without_a_cart_has_the_empty_cart(shop: &Shop) -> Result<()> {
    let query = "{ cart { _id id lines { id } totalAmount } }";
    let empty = json!({ "_id": null, "id": "empty-cart", "lines": [], "totalAmount": null });
    shop.query(As::Anonymous, query)?.has("/cart", &empty)?;
    node(shop, As::Anonymous, "empty-cart")?.has("/node/__typename", "Cart")?;
    let added = shop.add_to_cart(As::Anonymous, &shop.product(10, 9)?, 1)?;
    added.expect(
        added.text("/addToCart/_id")? != "empty-cart",
        "the first addition should make a cart",
    )?;
    shop.query(As::Anonymous, query)?.has("/cart", &empty)
}

fn many_nodes_keep_the_order_of_their_ids(shop: &Shop) -> Result<()> {
    let (ada, product) = (shop.ada()?, shop.product(10, 9)?);
    let order = shop.order(ada.caller(), &[(&product, 1)])?;
    let ids = [
        product,
        UNKNOWN_ID.to_owned(),
        order.clone(),
        format!("{order}.1"),
        order,
    ];
    let query = "query ($ids: [ID!]!) { nodes(ids: $ids) { id } }";
    let ask = |ids: &[String]| shop.graphql(ada.caller(), query, json!({ "ids": ids }));
    let expected: Vec<Value> = ids
        .iter()
        .map(|id| {
            if id == UNKNOWN_ID {
                Value::Null
            } else {
                json!({ "id": id })
            }
        })
        .collect();
    ask(&ids)?.has("/nodes", expected)?;
    ask(&vec![UNKNOWN_ID.to_owned(); 101])?.bad_input("ids")?;
    Ok(())
}
