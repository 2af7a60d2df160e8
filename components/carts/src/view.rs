//! The cart as its holder sees it: at the prices and with the stock of now, and with what has changed by name.

use mercato_shop::carts::{Cart, CartLine, Change, ChangeKind};
use mercato_shop::catalog::Product;
use mercato_shop::types::Money;

use crate::cart::LineBody;
use crate::holder::Holder;
use crate::products::Products;
use crate::store::Loaded;

/// What is told of a cart.
pub fn show(cart: &Loaded, products: &Products) -> Cart {
    let (id, user_id) = match &cart.holder {
        Some(Holder::Guest(id)) if cart.version.is_some() => (Some(id.text()), None),
        Some(Holder::Guest(_)) | None => (None, None),
        Some(Holder::User(id)) => (None, Some(id.clone())),
    };
    let lines = &cart.body.lines;
    let with_products = || lines.iter().map(|line| (line, products.sold(&line.product_id)));
    Cart {
        id,
        user_id,
        lines: with_products()
            .map(|(line, product)| to_line(line, product))
            .collect(),
        changes: with_products()
            .flat_map(|(line, product)| changes(line, product))
            .collect(),
        total: total(with_products()),
        expires_at: Some(cart.body.expires_at).filter(|time| *time > 0),
    }
}

fn to_line(line: &LineBody, product: Option<&Product>) -> CartLine {
    CartLine {
        product_id: line.product_id.clone(),
        name: product.map_or_else(|| line.seen.name.clone(), |product| product.name.clone()),
        quantity: line.quantity,
        unit_price: product.map(|product| product.price.clone()),
        available: product.map_or(0, |product| product.quantity),
    }
}

/// What has happened since somebody last put a hand on the line.
fn changes(line: &LineBody, product: Option<&Product>) -> Vec<Change> {
    let change = |kind, before, after| Change {
        product_id: line.product_id.clone(),
        kind,
        before,
        after,
    };
    let Some(product) = product else {
        return vec![change(ChangeKind::Vanished, None, None)];
    };
    let mut changes = Vec::new();
    let (seen, price) = (&line.seen, &product.price);
    if (seen.price, &seen.currency) != (price.amount, &price.currency) {
        changes.push(change(
            ChangeKind::PriceChanged,
            Some(seen.price),
            Some(price.amount),
        ));
    }
    let available = product.quantity;
    if available < line.quantity && available < seen.available {
        let kind = if available == 0 {
            ChangeKind::OutOfStock
        } else {
            ChangeKind::LessInStock
        };
        let counts = [seen.available, available].map(|count| Some(i64::from(count)));
        let [before, after] = counts;
        changes.push(change(kind, before, after));
    }
    changes
}

fn total<'a>(lines: impl Iterator<Item = (&'a LineBody, Option<&'a Product>)>) -> Option<Money> {
    let mut total: Option<Money> = None;
    for (line, product) in lines {
        let Some(Product { price, .. }) = product else {
            continue;
        };
        let sum = total.get_or_insert_with(|| Money {
            amount: 0,
            currency: price.currency.clone(),
        });
        if sum.currency != price.currency {
            return None;
        }
        let amount = price.amount.saturating_mul(i64::from(line.quantity));
        sum.amount = sum.amount.saturating_add(amount);
    }
    total
}
