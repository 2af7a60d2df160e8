//! Orders: placed, kept as they were sold, and seen by those who may.

use std::sync::Arc;

use anyhow::Result;
use libtest_mimic::Trial;
use serde_json::{Value, json};

use crate::client::As;
use crate::trials::trials;
use crate::world::{Stock, UNKNOWN_ID, World, check_id, check_time, place_order, unique};

/// The tests of this area.
pub fn tests(world: &Arc<World>) -> Vec<Trial> {
    trials!(
        world,
        "orders",
        [
            an_order_holds_what_was_bought_and_what_it_costs,
            an_order_takes_its_stock_and_sells_it,
            the_last_piece_can_be_bought_and_none_after_it,
            an_order_keeps_the_name_and_price_it_was_sold_at,
            an_order_knows_its_user_and_its_products,
            an_order_is_seen_by_its_customer_and_by_administrators,
            an_order_that_is_not_there_is_told_so,
            an_order_of_one_hundred_lines_is_placed,
            a_total_larger_than_an_int_is_told_or_refused_and_never_wrong,
        ]
    )
}

const ORDER: &str = "query ($id: ID!) { order(id: $id) {
    _id userId status total currency createdAt products { _id quantity name unitPrice } } }";

fn an_order_holds_what_was_bought_and_what_it_costs(world: &World) -> Result<()> {
    let ada = world.ada()?;
    let names = [unique("first"), unique("second")];
    let mut ids = Vec::new();
    for (name, price) in names.iter().zip([1_050, 333]) {
        ids.push(world.product_of(json!({ "name": name, "price": price, "quantity": 10 }))?);
    }
    let [first, second] = ids.as_slice() else {
        anyhow::bail!("two products should have been created")
    };
    let placed = place_order(&world.shop, ada.caller(), &[(first, 2), (second, 3)])?;
    check_id(placed.text("/placeOrder/_id")?)?;
    check_time(placed.text("/placeOrder/createdAt")?)?;
    placed.expect(
        placed.text("/placeOrder/userId")? == ada.id,
        "the order should be the caller's",
    )?;
    placed.expect(
        placed.int("/placeOrder/total")? == 2 * 1_050 + 3 * 333,
        "the total should be the sum of the lines",
    )?;
    let [first_name, second_name] = &names;
    let lines = json!([
        { "_id": first, "quantity": 2, "name": first_name, "unitPrice": 1_050 },
        { "_id": second, "quantity": 3, "name": second_name, "unitPrice": 333 },
    ]);
    placed.expect(
        placed.data("/placeOrder/products")? == &lines,
        format!("the lines should be {lines}"),
    )?;
    let read = world.shop.graphql(
        ada.caller(),
        ORDER,
        json!({ "id": placed.text("/placeOrder/_id")? }),
    )?;
    for field in ["_id", "userId", "total", "currency", "createdAt", "products"] {
        let (was, is) = (
            placed.data(&format!("/placeOrder/{field}"))?,
            read.data(&format!("/order/{field}"))?,
        );
        read.expect(
            was == is,
            format!("{field} should be read as it was answered: {was}"),
        )?;
    }
    Ok(())
}

fn an_order_takes_its_stock_and_sells_it(world: &World) -> Result<()> {
    let id = world.product(10, 10)?;
    let answer = place_order(&world.shop, world.ada()?.caller(), &[(&id, 4)])?;
    answer.text("/placeOrder/_id")?;
    let stock = world.stock(&id)?;
    answer.expect(stock.on_hand == 6, format!("6 should be left at once: {stock:?}"))?;
    let quantity = world.shop.graphql(
        As::Anonymous,
        "query ($id: ID!) { product(id: $id) { quantity } }",
        json!({ "id": id }),
    )?;
    quantity.expect(
        quantity.int("/product/quantity")? == 6,
        "6 should be offered at once",
    )?;
    world.stock_becomes(
        &id,
        Stock {
            received: 10,
            on_hand: 6,
            reserved: 0,
            sold: 4,
        },
    )
}

fn the_last_piece_can_be_bought_and_none_after_it(world: &World) -> Result<()> {
    let id = world.product(10, 3)?;
    let bob = world.bob()?;
    place_order(&world.shop, bob.caller(), &[(&id, 3)])?.text("/placeOrder/_id")?;
    let answer = place_order(&world.shop, bob.caller(), &[(&id, 1)])?;
    let lines = answer
        .refused("OUT_OF_STOCK")?
        .pointer("/extensions/lines")
        .cloned();
    let expected = json!([{ "_id": id, "requested": 1, "available": 0 }]);
    answer.expect(
        lines.as_ref() == Some(&expected),
        format!("the lines should be {expected}"),
    )?;
    answer.expect(
        answer.partial("/placeOrder")?.is_null(),
        "placeOrder should be null",
    )
}

fn an_order_keeps_the_name_and_price_it_was_sold_at(world: &World) -> Result<()> {
    let ada = world.ada()?;
    let name = unique("as sold");
    let product = world.product_of(json!({ "name": name, "price": 100, "quantity": 5 }))?;
    let order = place_order(&world.shop, ada.caller(), &[(&product, 1)])?
        .text("/placeOrder/_id")?
        .to_owned();
    let query = "mutation ($id: ID!) { updateProduct(id: $id, version: 1, input: { name: \"renamed\", price: 999 }) { price } }";
    world
        .shop
        .graphql(As::Key, query, json!({ "id": product }))?
        .int("/updateProduct/price")?;
    let read = world.shop.graphql(ada.caller(), ORDER, json!({ "id": order }))?;
    read.expect(
        read.text("/order/products/0/name")? == name,
        "the name should be the one of that moment",
    )?;
    read.expect(
        read.int("/order/products/0/unitPrice")? == 100,
        "the price should be the one of that moment",
    )?;
    read.expect(
        read.int("/order/total")? == 100,
        "the total should be the one of that moment",
    )?;
    let next = place_order(&world.shop, ada.caller(), &[(&product, 1)])?;
    next.expect(
        next.int("/placeOrder/total")? == 999,
        "the next order should be at the new price",
    )
}

fn an_order_knows_its_user_and_its_products(world: &World) -> Result<()> {
    let ada = world.ada()?;
    let (first, second) = (world.product(10, 5)?, world.product(20, 5)?);
    let query = "mutation ($products: [OrderProductInput]) { placeOrder(products: $products) {
        user { _id username } products { _id product { _id name price } } } }";
    let lines = json!({ "products": [{ "_id": first, "quantity": 1 }, { "_id": second, "quantity": 1 }] });
    let answer = world.shop.graphql(ada.caller(), query, lines)?;
    answer.expect(
        answer.text("/placeOrder/user/username")? == ada.name,
        "the user should be the caller",
    )?;
    let products = answer.column("/placeOrder/products", "/product/_id")?;
    answer.expect(
        products == [json!(first), json!(second)],
        "each line should know its product",
    )?;
    let prices = answer.column("/placeOrder/products", "/product/price")?;
    answer.expect(
        prices == [json!(10), json!(20)],
        "each product should be read as it is now",
    )
}

fn an_order_is_seen_by_its_customer_and_by_administrators(world: &World) -> Result<()> {
    let (ada, bob) = (world.ada()?, world.bob()?);
    let product = world.product(10, 5)?;
    let order = place_order(&world.shop, ada.caller(), &[(&product, 1)])?
        .text("/placeOrder/_id")?
        .to_owned();
    let ask = |who| world.shop.graphql(who, ORDER, json!({ "id": order }));
    for who in [ada.caller(), As::Key, world.root()?.caller()] {
        let answer = ask(who)?;
        answer.expect(
            answer.text("/order/userId")? == ada.id,
            "the order should be Ada's",
        )?;
        let orders = world.shop.query(who, "{ orders { _id } }")?;
        orders.expect(
            orders.column("/orders", "/_id")?.contains(&json!(order)),
            "orders should hold it",
        )?;
    }
    for (who, code) in [
        (bob.caller(), "FORBIDDEN"),
        (As::Anonymous, "UNAUTHENTICATED"),
        (As::WrongKey, "UNAUTHENTICATED"),
    ] {
        let answer = ask(who)?;
        answer.refused(code)?;
        answer.expect(answer.partial("/order")?.is_null(), "the order should be null")?;
    }
    let others = world.shop.query(bob.caller(), "{ orders { _id userId } }")?;
    let users = others.column("/orders", "/userId")?;
    others.expect(
        users.iter().all(|user| user == &json!(bob.id)),
        "Bob should see his own orders only",
    )
}

fn an_order_that_is_not_there_is_told_so(world: &World) -> Result<()> {
    let ask = |who, id: &str| world.shop.graphql(who, ORDER, json!({ "id": id }));
    ask(As::Key, UNKNOWN_ID)?.refused("NOT_FOUND")?;
    ask(world.ada()?.caller(), UNKNOWN_ID)?.refused("NOT_FOUND")?;
    ask(As::Anonymous, UNKNOWN_ID)?.refused("UNAUTHENTICATED")?;
    ask(world.ada()?.caller(), "507f1f77bcf86cd799439011")?.bad_input("id")?;
    ask(As::Anonymous, "507f1f77bcf86cd799439011")?.refused("UNAUTHENTICATED")?;
    Ok(())
}

fn an_order_of_one_hundred_lines_is_placed(world: &World) -> Result<()> {
    let ids = crate::refused_orders::hundred_products(world)?;
    let lines: Vec<(&str, i64)> = ids.iter().map(|id| (id.as_str(), 1)).collect();
    let answer = place_order(&world.shop, world.ada()?.caller(), &lines)?;
    let found = answer.column("/placeOrder/products", "/_id")?;
    let expected: Vec<Value> = ids.iter().map(|id| json!(id)).collect();
    answer.expect(found == expected, "all lines should be there, in their order")?;
    answer.expect(
        answer.int("/placeOrder/total")? == 100,
        "the total should be 100 times 1",
    )
}

fn a_total_larger_than_an_int_is_told_or_refused_and_never_wrong(world: &World) -> Result<()> {
    let id = world.product(2_147_483_647, 10)?;
    let answer = place_order(&world.shop, world.ada()?.caller(), &[(&id, 2)])?;
    if answer.errors().is_empty() {
        return answer.expect(
            answer.int("/placeOrder/total")? == 4_294_967_294,
            "the total should be exact",
        );
    }
    answer.refused("BAD_USER_INPUT")?;
    let stock = world.stock(&id)?;
    answer.expect(
        stock.on_hand == 10,
        format!("a refused order should take nothing: {stock:?}"),
    )
}
