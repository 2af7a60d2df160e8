//! Who may do what: one table, with a row for every operation of the schema and a column for every kind of caller.

use std::collections::BTreeSet;
use std::sync::Arc;

use anyhow::{Result, ensure};
use libtest_mimic::Trial;
use serde_json::{Value, json};

use crate::client::As;
use crate::events;
use crate::payments::pay;
use crate::sessions::{Pair, sign_in};
use crate::tokens;
use crate::trials::{trial, trials};
use crate::webhooks;
use crate::world::{User, World, place_order, unique};

/// What a caller gets.
#[derive(Clone, Copy, Debug)]
enum Gets {
    /// The operation's result.
    It,
    /// UNAUTHENTICATED, and null.
    Unauthenticated,
    /// FORBIDDEN, and null.
    Forbidden,
    /// One of the two.
    Refused,
    /// BAD_USER_INPUT, and null: it may be asked for, but not with what only another one knows.
    Heard,
    /// NOT_FOUND, and null: it may be asked for, and there is no such thing.
    Missing,
}
use Gets::{Forbidden, Heard, It, Missing, Refused, Unauthenticated};

/// What each caller gets: without proof, the owner, another customer, an administrator's token, the API key, a wrong key
/// and an expired token.
type Columns = [Gets; 7];

const EVERYBODY: Columns = [It; 7];
const STAFF: Columns = [
    Unauthenticated,
    Forbidden,
    Forbidden,
    It,
    It,
    Unauthenticated,
    Unauthenticated,
];
/// For those who keep the shop, who ask for what can't be done, or is not there.
const STAFF_HEARD: Columns = [
    Unauthenticated,
    Forbidden,
    Forbidden,
    Heard,
    Heard,
    Unauthenticated,
    Unauthenticated,
];
const STAFF_MISSING: Columns = [
    Unauthenticated,
    Forbidden,
    Forbidden,
    Missing,
    Missing,
    Unauthenticated,
    Unauthenticated,
];
const SIGNED_IN: Columns = [Unauthenticated, It, It, It, It, Unauthenticated, Unauthenticated];
const OWNER: Columns = [
    Unauthenticated,
    It,
    Forbidden,
    It,
    It,
    Unauthenticated,
    Unauthenticated,
];
/// The API key is nobody's, so it has no profile and can't shop.
const PERSONS: Columns = [
    Unauthenticated,
    It,
    It,
    It,
    Refused,
    Unauthenticated,
    Unauthenticated,
];

/// For a person, who has to know something besides.
const KNOWING: Columns = [
    Unauthenticated,
    It,
    Heard,
    Heard,
    Refused,
    Unauthenticated,
    Unauthenticated,
];

/// For a person, who needs an address or a code of it; nobody here has one.
const TOLD: Columns = [
    Unauthenticated,
    Heard,
    Heard,
    Heard,
    Refused,
    Unauthenticated,
    Unauthenticated,
];

/// For persons and guests; the API key has no cart, and who sends a credential that is no good is no guest.
const GUESTS: Columns = [It, It, It, It, Refused, Unauthenticated, Unauthenticated];

/// What changes its owner, so that it gets one of its own.
const CHANGES_OWNER: [&str; 4] = ["updateUser", "changePassword", "setRole", "eraseUser"];

/// A row: the root type and field, its document, and who gets it. Documents get the variables of [`Things`].
const TABLE: &[(&str, &str, &str, Columns)] = &[
    ("Query", "users", "{ users { _id username } }", SIGNED_IN),
    ("Query", "user", "query ($user: ID!) { user(id: $user) { _id username } }", OWNER),
    ("Query", "userConnection", "{ userConnection(first: 1) { edges { node { _id } } } }", SIGNED_IN),
    ("Query", "products", "{ products { _id } }", EVERYBODY),
    ("Query", "product", "query ($product: ID!) { product(id: $product) { _id } }", EVERYBODY),
    ("Query", "productConnection", "{ productConnection(first: 1) { edges { node { _id } } } }", EVERYBODY),
    ("Query", "orders", "{ orders { _id } }", SIGNED_IN),
    ("Query", "order", "query ($order: ID!) { order(id: $order) { _id } }", OWNER),
    ("Query", "orderConnection", "{ orderConnection(first: 1) { edges { node { _id } } } }", SIGNED_IN),
    ("Query", "me", "{ me { _id username } }", PERSONS),
    ("Query", "sessions", "query ($user: ID!) { sessions(user: $user) { _id } }", OWNER),
    ("Query", "auditLog", "{ auditLog(first: 1) { edges { node { _id } } } }", STAFF),
    (
        "Mutation",
        "registerUser",
        "mutation ($name: String!) { registerUser(input: { username: $name, password: \"a good password\" }) { user { _id } } }",
        EVERYBODY,
    ),
    (
        "Mutation",
        "login",
        "mutation ($login: LoginInput!) { login(input: $login) { user { _id } } }",
        EVERYBODY,
    ),
    (
        "Mutation",
        "createProduct",
        "mutation ($name: String!) { createProduct(input: { name: $name, price: 1, quantity: 1 }) { _id } }",
        STAFF,
    ),
    (
        "Mutation",
        "updateProduct",
        "mutation ($product: ID!, $version: Int!) { updateProduct(id: $product, version: $version, input: { price: 2 }) { _id } }",
        STAFF,
    ),
    (
        "Mutation",
        "receiveStock",
        "mutation ($product: ID!) { receiveStock(id: $product, quantity: 1) { _id } }",
        STAFF,
    ),
    (
        "Mutation",
        "importProducts",
        "mutation ($name: String!) { importProducts(products: [{ externalId: $name, name: $name, price: 1, quantity: 1 }]) {
            outcomes { outcome } } }",
        STAFF,
    ),
    (
        "Mutation",
        "placeOrder",
        "mutation ($bought: String!) { placeOrder(products: [{ _id: $bought, quantity: 1 }]) { _id } }",
        PERSONS,
    ),
    (
        "Mutation",
        "updateOrderStatus",
        "mutation ($fresh: ID!) { updateOrderStatus(id: $fresh, status: PAID) { _id } }",
        STAFF,
    ),
    (
        "Mutation",
        "cancelOrder",
        "mutation ($fresh: ID!) { cancelOrder(id: $fresh) { _id } }",
        OWNER,
    ),
    (
        "Mutation",
        "createDiscount",
        "mutation ($name: String!) { createDiscount(input: { code: $name, percent: 10 }) { code } }",
        STAFF,
    ),
    (
        "Mutation",
        "disableDiscount",
        "mutation ($code: String!) { disableDiscount(code: $code) { code } }",
        STAFF,
    ),
    ("Query", "discounts", "{ discounts(first: 1) { edges { node { code } } } }", STAFF),
    // Whoever holds a refresh token, holds the session.
    (
        "Mutation",
        "refreshToken",
        "mutation ($refresh: String!) { refreshToken(input: { refresh_token: $refresh }) { user { _id } } }",
        EVERYBODY,
    ),
    (
        "Mutation",
        "logout",
        "mutation ($refresh: String!) { logout(input: { refresh_token: $refresh }) }",
        EVERYBODY,
    ),
    (
        "Mutation",
        "revokeSession",
        "mutation ($session: ID!) { revokeSession(id: $session) { _id } }",
        OWNER,
    ),
    (
        "Query",
        "exportUser",
        "query ($user: ID!) { exportUser(id: $user) }",
        OWNER,
    ),
    (
        "Mutation",
        "updateUser",
        "mutation ($user: ID!, $userVersion: Int!, $name: String!) {
            updateUser(id: $user, version: $userVersion, input: { name: $name }) { _id } }",
        OWNER,
    ),
    (
        "Mutation",
        "changePassword",
        "mutation ($password: String!) { changePassword(input: { current: $password, new: $password }) { _id } }",
        KNOWING,
    ),
    ("Mutation", "setRole", "mutation ($user: ID!) { setRole(id: $user, role: CUSTOMER) { _id } }", STAFF),
    ("Mutation", "eraseUser", "mutation ($user: ID!) { eraseUser(id: $user) { _id } }", OWNER),
    (
        "Mutation",
        "requestVerification",
        "mutation { requestVerification(channel: EMAIL) { expiresAt } }",
        TOLD,
    ),
    ("Mutation", "verify", "mutation { verify(channel: EMAIL, code: \"000000\") { _id } }", TOLD),
    ("Query", "archivedProducts", "{ archivedProducts(first: 1) { edges { node { _id } } } }", STAFF),
    (
        "Mutation",
        "deleteProduct",
        "mutation ($product: ID!) { deleteProduct(id: $product, version: 1) { _id } }",
        STAFF,
    ),
    ("Query", "stockMovements", "query ($product: ID!) { stockMovements(productId: $product) { edges { node { _id } } } }", STAFF),
    (
        "Mutation",
        "adjustStock",
        "mutation ($product: ID!) { adjustStock(id: $product, delta: 1, reason: \"found\") { _id } }",
        STAFF,
    ),
    (
        "Mutation",
        "setStock",
        "mutation ($product: ID!) { setStock(id: $product, quantity: 5) { _id } }",
        STAFF,
    ),
    ("Query", "categories", "{ categories { _id } }", EVERYBODY),
    (
        "Mutation",
        "createCategory",
        "mutation ($name: String!) { createCategory(input: { name: $name }) { _id } }",
        STAFF,
    ),
    (
        "Mutation",
        "updateCategory",
        "mutation ($category: ID!) { updateCategory(id: $category, input: { position: 1 }) { _id } }",
        STAFF,
    ),
    ("Mutation", "moveCategory", "mutation ($category: ID!) { moveCategory(id: $category) { _id } }", STAFF),
    ("Mutation", "deleteCategory", "mutation ($category: ID!) { deleteCategory(id: $category) { _id } }", STAFF),
    (
        "Mutation",
        "createVariant",
        "mutation ($product: ID!, $name: String!) { createVariant(
            parentId: $product, options: [{ name: \"cell\", value: $name }], input: { name: $name, price: 1, quantity: 1 }) { _id } }",
        STAFF,
    ),
    ("Query", "productFacets", "{ productFacets(filter: { inStock: true }) { total } }", EVERYBODY),
    ("Query", "exportProducts", "{ exportProducts(first: 1) { data } }", STAFF),
    ("Query", "cart", "{ cart { _id } }", GUESTS),
    (
        "Mutation",
        "addToCart",
        "mutation ($product: ID!) { addToCart(productId: $product) { _id } }",
        GUESTS,
    ),
    (
        "Mutation",
        "updateCartItem",
        "mutation ($product: ID!) { updateCartItem(productId: $product, quantity: 0) { _id } }",
        GUESTS,
    ),
    (
        "Mutation",
        "removeFromCart",
        "mutation ($product: ID!) { removeFromCart(productId: $product) { _id } }",
        GUESTS,
    ),
    ("Mutation", "clearCart", "mutation { clearCart { _id } }", GUESTS),
    // A cart that nobody knows is an empty one.
    (
        "Mutation",
        "mergeCart",
        "mutation { mergeCart(cartId: \"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\") { _id } }",
        PERSONS,
    ),
    // With a code that is no good, whatever is in the cart.
    (
        "Mutation",
        "checkoutCart",
        "mutation { checkoutCart(discountCode: \"no such code\") { _id } }",
        TOLD,
    ),
    ("Query", "payment", "query ($paid: ID!) { payment(id: $paid) { _id } }", OWNER),
    (
        "Mutation",
        "payOrder",
        "mutation ($fresh: ID!) { payOrder(orderId: $fresh, paymentMethod: \"tok_ok\") { _id } }",
        OWNER,
    ),
    (
        "Mutation",
        "refundPayment",
        "mutation ($paid: ID!) { refundPayment(id: $paid) { _id } }",
        STAFF,
    ),
    ("Query", "notifications", "{ notifications(first: 1) { edges { node { _id } } } }", SIGNED_IN),
    (
        "Query",
        "notificationPreferences",
        "query ($user: ID!) { notificationPreferences(user: $user) { kind } }",
        OWNER,
    ),
    (
        "Mutation",
        "updateNotificationPreferences",
        "mutation ($user: ID!) { updateNotificationPreferences(user: $user, preferences: []) { kind } }",
        OWNER,
    ),
    (
        "Mutation",
        "sendEmail",
        "mutation { sendEmail(input: { to: \"ada@example.com\", subject: \"News\", text: \"News\" }) { _id } }",
        STAFF,
    ),
    // To what is no number: shops under test send no SMS.
    ("Mutation", "sendSms", "mutation { sendSms(input: { to: \"0151\", text: \"News\" }) { _id } }", STAFF_HEARD),
    (
        "Mutation",
        "retryNotification",
        "mutation { retryNotification(id: \"no such notification\") { _id } }",
        STAFF_MISSING,
    ),
    ("Query", "webhooks", "{ webhooks { _id } }", STAFF),
    ("Query", "webhookDeliveries", "{ webhookDeliveries(first: 1) { edges { node { _id } } } }", STAFF),
    (
        "Mutation",
        "createWebhook",
        "mutation { createWebhook(input: { url: \"https://webhooks.example/\", events: [\"*\"] }) { webhook { _id } } }",
        STAFF,
    ),
    (
        "Mutation",
        "updateWebhook",
        "mutation ($webhook: ID!) { updateWebhook(id: $webhook, input: { enabled: false }) { _id } }",
        STAFF,
    ),
    ("Mutation", "deleteWebhook", "mutation ($webhook: ID!) { deleteWebhook(id: $webhook) { _id } }", STAFF),
    (
        "Mutation",
        "rotateWebhookSecret",
        "mutation ($webhook: ID!) { rotateWebhookSecret(id: $webhook) { webhook { _id } } }",
        STAFF,
    ),
    (
        "Mutation",
        "replayWebhookDelivery",
        "mutation ($delivery: ID!) { replayWebhookDelivery(id: $delivery) { _id } }",
        STAFF,
    ),
    (
        "Subscription",
        "productChanged",
        "subscription ($product: ID!) { productChanged(ids: [$product]) { _id } }",
        EVERYBODY,
    ),
    (
        "Subscription",
        "orderChanged",
        "subscription ($order: ID!) { orderChanged(id: $order) { _id } }",
        OWNER,
    ),
    // Not root fields, but guarded like them.
    ("Order", "payment", "query ($paid: ID!) { order(id: $paid) { payment { status } } }", OWNER),
    ("Product", "stock", "query ($product: ID!) { product(id: $product) { stock { onHand } } }", STAFF),
    ("Order", "user", "query ($order: ID!) { order(id: $order) { user { username } } }", OWNER),
];

/// The tests of this area: one for each row, and one that no row is missing.
pub fn tests(world: &Arc<World>) -> Vec<Trial> {
    let mut tests = trials!(
        world,
        "authorization",
        [
            every_operation_of_the_schema_has_a_row_in_the_table,
            a_bad_token_says_what_is_wrong_with_it
        ]
    );
    for &(parent, field, document, columns) in TABLE {
        let name = format!("authorization::{parent}_{field}_answers_each_caller_as_it_should");
        tests.push(trial(world, &name, move |world| {
            check_row(world, parent, field, document, columns)
        }));
    }
    tests
}

/// What the documents of a row speak of.
struct Things {
    owner: User,
    product: String,
    bought: String,
    order: String,
    /// An order that nothing has been done with.
    fresh: String,
    /// An order that was paid.
    paid: String,
    code: String,
}

fn check_row(world: &World, parent: &str, field: &str, document: &str, columns: Columns) -> Result<()> {
    let owner = if CHANGES_OWNER.contains(&field) {
        world.register("owner")?
    } else {
        world.ada()?.clone()
    };
    let bought = world.product(1, 100)?;
    let order = placed(world, &owner, &bought)?;
    let mut things = Things {
        product: world.product(1, 100)?,
        fresh: order.clone(),
        paid: order.clone(),
        code: world.discount(json!({ "percent": 10 }))?,
        owner,
        bought,
        order,
    };
    let expired =
        json!({ "userId": things.owner.id, "role": "ADMIN", "iat": 1_000_000_000, "exp": 1_000_003_600 });
    let expired = tokens::signed(world.shop.secret(), &expired)?;
    let callers = [
        ("nobody", As::Anonymous),
        ("the owner", things.owner.caller()),
        ("another customer", world.bob()?.caller()),
        ("an administrator", world.root()?.caller()),
        ("the API key", As::Key),
        ("a wrong key", As::WrongKey),
        ("an expired token", As::Token(&expired)),
    ];
    for ((name, who), gets) in callers.into_iter().zip(columns) {
        if document.contains("$fresh:") {
            things.fresh = placed(world, &things.owner, &things.product)?;
        }
        if document.contains("$paid:") {
            things.paid = placed(world, &things.owner, &things.product)?;
            pay(world, things.owner.caller(), &things.paid, "tok_ok")?.text("/payOrder/status")?;
        }
        check_cell(world, parent, field, document, &things, who, gets)
            .map_err(|error| error.context(format!("{parent}.{field} for {name} should be {gets:?}")))?;
    }
    Ok(())
}

fn placed(world: &World, owner: &User, product: &str) -> Result<String> {
    let answer = place_order(&world.shop, owner.caller(), &[(product, 1)])?;
    Ok(answer.text("/placeOrder/_id")?.to_owned())
}

fn check_cell(
    world: &World,
    parent: &str,
    field: &str,
    document: &str,
    things: &Things,
    who: As<'_>,
    gets: Gets,
) -> Result<()> {
    let before = observe(world, things)?;
    let version = before.pointer("/product/version").cloned();
    let user_version = before.pointer("/user/version").cloned();
    let session = if document.contains("$refresh:") || document.contains("$session:") {
        Some(sign_in(world, &things.owner.name, &things.owner.password)?)
    } else {
        None
    };
    let sid = |pair: &Pair| {
        tokens::verified(world.shop.secret(), &pair.access).map(|claims| claims.get("sid").cloned())
    };
    let category = if document.contains("$category:") {
        Some(world.category()?)
    } else {
        None
    };
    let delivers = document.contains("$delivery:");
    let webhook = if delivers || document.contains("$webhook:") {
        Some(webhooks::webhook(world)?)
    } else {
        None
    };
    let delivery = webhook.as_ref().filter(|_| delivers);
    let delivery = delivery.map(|id| webhooks::delivery(world, id)).transpose()?;
    let variables = json!({
        "category": category, "webhook": webhook, "delivery": delivery,
        "refresh": session.as_ref().map(|pair| &pair.refresh), "session": session.as_ref().map(sid).transpose()?,
        "user": things.owner.id, "product": things.product, "bought": things.bought, "order": things.order,
        "fresh": things.fresh, "paid": things.paid, "code": things.code,
        "name": unique("cell"), "version": version, "userVersion": user_version,
        "password": things.owner.password,
        "login": { "username": things.owner.name, "password": things.owner.password },
    });
    let declared = variables
        .as_object()
        .into_iter()
        .flatten()
        .filter(|(name, _)| document.contains(&format!("${name}:")))
        .map(|(name, value)| (name.clone(), value.clone()));
    let variables = Value::Object(declared.collect());
    let answer = if parent == "Subscription" {
        events::first(&world.shop, who, document, &variables)?
    } else {
        world.shop.graphql(who, document, variables)?
    };
    if category.is_some() {
        // A shop has only so many of them.
        let query = "mutation ($id: ID!) { deleteCategory(id: $id) { _id } }";
        world.shop.graphql(As::Key, query, json!({ "id": category }))?;
    }
    // Of these, too.
    let made = answer.partial("/createWebhook/webhook/_id").ok();
    let made = made.and_then(Value::as_str);
    for webhook in webhook.as_deref().into_iter().chain(made) {
        webhooks::end(world, webhook)?;
    }
    let pointer = match parent {
        "Product" => format!("/product/{field}"),
        "Order" => format!("/order/{field}"),
        _ => format!("/{field}"),
    };
    match gets {
        It => return answer.expect(!answer.data(&pointer)?.is_null(), "there should be a result"),
        Unauthenticated => answer.refused("UNAUTHENTICATED")?,
        Forbidden => answer.refused("FORBIDDEN")?,
        Refused => answer.refused_with_one_of(&["UNAUTHENTICATED", "FORBIDDEN"])?,
        Heard => answer.refused("BAD_USER_INPUT")?,
        Missing => answer.refused("NOT_FOUND")?,
    };
    let refused = match (parent, answer.partial(&pointer)) {
        // It is refused as a whole.
        ("Subscription", Err(_)) => &Value::Null,
        // A field of what the caller may not see at all is not there: its parent is null.
        ("Order", Err(_)) => answer.partial("/order")?,
        (_, found) => found?,
    };
    answer.expect(refused.is_null(), "what is refused should be null")?;
    let after = observe(world, things)?;
    answer.expect(
        before == after,
        format!("a refused operation should change nothing: {before} became {after}"),
    )
}

/// What the guarded mutations would change.
fn observe(world: &World, things: &Things) -> Result<Value> {
    let query = "query ($product: ID!, $bought: ID!, $fresh: ID!, $user: ID!) {
        product(id: $product) { price version stock { received } } bought: product(id: $bought) { quantity }
        order(id: $fresh) { status version } user(id: $user) { version role } }";
    let answer = world.shop.graphql(
        As::Key,
        query,
        json!({
            "product": things.product, "bought": things.bought, "fresh": things.fresh, "user": things.owner.id,
        }),
    )?;
    Ok(answer.data("")?.clone())
}

fn every_operation_of_the_schema_has_a_row_in_the_table(world: &World) -> Result<()> {
    let answer = world.shop.query(
        As::Anonymous,
        "{ __schema { queryType { ...T } mutationType { ...T } subscriptionType { ...T } } } fragment T on __Type { name fields { name } }",
    )?;
    let mut live = BTreeSet::new();
    for root in ["queryType", "mutationType", "subscriptionType"] {
        let name = answer.text(&format!("/__schema/{root}/name"))?.to_owned();
        for field in answer.column(&format!("/__schema/{root}/fields"), "/name")? {
            live.insert((name.clone(), field.as_str().unwrap_or_default().to_owned()));
        }
    }
    let rows: BTreeSet<_> = TABLE
        .iter()
        .filter(|(parent, ..)| ["Query", "Mutation", "Subscription"].contains(parent))
        .map(|(parent, field, ..)| ((*parent).to_owned(), (*field).to_owned()))
        .collect();
    ensure!(
        live == rows,
        "the table and the schema differ in {:?}",
        live.symmetric_difference(&rows).collect::<Vec<_>>()
    );
    Ok(())
}

fn a_bad_token_says_what_is_wrong_with_it(world: &World) -> Result<()> {
    let ada = world.ada()?;
    for (kind, token) in tokens::bad(world.shop.secret(), &ada.id)? {
        let refused = (|| {
            for query in ["{ me { _id } }", "{ orders { _id } }", "{ users { _id } }"] {
                world
                    .shop
                    .query(As::Token(&token), query)?
                    .refused("UNAUTHENTICATED")?;
            }
            let public = world.shop.query(
                As::Token(&token),
                "{ productConnection(first: 1) { pageInfo { hasNextPage } } }",
            )?;
            public.data("/productConnection/pageInfo/hasNextPage")?;
            let answer = world.shop.query(As::Token(&token), "{ me { _id } }")?;
            let message = answer.refused("UNAUTHENTICATED")?.to_string().to_lowercase();
            answer.expect(
                kind != "expired" || message.contains("expire"),
                "the message should say that it expired",
            )?;
            answer.expect(
                token.len() < 9 || !answer.reply.text().contains(&token),
                "a token should not be repeated in an answer",
            )
        })();
        refused.map_err(|error: anyhow::Error| error.context(format!("a token {kind}")))?;
    }
    Ok(())
}
