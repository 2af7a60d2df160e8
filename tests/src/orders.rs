//! Orders: their placement, their contents, and the callers that see them.

use std::sync::Arc;

use anyhow::{Result, ensure};
use libtest_mimic::Trial;
use serde_json::json;

use crate::fixtures::{Stock, UNKNOWN_ID, check_id, check_time, unique};
use crate::order_validation::five_hundred_products;
use crate::shop::{As, Shop};
use crate::trials::trials;
use crate::values::text_at;

/// The tests of this area.
pub fn tests(shop: &Arc<Shop>) -> Vec<Trial> {
    trials!(
        shop,
        "orders",
        portable = [
            an_order_contains_its_lines_and_total,
            an_order_reserves_and_sells_its_stock,
            an_order_may_have_500_lines,
            a_total_beyond_32_bits_is_exact
        ],
        component = [
            the_last_unit_can_be_bought_and_none_after_it,
            an_order_keeps_the_name_and_price_of_its_sale,
            an_order_links_its_user_and_products,
            an_order_is_seen_by_its_customer_and_by_administrators,
            a_missing_order_is_not_found
        ]
    )
}

const ORDER: &str = "query ($id: ID!) { order(id: $id) {
    _id userId status total currency createdAt products { _id quantity name unitPrice } } }";

fn an_order_contains_its_lines_and_total(shop: &Shop) -> Result<()> {
    let ada = shop.ada()?;
    let (first_name, second_name) = (unique("first"), unique("second"));
    let product =
        |name: &str, price: i64| shop.product_from(json!({ "name": name, "price": price, "quantity": 10 }));
    let (first, second) = (product(&first_name, 1_050)?, product(&second_name, 333)?);
    let placed = shop.place_order(ada.caller(), &[(&first, 2), (&second, 3)])?;
    let id = placed.text("/placeOrder/_id")?;
    check_id(id)?;
    check_time(placed.text("/placeOrder/createdAt")?)?;
    placed.has("/placeOrder/userId", &ada.id)?;
    placed.has("/placeOrder/total", 2 * 1_050 + 3 * 333)?;
    let lines = json!([
        { "_id": first, "quantity": 2, "name": first_name, "unitPrice": 1_050 },
        { "_id": second, "quantity": 3, "name": second_name, "unitPrice": 333 },
    ]);
    placed.has("/placeOrder/products", lines)?;
    let read = shop.graphql(ada.caller(), ORDER, json!({ "id": id }))?;
    for field in ["_id", "userId", "total", "currency", "createdAt", "products"] {
        let expected = placed.data(&format!("/placeOrder/{field}"))?;
        read.has(&format!("/order/{field}"), expected)?;
    }
    Ok(())
}

fn an_order_reserves_and_sells_its_stock(shop: &Shop) -> Result<()> {
    let id = shop.product(10, 10)?;
    shop.order(shop.ada()?.caller(), &[(&id, 4)])?;
    let stock = shop.stock(&id)?;
    ensure!(stock.on_hand == 6, "6 units should be on hand at once: {stock:?}");
    shop.read_product(As::Anonymous, &id)?
        .has("/product/quantity", 6)?;
    shop.stock_becomes(&id, Stock::settled(10, 4))
}

fn the_last_unit_can_be_bought_and_none_after_it(shop: &Shop) -> Result<()> {
    let id = shop.product(10, 3)?;
    let bob = shop.bob()?;
    shop.order(bob.caller(), &[(&id, 3)])?;
    let answer = shop.place_order(bob.caller(), &[(&id, 1)])?;
    answer.out_of_stock(&[(&id, 1, 0)])?;
    answer.is_null("/placeOrder")
}

fn an_order_keeps_the_name_and_price_of_its_sale(shop: &Shop) -> Result<()> {
    let ada = shop.ada()?;
    let name = unique("as sold");
    let product = shop.product_from(json!({ "name": name, "price": 100, "quantity": 5 }))?;
    let order = shop.order(ada.caller(), &[(&product, 1)])?;
    shop.update_product(&product, 1, json!({ "name": "renamed", "price": 999 }))?
        .has("/updateProduct/price", 999)?;
    let read = shop.graphql(ada.caller(), ORDER, json!({ "id": order }))?;
    read.has("/order/products/0/name", &name)?;
    read.has("/order/products/0/unitPrice", 100)?;
    read.has("/order/total", 100)?;
    let next = shop.place_order(ada.caller(), &[(&product, 1)])?;
    next.has("/placeOrder/total", 999)
}

fn an_order_links_its_user_and_products(shop: &Shop) -> Result<()> {
    let ada = shop.ada()?;
    let (first, second) = (shop.product(10, 5)?, shop.product(20, 5)?);
    let query = "mutation ($products: [OrderProductInput]) { placeOrder(products: $products) {
        user { _id username } products { _id product { _id name price } } } }";
    let lines = json!({ "products": [{ "_id": first, "quantity": 1 }, { "_id": second, "quantity": 1 }] });
    let answer = shop.graphql(ada.caller(), query, lines)?;
    answer.has("/placeOrder/user/username", &ada.name)?;
    answer.has_column("/placeOrder/products", "/product/_id", [&first, &second])?;
    answer.has_column("/placeOrder/products", "/product/price", [10, 20])
}

fn an_order_is_seen_by_its_customer_and_by_administrators(shop: &Shop) -> Result<()> {
    let (ada, bob) = (shop.ada()?, shop.bob()?);
    let order = shop.order(ada.caller(), &[(&shop.product(10, 5)?, 1)])?;
    for caller in [ada.caller(), As::Key, shop.root()?.caller()] {
        shop.graphql(caller, ORDER, json!({ "id": order }))?
            .has("/order/userId", &ada.id)?;
        shop.query(caller, "{ orders { _id } }")?
            .column_contains("/orders", "/_id", &order)?;
    }
    let others = shop.query(bob.caller(), "{ orders { _id userId } }")?;
    let users = others.column("/orders", "/userId")?;
    others.expect(
        users.iter().all(|user| user == &json!(bob.id)),
        "Bob should see only his own orders",
    )
}

fn a_missing_order_is_not_found(shop: &Shop) -> Result<()> {
    let read = |caller, id: &str| shop.graphql(caller, ORDER, json!({ "id": id }));
    read(As::Key, UNKNOWN_ID)?.refused("NOT_FOUND")?;
    read(shop.ada()?.caller(), UNKNOWN_ID)?.refused("NOT_FOUND")?;
    read(As::Anonymous, UNKNOWN_ID)?.refused("UNAUTHENTICATED")?;
    read(shop.ada()?.caller(), "507f1f77bcf86cd799439011")?.bad_input("id")?;
    read(As::Anonymous, "507f1f77bcf86cd799439011")?.refused("UNAUTHENTICATED")?;
    Ok(())
}

fn an_order_may_have_500_lines(shop: &Shop) -> Result<()> {
    let ids = five_hundred_products(shop)?;
    let lines: Vec<(&str, i64)> = ids.iter().map(|id| (id.as_str(), 1)).collect();
    let answer = shop.place_order(shop.ada()?.caller(), &lines)?;
    answer.has_column("/placeOrder/products", "/_id", &ids)?;
    answer.has("/placeOrder/total", 500)
}

fn a_total_beyond_32_bits_is_exact(shop: &Shop) -> Result<()> {
    let (ada, id) = (shop.ada()?, shop.product(2_147_483_647, 10)?);
    let query =
        "mutation ($id: String!) { placeOrder(products: [{ _id: $id, quantity: 2 }]) { _id totalAmount } }";
    let answer = shop.graphql(ada.caller(), query, json!({ "id": id }))?;
    answer.has("/placeOrder/totalAmount", 4_294_967_294_i64)?;
    let order = answer.text("/placeOrder/_id")?;
    let rest = shop.get(ada.caller(), &format!("/api/orders/{order}"))?;
    rest.has("/total", 4_294_967_294_i64)?;
    // `Int` has 32 bits.
    let query = "query ($id: ID!) { order(id: $id) { total } }";
    let refused = shop.graphql(ada.caller(), query, json!({ "id": order }))?;
    let message = text_at(refused.refused("AMOUNT_TOO_LARGE")?, "/message")?;
    refused.expect(
        message.contains("totalAmount"),
        "the message should name the field that has the amount",
    )
}
