//! The budget of an HTTP request. All operations of a batch share it.

use http::StatusCode;
use mercato_shop::types::Caller;

use crate::graphql::outcome::RequestError;

/// The most mutations of one operation.
const MUTATIONS_OF_OPERATION: usize = 10;

/// The most mutations of one request.
const MUTATIONS: usize = 20;

/// The largest cost of a request from an anonymous client: a few times the cost of a large page.
const ANONYMOUS: usize = 30_000;

/// What the operations of a request have used.
#[derive(Debug, Default)]
pub struct Budget {
    cost: usize,
    mutations: usize,
    /// The limit of the caller and the caller's name, once it is known.
    limit: Option<(usize, &'static str)>,
}

impl Budget {
    /// Charges an operation. A refused operation costs nothing. The caller is verified only if the request
    /// costs more than anonymous clients may use.
    ///
    /// # Errors
    /// TOO_MANY_MUTATIONS and QUERY_TOO_COMPLEX.
    pub fn charge(
        &mut self,
        cost: usize,
        mutations: usize,
        caller: impl FnOnce() -> Caller,
    ) -> Result<(), RequestError> {
        let (all, sum) = (self.mutations + mutations, self.cost.saturating_add(cost));
        if mutations > MUTATIONS_OF_OPERATION || all > MUTATIONS {
            let message = format!(
                "An operation must have at most {MUTATIONS_OF_OPERATION} mutations, and a request at most {MUTATIONS}. \
                 Split the request."
            );
            return Err(RequestError::new(
                StatusCode::BAD_REQUEST,
                "TOO_MANY_MUTATIONS",
                message,
            ));
        }
        if sum > ANONYMOUS {
            let (limit, name) = *self.limit.get_or_insert_with(|| limit_of(&caller()));
            if sum > limit {
                let message = format!(
                    "The request costs {sum}, and the limit is {limit} for {name}. Select fewer fields or shorter \
                     pages, or split the request."
                );
                return Err(RequestError::new(
                    StatusCode::BAD_REQUEST,
                    "QUERY_TOO_COMPLEX",
                    message,
                ));
            }
        }
        (self.cost, self.mutations) = (sum, all);
        Ok(())
    }
}

/// Returns the largest cost of a request from a caller, and the caller's name.
fn limit_of(caller: &Caller) -> (usize, &'static str) {
    match caller {
        Caller::Anonymous => (ANONYMOUS, "anonymous clients"),
        Caller::User(_) if caller.is_admin() => (100_000, "staff"),
        Caller::User(_) => (60_000, "users"),
        Caller::ApiKey => (200_000, "the API key"),
    }
}

#[cfg(test)]
mod tests {
    use mercato_shop::types::{Role, SignedIn};

    use super::*;

    fn code(charged: Result<(), RequestError>) -> Option<String> {
        let error = charged.err()?.errors.pop()?;
        Some(error.extensions?.get("code")?.to_string())
    }

    fn user(role: Role) -> Caller {
        Caller::User(SignedIn {
            user_id: "ada".into(),
            role,
            session_id: None,
        })
    }

    #[test]
    fn each_class_of_callers_has_a_limit() {
        for (caller, limit) in [
            (Caller::Anonymous, 30_000),
            (user(Role::Customer), 60_000),
            (user(Role::Admin), 100_000),
            (Caller::ApiKey, 200_000),
        ] {
            let charge = |cost| code(Budget::default().charge(cost, 0, || caller.clone()));
            assert_eq!(charge(limit), None);
            assert_eq!(charge(limit + 1).as_deref(), Some("\"QUERY_TOO_COMPLEX\""));
            assert!(charge(usize::MAX).is_some());
        }
    }

    #[test]
    fn a_batch_shares_the_budget_and_a_refused_operation_costs_nothing() {
        let mut budget = Budget::default();
        let costs = [25_000, 5_001, 5_000, 1];
        let charged = costs.map(|cost| budget.charge(cost, 0, || Caller::Anonymous).is_ok());
        assert_eq!(charged, [true, false, true, false]);
    }

    #[test]
    fn a_cheap_request_does_not_verify_its_caller() {
        let charged = Budget::default().charge(ANONYMOUS, 1, || panic!("verified"));
        assert!(charged.is_ok());
    }

    #[test]
    fn an_operation_has_ten_mutations_and_a_request_twenty() {
        let mut budget = Budget::default();
        let mut charge = |mutations| code(budget.charge(1, mutations, || Caller::ApiKey));
        assert_eq!(charge(11).as_deref(), Some("\"TOO_MANY_MUTATIONS\""));
        assert_eq!([10, 10].map(&mut charge), [None, None]);
        assert_eq!(charge(1).as_deref(), Some("\"TOO_MANY_MUTATIONS\""));
        assert_eq!(charge(0), None);
    }
}
