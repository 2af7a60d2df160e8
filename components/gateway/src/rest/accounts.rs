//! Users and their sign-in.

use http::{Method, StatusCode};
use mercato_shop::accounts::{self, SignIn};
use mercato_shop::types::{self, Caller, Error};
use serde_json::{Map, Value};

use crate::http::problem::Problem;
use crate::model::convert::Convert;
use crate::model::user::{
    CodeSent, Credentials, ForgottenPassword, Logout, PasswordReset, PasswordResetRequest, Refresh,
    Registration, SignedIn, User, UserChanges, ValidToken, Verification, VerificationChannel,
};
use crate::request_session::personal_data;
use crate::rest::answer::Answer;
use crate::rest::body::BodyKind;
use crate::rest::call::{Call, only};
use crate::rest::operation::{Access, Operation, Outcome};
use crate::rest::operation_error::OperationError;
use crate::rest::precondition::{self, Deletion};
use crate::rest::versioned::Versioned;

const USER: &[&str] = &["/api/users/{id}"];

/// Returns the operations of users.
pub fn operations() -> Vec<Operation> {
    use Access::{Authenticated, Guests, Public};
    use BodyKind::{Optional, Required};
    let post = |paths, name, summary, access, handler| {
        Operation::new(Method::POST, paths, name, summary, access, handler)
    };
    let user =
        |method, name, summary, handler| Operation::new(method, USER, name, summary, Authenticated, handler);
    vec![
        post(
            &["/api/users/register", "/auth/register"],
            "registerUser",
            "Register a user and sign the user in",
            Public,
            register,
        )
        .body::<Registration>(Required)
        .answers::<SignedIn>(StatusCode::CREATED),
        post(
            &["/api/users/login", "/auth/login"],
            "login",
            "Sign in",
            Public,
            login,
        )
        .body::<Credentials>(Required)
        .answers::<SignedIn>(StatusCode::OK)
        .fails(StatusCode::UNAUTHORIZED),
        post(
            &["/api/users/refresh"],
            "refreshToken",
            "Get the next pair of tokens",
            Public,
            refresh,
        )
        .body::<Refresh>(Required)
        .answers::<SignedIn>(StatusCode::OK)
        .fails(StatusCode::UNAUTHORIZED),
        post(
            &["/api/users/logout"],
            "logout",
            "End the session of the refresh token, or else of the access token",
            Public,
            logout,
        )
        .body::<Logout>(Optional)
        .answers_nothing(),
        post(
            &["/api/users/verify"],
            "verify",
            "Verify an access token, or verify an address of the caller",
            Guests,
            verify,
        )
        .body::<Verification>(Optional)
        .answers_either::<ValidToken, User>(StatusCode::OK)
        .answers::<CodeSent>(StatusCode::ACCEPTED),
        post(
            &["/api/users/password-reset"],
            "requestPasswordReset",
            "Mail a link to set a new password, if a user has verified the address",
            Public,
            request_password_reset,
        )
        .body::<ForgottenPassword>(Required)
        .answers::<PasswordResetRequest>(StatusCode::ACCEPTED),
        post(
            &["/api/users/password-reset/confirm"],
            "resetPassword",
            "Set a new password by the token of the mail",
            Public,
            reset_password,
        )
        .body::<PasswordReset>(Required)
        .answers::<User>(StatusCode::OK),
        user(Method::GET, "getUser", "Read a user", get).answers::<User>(StatusCode::OK),
        user(Method::PUT, "updateUser", "Edit a user", update)
            .versioned()
            .body::<UserChanges>(Required)
            .answers::<User>(StatusCode::OK),
        user(
            Method::DELETE,
            "eraseUser",
            "Erase all personal data of a user permanently",
            erase,
        )
        .versioned()
        .body::<Deletion>(Optional)
        .answers_nothing(),
        Operation::new(
            Method::GET,
            &["/api/users/{id}/export"],
            "exportUser",
            "Export all data of a user",
            Authenticated,
            export,
        )
        .answers::<Map<String, Value>>(StatusCode::OK),
    ]
}

fn register(call: &Call<'_>) -> Outcome {
    let mut input: Registration = call.body()?;
    let cart = input.cart_id.take();
    let accounts = &call.services().accounts;
    let signed_in = accounts.register(&input.convert(), &call.session.client_to_register())?;
    let answer = with_cart(call, signed_in, cart.as_deref());
    Ok(Answer::uncached(StatusCode::CREATED, &answer)?.located(answer.user.location()))
}

fn login(call: &Call<'_>) -> Outcome {
    let mut input: Credentials = call.body()?;
    let cart = input.cart_id.take();
    let accounts = &call.services().accounts;
    let signed_in = accounts
        .login(call.caller(), &input.convert()?, &call.session.client)
        .map_err(about_the_body)?;
    Ok(Answer::uncached(
        StatusCode::OK,
        &with_cart(call, signed_in, cart.as_deref()),
    )?)
}

/// Merges a guest's cart into the user's cart. If that fails, the user is signed in nevertheless.
fn with_cart(call: &Call<'_>, signed_in: SignIn, cart: Option<&str>) -> SignedIn {
    let caller = Caller::User(types::SignedIn {
        user_id: signed_in.user.id.clone(),
        role: signed_in.user.role,
        session_id: None,
    });
    let merge = |cart| {
        let merged = call.services().carts.merge(&caller, cart);
        merged
            .inspect_err(|error| eprintln!("a guest's cart was not merged at sign-in: {error:?}"))
            .is_ok()
    };
    let mut answer: SignedIn = signed_in.convert();
    answer.cart_merged = cart.map(merge);
    answer
}

fn refresh(call: &Call<'_>) -> Outcome {
    let input: Refresh = call.body()?;
    let accounts = &call.services().accounts;
    let signed_in: SignedIn = accounts
        .refresh(&input.refresh_token, &call.session.client)
        .map_err(about_the_body)?
        .convert();
    Ok(Answer::uncached(StatusCode::OK, &signed_in)?)
}

/// Returns an error about credentials in the body. The caller's access token is not its reason.
fn about_the_body(error: Error) -> OperationError {
    Problem::from(error).into()
}

fn logout(call: &Call<'_>) -> Outcome {
    let input: Logout = call.body_or_default()?;
    let accounts = &call.services().accounts;
    accounts.logout(call.caller(), input.refresh_token.as_deref())?;
    Ok(Answer::no_content())
}

fn verify(call: &Call<'_>) -> Outcome {
    let input: Verification = call.body_or_default()?;
    match (input.channel, input.code) {
        (None, None) => verify_token(call, input.token.as_deref()),
        (None, Some(_)) => {
            let message = "`channel` must be set with `code`: email or phone.";
            Err(Error::invalid("channel", message).into())
        }
        (Some(channel), code) => verify_address(call, channel, code.as_deref()),
    }
}

fn verify_token(call: &Call<'_>, token: Option<&str>) -> Outcome {
    let (token, expires_at) = call.session.verify_token(token).map_err(about_the_body)?;
    let caller = Caller::User(token.clone());
    let found = call
        .services()
        .accounts
        .get_many(&caller, std::slice::from_ref(&token.user_id))?;
    let user = match only(found) {
        Ok(user) if user.erased_at.is_some() => {
            let message = "The user of this access token is erased.";
            return Err(about_the_body(Error::Unauthenticated(message.into())));
        }
        Ok(user) => Some(user),
        Err(Error::NotFound(_)) => None,
        Err(error) => return Err(error.into()),
    };
    Ok(Answer::uncached(
        StatusCode::OK,
        &ValidToken::new(token, expires_at, user),
    )?)
}

fn verify_address(call: &Call<'_>, channel: VerificationChannel, code: Option<&str>) -> Outcome {
    let accounts = &call.services().accounts;
    if let Some(code) = code {
        return changed(accounts.verify(call.caller(), channel.into(), code)?);
    }
    let expires_at = accounts.request_verification(call.caller(), channel.into(), &call.session.client)?;
    let sent = CodeSent {
        channel,
        expires_at: expires_at.convert(),
    };
    Ok(Answer::uncached(StatusCode::ACCEPTED, &sent)?)
}

fn request_password_reset(call: &Call<'_>) -> Outcome {
    let input: ForgottenPassword = call.body()?;
    let accounts = &call.services().accounts;
    let requested = accounts.request_password_reset(&input.email, &call.session.client)?;
    let answer: PasswordResetRequest = requested.convert();
    Ok(Answer::uncached(StatusCode::ACCEPTED, &answer)?)
}

fn reset_password(call: &Call<'_>) -> Outcome {
    let input: PasswordReset = call.body()?;
    let accounts = &call.services().accounts;
    changed(accounts.reset_password(&input.token, &input.password, &call.session.client)?)
}

fn get(call: &Call<'_>) -> Outcome {
    let user: User = find(call, &call.user_id()?)?.convert();
    Ok(Answer::private(&user)?.tagged(user.tag()))
}

fn update(call: &Call<'_>) -> Outcome {
    let id = call.user_id()?;
    let changes: UserChanges = call.body()?;
    let current = || Ok(find(call, &id)?.version);
    let version = precondition::expected(call.request.headers(), changes.version)?.version(current)?;
    let accounts = &call.services().accounts;
    let user = accounts
        .update(call.caller(), &id, version, &changes.convert())
        .map_err(|error| precondition::conflict(error, version, current))?;
    changed(user)
}

fn erase(call: &Call<'_>) -> Outcome {
    let id = call.user_id()?;
    let deletion: Deletion = call.body_or_default()?;
    precondition::expected(call.request.headers(), deletion.version)?
        .check(|| Ok(find(call, &id)?.version))?;
    personal_data::erase(call.services(), call.caller(), &id)?;
    Ok(Answer::no_content())
}

fn export(call: &Call<'_>) -> Outcome {
    let data = personal_data::export(call.services(), call.caller(), &call.user_id()?)?;
    Ok(Answer::private(&data)?)
}

fn changed(user: accounts::User) -> Outcome {
    let user: User = user.convert();
    Ok(Answer::changed(&user)?)
}

fn find(call: &Call<'_>, id: &str) -> Result<accounts::User, Error> {
    only(
        call.services()
            .accounts
            .get_many(call.caller(), &[id.to_owned()])?,
    )
}
