//! What an edit has changed of a product, for the audit log.

use crate::product::ProductBody;

/// The price before and after, where it is another one, and the names of what else has changed.
pub fn told(before: &ProductBody, after: &ProductBody) -> String {
    let mut told = Vec::new();
    if (before.price, &before.currency) != (after.price, &after.currency) {
        told.push(format!(
            "price {} {} -> {} {}",
            before.price, before.currency, after.price, after.currency
        ));
    }
    let others = [
        ("name", before.name != after.name),
        ("description", before.description != after.description),
        ("manufacturer", before.manufacturer != after.manufacturer),
        ("category", before.category_id != after.category_id),
        ("images", before.images != after.images),
        ("attributes", before.attributes != after.attributes),
        ("sku", before.sku != after.sku),
        ("lowStockAt", before.low_stock_at != after.low_stock_at),
    ];
    told.extend(
        others
            .into_iter()
            .filter(|(_, other)| *other)
            .map(|(name, _)| name.into()),
    );
    told.join(", ")
}
