//! Exports the service as the world `mercato:shop/payments-service`.

use mercato_ports::events::{Event, HandlerFailure};
use mercato_shop::handler;
use mercato_shop::payments::{Payment, PaymentInput, RefundInput};
use mercato_shop::ports::Imports;
use mercato_shop::services::Payments;
use mercato_shop::types::{Caller, Error};

use crate::PaymentsService;

const SERVICE: PaymentsService<Imports, Imports> = PaymentsService::new(Imports, Imports);

mercato_shop::export! {
    world: "mercato:shop/payments-service",
    with: {
        "mercato:platform/events@0.1.0": mercato_ports::wit::events,
        "mercato:shop/payment-types@0.1.0": mercato_shop::payments,
        "mercato:shop/types@0.1.0": mercato_shop::types,
    },
}

struct Component;

impl bindings::exports::mercato::shop::payments::Guest for Component {
    fn pay(caller: Caller, input: PaymentInput) -> Result<Payment, Error> {
        SERVICE.pay(&caller, &input)
    }

    fn refund(caller: Caller, input: RefundInput) -> Result<Payment, Error> {
        SERVICE.refund(&caller, &input)
    }

    fn get_many(caller: Caller, ids: Vec<String>) -> Result<Vec<Result<Option<Payment>, Error>>, Error> {
        SERVICE.get_many(&caller, &ids)
    }

    fn handle_webhook(body: Vec<u8>, signature: String) -> Result<(), Error> {
        SERVICE.handle_webhook(&body, &signature)
    }

    fn ready() -> Result<(), Error> {
        SERVICE.ready()
    }
}

impl bindings::exports::mercato::platform::handler::Guest for Component {
    fn handle(events: Vec<Event>) -> Vec<Result<(), HandlerFailure>> {
        handler::each(&events, |event| SERVICE.handle(event))
    }
}
