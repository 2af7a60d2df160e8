//! Exports the service as the world `mercato:shop/orders-service`.

use mercato_ports::events::{Event, HandlerFailure};
use mercato_shop::discounts::{Discount, DiscountPage, NewDiscount};
use mercato_shop::orders::{NewOrder, Order, OrderChanges, OrderPage, OrderQuery, Status};
use mercato_shop::ports::Imports;
use mercato_shop::services::{Discounts, Orders, Placement, Settlement};
use mercato_shop::types::{Caller, Error, Money, Page};

use crate::OrdersService;

const SERVICE: OrdersService<Imports, Imports> = OrdersService::new(Imports, Imports);

mercato_shop::export! {
    world: "mercato:shop/orders-service",
    with: {
        "mercato:platform/events@0.1.0": mercato_ports::wit::events,
        "mercato:shop/discount-types@0.1.0": mercato_shop::discounts,
        "mercato:shop/order-types@0.1.0": mercato_shop::orders,
        "mercato:shop/types@0.1.0": mercato_shop::types,
    },
}

struct Component;

impl bindings::exports::mercato::shop::orders::Guest for Component {
    fn place(caller: Caller, input: NewOrder) -> Result<Order, Error> {
        Orders::place(&SERVICE, &caller, &input)
    }

    fn update_status(
        caller: Caller,
        id: String,
        status: Status,
        version: Option<u64>,
        note: Option<String>,
    ) -> Result<Order, Error> {
        SERVICE.update_status(&caller, &id, status, version, note.as_deref())
    }

    fn cancel(caller: Caller, id: String, reason: Option<String>) -> Result<Order, Error> {
        SERVICE.cancel(&caller, &id, reason.as_deref())
    }

    fn get_many(caller: Caller, ids: Vec<String>) -> Result<Vec<Result<Order, Error>>, Error> {
        Orders::get_many(&SERVICE, &caller, &ids)
    }

    fn list(caller: Caller, query: OrderQuery) -> Result<OrderPage, Error> {
        Orders::list(&SERVICE, &caller, &query)
    }

    fn changes(caller: Caller, id: Option<String>, after: Option<String>) -> Result<OrderChanges, Error> {
        SERVICE.changes(&caller, id.as_deref(), after.as_deref())
    }
}

impl bindings::exports::mercato::shop::placement::Guest for Component {
    fn place(
        caller: Caller,
        order_id: String,
        user_id: String,
        input: NewOrder,
        expected_subtotal: Option<i64>,
    ) -> Result<Order, Error> {
        Placement::place(&SERVICE, &caller, &order_id, &user_id, &input, expected_subtotal)
    }

    fn withdraw(caller: Caller, order_id: String, user_id: String) -> Result<Option<Order>, Error> {
        SERVICE.withdraw(&caller, &order_id, &user_id)
    }
}

impl bindings::exports::mercato::shop::discounts::Guest for Component {
    fn create(caller: Caller, input: NewDiscount) -> Result<Discount, Error> {
        SERVICE.create(&caller, &input)
    }

    fn disable(caller: Caller, code: String) -> Result<Discount, Error> {
        SERVICE.disable(&caller, &code)
    }

    fn get_many(caller: Caller, codes: Vec<String>) -> Result<Vec<Result<Discount, Error>>, Error> {
        Discounts::get_many(&SERVICE, &caller, &codes)
    }

    fn list(caller: Caller, page: Page) -> Result<DiscountPage, Error> {
        Discounts::list(&SERVICE, &caller, &page)
    }
}

impl bindings::exports::mercato::shop::settlement::Guest for Component {
    fn mark_paid(order_id: String, amount: Money) -> Result<(), Error> {
        SERVICE.mark_paid(&order_id, &amount)
    }

    fn mark_refunded(order_id: String) -> Result<(), Error> {
        SERVICE.mark_refunded(&order_id)
    }
}

impl bindings::exports::mercato::platform::handler::Guest for Component {
    fn handle(events: Vec<Event>) -> Vec<Result<(), HandlerFailure>> {
        SERVICE.handle(&events)
    }
}
