//! Returns what carts need of products.

use mercato_shop::catalog::{NewProduct, Offer, ProductDetails};
use mercato_shop::services::{Catalog, Inventory};
use mercato_shop::testing::admin;
use mercato_shop::types::Money;

use crate::support::{Service, attributes, catalog, line, new_product, price};

fn offer(name: &str, amount: i64, quantity: u32) -> Offer {
    Offer {
        name: name.into(),
        price: Money {
            amount,
            currency: "EUR".into(),
        },
        quantity,
        has_variants: false,
    }
}

/// Creates a product with the fields of an offer and others.
fn create(catalog: &Service, name: &str) -> String {
    let input = NewProduct {
        description: Some("soft \"wool\"\nfrom Norway".into()),
        currency: Some("EUR".into()),
        details: ProductDetails {
            attributes: Some(attributes(&[("name", "other"), ("price", "7")])),
            ..ProductDetails::default()
        },
        ..new_product(name)
    };
    catalog.create(&admin(), &input).unwrap().id
}

#[test]
fn returns_offers_in_the_order_of_the_ids() {
    let (_, catalog) = catalog();
    let [a, b] = ["a", "b"].map(|name| create(&catalog, name));
    let ids = [b.clone(), "0198c0de-1f2e-7abc-8def-0123456789ab".into(), a, b];
    let b = Some(offer("b", 100, 9));
    let expected = [b.clone(), None, Some(offer("a", 100, 9)), b];
    assert_eq!(catalog.get_offers(&ids).unwrap(), expected);
    assert_eq!(catalog.get_offers(&[]).unwrap(), []);
}

#[test]
fn an_offer_has_the_present_price_and_units() {
    let (_, catalog) = catalog();
    let ids = [create(&catalog, "sock \"M\"")];
    catalog.update(&admin(), &ids[0], 1, &price(120)).unwrap();
    catalog.reserve("o", &[line(&ids[0], 2)], 0).unwrap();
    assert_eq!(
        catalog.get_offers(&ids).unwrap(),
        [Some(offer("sock \"M\"", 120, 7))]
    );
    catalog.reserve("p", &[line(&ids[0], 7)], 0).unwrap();
    assert_eq!(
        catalog.get_offers(&ids).unwrap(),
        [Some(offer("sock \"M\"", 120, 0))]
    );
    catalog.archive(&admin(), &ids[0], 2).unwrap();
    assert_eq!(catalog.get_offers(&ids).unwrap(), [None]);
}

#[test]
fn a_product_has_variants_until_the_last_one_is_archived() {
    let (_, catalog) = catalog();
    let shirt = create(&catalog, "shirt");
    let size = attributes(&[("size", "M")]);
    let medium = catalog.create_variant(&admin(), &shirt, &size, &new_product("shirt M"));
    let medium = medium.unwrap();
    let has_variants = |ids: &[String]| {
        let offers = catalog.get_offers(ids).unwrap().into_iter().flatten();
        offers.map(|offer| offer.has_variants).collect::<Vec<_>>()
    };
    assert_eq!(has_variants(&[shirt.clone(), medium.id.clone()]), [true, false]);
    catalog.archive(&admin(), &medium.id, medium.version).unwrap();
    assert_eq!(has_variants(&[shirt, medium.id]), [false]);
}
