//! Who may do what: one table, with a row for every operation of the schema and a column for every kind of caller.

mod table;

use std::collections::BTreeSet;
use std::sync::Arc;

use anyhow::{Context, Result, ensure};
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
use table::Gets::{self, Forbidden, Heard, It, Missing, Refused, Unauthenticated};
use table::{Columns, TABLE};

/// What changes its owner, so that it gets one of its own.
const CHANGES_OWNER: [&str; 4] = ["updateUser", "changePassword", "setRole", "eraseUser"];

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

/// The mutations that are refused to other customers and not to administrators, and whether what its row asks for can be done.
pub fn of_keepers() -> impl Iterator<Item = (&'static str, bool)> {
    let rows = TABLE.iter().filter(|(parent, ..)| *parent == "Mutation");
    rows.filter_map(|(_, field, _, [_, _, other, admin, ..])| match (other, admin) {
        (Forbidden, It) => Some((*field, true)),
        (Forbidden, Heard | Missing) => Some((*field, false)),
        _ => None,
    })
}

/// Has somebody do what the row of a mutation says, once, to what nobody else has to do with.
pub fn perform(world: &World, mutation: &str, who: As<'_>) -> Result<()> {
    let row = TABLE
        .iter()
        .find(|(parent, field, ..)| (*parent, *field) == ("Mutation", mutation));
    let &(parent, field, document, _) = row.with_context(|| format!("{mutation} has no row"))?;
    let mut things = things(world, field)?;
    prepare(world, document, &mut things)?;
    check_cell(world, parent, field, document, &things, who, It)
}

fn things(world: &World, field: &str) -> Result<Things> {
    let owner = if CHANGES_OWNER.contains(&field) {
        world.register("owner")?
    } else {
        world.ada()?.clone()
    };
    let bought = world.product(1, 100)?;
    let order = placed(world, &owner, &bought)?;
    Ok(Things {
        product: world.product(1, 100)?,
        fresh: order.clone(),
        paid: order.clone(),
        code: world.discount(json!({ "percent": 10 }))?,
        owner,
        bought,
        order,
    })
}

/// Makes what a document uses up.
fn prepare(world: &World, document: &str, things: &mut Things) -> Result<()> {
    if document.contains("$fresh:") {
        things.fresh = placed(world, &things.owner, &things.product)?;
    }
    if document.contains("$paid:") {
        things.paid = placed(world, &things.owner, &things.product)?;
        pay(world, things.owner.caller(), &things.paid, "tok_ok")?.text("/payOrder/status")?;
    }
    Ok(())
}

fn check_row(world: &World, parent: &str, field: &str, document: &str, columns: Columns) -> Result<()> {
    let mut things = things(world, field)?;
    let owner = things.owner.clone();
    let expired =
        json!({ "userId": things.owner.id, "role": "ADMIN", "iat": 1_000_000_000, "exp": 1_000_003_600 });
    let expired = tokens::signed(world.shop.secret(), &expired)?;
    let callers = [
        ("nobody", As::Anonymous),
        ("the owner", owner.caller()),
        ("another customer", world.bob()?.caller()),
        ("an administrator", world.root()?.caller()),
        ("the API key", As::Key),
        ("a wrong key", As::WrongKey),
        ("an expired token", As::Token(&expired)),
    ];
    for ((name, who), gets) in callers.into_iter().zip(columns) {
        prepare(world, document, &mut things)?;
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
