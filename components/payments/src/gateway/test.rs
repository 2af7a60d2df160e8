//! The gateway that plays, for development and tests. It keeps nothing: what becomes of an attempt stands in its token.
//!
//! | token | what happens |
//! |---|---|
//! | `tok_ok` | the payment succeeds |
//! | `tok_declined` | the bank declines |
//! | `tok_insufficient_funds` | there is too little on the account |
//! | `tok_expired_card` | the card has expired |
//! | `tok_requires_action` | the customer has to confirm; until a webhook says otherwise, nobody has |
//! | `tok_unavailable` | the gateway is not reached, and nothing is paid |
//! | `tok_timeout` | the answer is lost; the next look finds it paid |
//! | `tok_timeout_declined` | the answer is lost; the next look finds it declined |
//! | `tok_lost` | the answer is lost, and so are all others; a day later the gateway knows of no such payment |
//! | `tok_refund_fails` | the payment succeeds, and can't be given back |
//! | any other | refused as unknown |

use super::{Charge, Charged, PaymentGateway, Repaid, Repayment, State, Trouble};

/// See the module.
#[derive(Clone, Copy, Debug)]
pub struct TestGateway;

const TOKENS: &str = "tok_ok, tok_declined, tok_insufficient_funds, tok_expired_card, tok_requires_action, tok_unavailable, \
                      tok_timeout, tok_timeout_declined, tok_lost or tok_refund_fails";

impl PaymentGateway for TestGateway {
    fn name(&self) -> &'static str {
        "test"
    }

    fn charge(&self, charge: &Charge<'_>) -> Result<Charged, Trouble> {
        let state = match (charge.method, charge.again) {
            ("tok_ok" | "tok_refund_fails", _) | ("tok_timeout", true) => State::Succeeded,
            ("tok_declined", _) | ("tok_timeout_declined", true) => {
                State::Failed("The card was declined. Pay with another one.".into())
            }
            ("tok_insufficient_funds", _) => {
                State::Failed("There is not enough money on the card's account. Pay with another one.".into())
            }
            ("tok_expired_card", _) => State::Failed("The card has expired. Pay with another one.".into()),
            ("tok_requires_action", _) => State::RequiresAction(secret(&reference(charge))),
            ("tok_unavailable", _) => {
                return Err(Trouble::NotDone("The payment gateway is not there.".into()));
            }
            ("tok_timeout" | "tok_timeout_declined", false) | ("tok_lost", _) => {
                return Err(Trouble::Unknown("the answer is lost".into()));
            }
            _ => State::Failed(format!("The test gateway knows no such token. Use {TOKENS}.")),
        };
        Ok(Charged {
            reference: Some(reference(charge)),
            state,
        })
    }

    fn find(&self, charge: &Charge<'_>) -> Result<Option<Charged>, Trouble> {
        match charge.method {
            "tok_lost" => Ok(None),
            _ => self
                .charge(&Charge {
                    again: true,
                    ..charge.clone()
                })
                .map(Some),
        }
    }

    fn look(&self, reference: &str) -> Result<Charged, Trouble> {
        let state = match token(reference) {
            "tok_requires_action" => State::RequiresAction(secret(reference)),
            "tok_ok" | "tok_refund_fails" | "tok_timeout" => State::Succeeded,
            _ => State::Failed("The card was declined. Pay with another one.".into()),
        };
        Ok(Charged {
            reference: Some(reference.into()),
            state,
        })
    }

    fn cancel(&self, reference: &str) -> Result<Charged, Trouble> {
        let mut charged = self.look(reference)?;
        if charged.state != State::Succeeded {
            charged.state = State::Cancelled;
        }
        Ok(charged)
    }

    fn repay(&self, repayment: &Repayment<'_>) -> Result<Repaid, Trouble> {
        match token(repayment.reference) {
            "tok_refund_fails" => Err(Trouble::Refused("this token's money can't be given back".into())),
            _ => Ok(Repaid::Succeeded),
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
