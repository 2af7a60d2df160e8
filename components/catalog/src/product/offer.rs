//! Offers: the part of products that carts show. The rest of each document is skipped.

use mercato_shop::catalog::Offer;
use mercato_shop::collection::Collection;
use mercato_shop::ports::Ports;
use mercato_shop::types::{Error, Money};
use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::repository::units_on_sale;

/// The products that are sold, by id.
const OFFERS: Collection<OfferBody> = Collection::new("catalog.products");

/// The fields of a product's document that are read. It lacks others, so it can't be written.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct OfferBody {
    name: String,
    price: i64,
    currency: String,
    on_hand: i64,
    #[serde(default)]
    variant_ids: Vec<IgnoredAny>,
}

/// Returns the offers of the products with these ids, in the order of the ids, and nothing for a product that
/// is not sold.
///
/// # Errors
/// [`Error::Unavailable`] if the store is unavailable.
pub fn get_offers(ports: &impl Ports, ids: &[String]) -> Result<Vec<Option<Offer>>, Error> {
    let found = OFFERS.get_many(ports, ids)?.into_iter();
    Ok(found
        .map(|stored| stored.map(|stored| to_offer(stored.body)))
        .collect())
}

fn to_offer(body: OfferBody) -> Offer {
    Offer {
        name: body.name,
        price: Money {
            amount: body.price,
            currency: body.currency,
        },
        quantity: units_on_sale(body.on_hand),
        has_variants: !body.variant_ids.is_empty(),
    }
}
