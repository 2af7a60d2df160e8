//! Exports the service as the world `mercato:shop/carts-service`.

use mercato_shop::carts::{Cart, Owner, Terms};
use mercato_shop::orders::Order;
use mercato_shop::ports::Imports;
use mercato_shop::services::Carts;
use mercato_shop::types::{Caller, Error};

use crate::CartsService;

const SERVICE: CartsService<Imports, Imports, Imports> = CartsService::new(Imports, Imports, Imports);

mercato_shop::export! {
    world: "mercato:shop/carts-service",
    with: {
        "mercato:shop/cart-types@0.1.0": mercato_shop::carts,
        "mercato:shop/order-types@0.1.0": mercato_shop::orders,
        "mercato:shop/types@0.1.0": mercato_shop::types,
    },
}

struct Component;

impl bindings::exports::mercato::shop::carts::Guest for Component {
    fn view(caller: Caller, owner: Owner) -> Result<Cart, Error> {
        SERVICE.view(&caller, &owner)
    }

    fn add(caller: Caller, owner: Owner, product_id: String, quantity: u32) -> Result<Cart, Error> {
        SERVICE.add(&caller, &owner, &product_id, quantity)
    }

    fn update(caller: Caller, owner: Owner, product_id: String, quantity: u32) -> Result<Cart, Error> {
        SERVICE.update(&caller, &owner, &product_id, quantity)
    }

    fn clear(caller: Caller, owner: Owner) -> Result<Cart, Error> {
        SERVICE.clear(&caller, &owner)
    }

    fn merge(caller: Caller, guest: String) -> Result<Cart, Error> {
        SERVICE.merge(&caller, &guest)
    }

    fn erase(caller: Caller, user_id: String) -> Result<(), Error> {
        SERVICE.erase(&caller, &user_id)
    }

    fn checkout(caller: Caller, user_id: Option<String>, terms: Terms) -> Result<Order, Error> {
        SERVICE.checkout(&caller, user_id.as_deref(), &terms)
    }
}
