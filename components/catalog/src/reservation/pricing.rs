//! Prices the lines of an order.

use mercato_shop::collection::Stored;
use mercato_shop::currency::MAX_AMOUNT;
use mercato_shop::types::{Error, Line};

use crate::repository::{ProductBody, ReservedLine};

/// Adds the current name and price to each line.
///
/// # Errors
/// [`Error::NotFound`] if a product is not sold. [`Error::Invalid`] if the lines cannot be ordered together.
pub fn price(lines: &[Line], products: Vec<Option<Stored<ProductBody>>>) -> Result<Vec<ReservedLine>, Error> {
    let mut priced = Vec::<ReservedLine>::with_capacity(lines.len());
    let mut total = 0_i64;
    let invalid = |message| Err(Error::invalid("products", message));
    for (line, product) in lines.iter().zip(products) {
        let Some(product) = product else {
            return Err(Error::NotFound(format!(
                "There is no product {}. Remove it from the order.",
                line.product_id
            )));
        };
        let body = product.body;
        if !body.variant_ids.is_empty() {
            return invalid(format!("{} has variants. Order one of them instead.", body.name));
        }
        if let Some(first) = priced.first().filter(|first| first.currency != body.currency) {
            return invalid(format!(
                "{} costs {}, {} costs {}. Place one order for each currency.",
                first.name, first.currency, body.name, body.currency
            ));
        }
        let amount = body.price.saturating_mul(i64::from(line.quantity));
        total = total.saturating_add(amount);
        priced.push(ReservedLine {
            product_id: line.product_id.clone(),
            name: body.name,
            quantity: line.quantity,
            price: body.price,
            currency: body.currency,
        });
    }
    if total > MAX_AMOUNT {
        return invalid(format!(
            "The subtotal of an order must be at most {MAX_AMOUNT} minor units. Split the order."
        ));
    }
    Ok(priced)
}
