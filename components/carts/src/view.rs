//! Converts a cart for clients: adds current prices, stock, and the changes of products.

use mercato_shop::carts::{Cart, CartLine, Change, ChangeKind};
use mercato_shop::catalog::Offer;
use mercato_shop::currency::MAX_AMOUNT;
use mercato_shop::types::Money;

use crate::key::CartKey;
use crate::products::Products;
use crate::repository::{LineBody, LoadedCart};

/// Converts a cart whose products have been read.
pub fn to_cart(cart: &LoadedCart, products: &Products) -> Cart {
    let user_id = match &cart.key {
        Some(CartKey::User(id)) => Some(id.clone()),
        Some(CartKey::Guest(_)) | None => None,
    };
    let lines: Vec<_> = cart
        .body
        .lines
        .iter()
        .map(|line| (line, products.orderable(&line.product_id)))
        .collect();
    Cart {
        id: id_of(cart),
        user_id,
        lines: lines
            .iter()
            .map(|(line, product)| to_line(line, *product))
            .collect(),
        changes: lines
            .iter()
            .flat_map(|(line, product)| changes(line, *product))
            .collect(),
        total: total(&lines),
        expires_at: Some(cart.body.expires_at).filter(|time| *time > 0),
    }
}

/// Returns the id of a cart for clients. A guest without a cart has none.
pub fn id_of(cart: &LoadedCart) -> Option<String> {
    match cart.key.as_ref()? {
        CartKey::Guest(_) if cart.version.is_none() => None,
        key => Some(key.text()),
    }
}

fn to_line(line: &LineBody, product: Option<&Offer>) -> CartLine {
    CartLine {
        product_id: line.product_id.clone(),
        name: product.map_or(&line.seen.name, |product| &product.name).clone(),
        quantity: line.quantity,
        unit_price: product.map(|product| product.price.clone()),
        available: product.map_or(0, |product| product.quantity),
    }
}

/// Compares a product with its state when the line was last added to or updated.
fn changes(line: &LineBody, product: Option<&Offer>) -> Vec<Change> {
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
    let (seen, price, available) = (&line.seen, &product.price, product.quantity);
    if (seen.price, &seen.currency) != (price.amount, &price.currency) {
        changes.push(change(
            ChangeKind::PriceChanged,
            Some(seen.price),
            Some(price.amount),
        ));
    }
    if available < line.quantity && available < seen.available {
        let kind = if available == 0 {
            ChangeKind::OutOfStock
        } else {
            ChangeKind::LessInStock
        };
        changes.push(change(kind, Some(seen.available.into()), Some(available.into())));
    }
    changes
}

/// Adds up the lines. Returns nothing for different currencies, without a line that has a price, or for a sum
/// that is no valid amount.
fn total(lines: &[(&LineBody, Option<&Offer>)]) -> Option<Money> {
    let mut total: Option<Money> = None;
    for (line, product) in lines {
        let Some(Offer { price, .. }) = product else {
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
    total.filter(|total| total.amount <= MAX_AMOUNT)
}
