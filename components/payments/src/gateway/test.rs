//! A fake payment gateway for development and tests. It keeps no state: the token of the payment method
//! decides the outcome.
//!
//! | token | outcome |
//! |---|---|
//! | `tok_ok` | the payment succeeds |
//! | `tok_declined` | the bank declines the payment |
//! | `tok_insufficient_funds` | the account has insufficient funds |
//! | `tok_expired_card` | the card has expired |
//! | `tok_requires_action` | the customer must confirm the payment; a webhook reports that |
//! | `tok_unavailable` | the gateway is unreachable, and nothing is paid |
//! | `tok_timeout` | the answer is lost; the next request finds that the payment succeeded |
//! | `tok_timeout_declined` | the answer is lost; the next request finds that the payment was declined |
//! | `tok_lost` | all answers are lost; a day later the gateway has no such payment |
//! | `tok_refund_fails` | the payment succeeds, but can't be refunded |
//! | any other | the payment fails, since the token is unknown |

use super::{Charge, ChargeState, Charged, GatewayError, PaymentGateway, RefundRequest, RefundState};

#[derive(Clone, Copy, Debug)]
pub struct TestGateway;

const TOKENS: &str = "tok_ok, tok_declined, tok_insufficient_funds, tok_expired_card, tok_requires_action, \
                      tok_unavailable, tok_timeout, tok_timeout_declined, tok_lost or tok_refund_fails";

const DECLINED: &str = "The card was declined. Pay with another one.";

impl PaymentGateway for TestGateway {
    fn name(&self) -> &'static str {
        "test"
    }

    fn charge(&self, charge: &Charge<'_>) -> Result<Charged, GatewayError> {
        let failed = |reason: &str| ChargeState::Failed(reason.into());
        let state = match (charge.method, charge.is_repeated) {
            ("tok_ok" | "tok_refund_fails", _) | ("tok_timeout", true) => ChargeState::Succeeded,
            ("tok_declined", _) | ("tok_timeout_declined", true) => failed(DECLINED),
            ("tok_insufficient_funds", _) => {
                failed("The card's account has insufficient funds. Pay with another one.")
            }
            ("tok_expired_card", _) => failed("The card has expired. Pay with another one."),
            ("tok_requires_action", _) => ChargeState::RequiresAction(secret(&reference(charge))),
            ("tok_unavailable", _) => {
                return Err(GatewayError::NotDone(
                    "The payment gateway is unreachable. Nothing was paid.".into(),
                ));
            }
            ("tok_timeout" | "tok_timeout_declined", false) | ("tok_lost", _) => {
                return Err(GatewayError::Unknown("the answer is lost".into()));
            }
            _ => failed(&format!(
                "The test gateway does not know this token. Use {TOKENS}."
            )),
        };
        Ok(Charged {
            reference: Some(reference(charge)),
            state,
        })
    }

    fn find(&self, charge: &Charge<'_>) -> Result<Option<Charged>, GatewayError> {
        if charge.method == "tok_lost" {
            return Ok(None);
        }
        self.charge(&Charge {
            is_repeated: true,
            ..charge.clone()
        })
        .map(Some)
    }

    fn get(&self, reference: &str) -> Result<Charged, GatewayError> {
        let state = match token(reference) {
            "tok_requires_action" => ChargeState::RequiresAction(secret(reference)),
            "tok_ok" | "tok_refund_fails" | "tok_timeout" => ChargeState::Succeeded,
            _ => ChargeState::Failed(DECLINED.into()),
        };
        Ok(Charged {
            reference: Some(reference.into()),
            state,
        })
    }

    fn cancel(&self, reference: &str) -> Result<Charged, GatewayError> {
        let mut charged = self.get(reference)?;
        if charged.state != ChargeState::Succeeded {
            charged.state = ChargeState::Cancelled;
        }
        Ok(charged)
    }

    fn refund(&self, request: &RefundRequest<'_>) -> Result<RefundState, GatewayError> {
        match token(request.reference) {
            "tok_refund_fails" => Err(GatewayError::Rejected(
                "payments with tok_refund_fails can't be refunded".into(),
            )),
            _ => Ok(RefundState::Succeeded),
        }
    }
}

fn reference(charge: &Charge<'_>) -> String {
    format!("test/{}/{}", charge.key(), charge.method)
}

fn token(reference: &str) -> &str {
    reference.rsplit('/').next().unwrap_or_default()
}

fn secret(reference: &str) -> String {
    format!("{reference}/secret")
}
