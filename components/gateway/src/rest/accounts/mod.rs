//! Users, and how they sign in.

mod shapes;

use http::{Method, StatusCode};
use mercato_shop::accounts::{SignIn, User as Found, UserPatch};
use mercato_shop::types::{Caller, Error, SignedIn as Whoever};
use serde_json::Value;

use crate::personal;
use crate::rest::answer::Answer;
use crate::rest::call::Call;
use crate::rest::operation::{Access, Operation, Refusal};
use crate::rest::precondition::{self, Deletion, tag};
use crate::schema::datetime::DateTime;
use shapes::{CodeSent, Credentials, Logout, Refresh, SignedIn, User, UserChanges, Verification};

const USER: &[&str] = &["/api/users/{id}"];

/// What there is to do with users.
pub fn operations() -> Vec<Operation> {
    let post = |paths, name, summary, access, handler| {
        Operation::new(Method::POST, paths, name, summary, access, handler)
    };
    let user =
        |method, name, summary, handler| Operation::new(method, USER, name, summary, Access::Known, handler);
    vec![
        post(
            &["/api/users/register", "/auth/register"],
            "registerUser",
            "Make a user, who is signed in at once",
            Access::Public,
            register,
        )
        .takes::<Credentials>()
        .answers::<SignedIn>(StatusCode::CREATED),
        post(
            &["/api/users/login", "/auth/login"],
            "login",
            "Sign in",
            Access::Public,
            login,
        )
        .takes::<Credentials>()
        .answers::<SignedIn>(StatusCode::OK),
        post(
            &["/api/users/refresh"],
            "refreshToken",
            "The next pair of tokens",
            Access::Public,
            refresh,
        )
        .takes::<Refresh>()
        .answers::<SignedIn>(StatusCode::OK),
        post(
            &["/api/users/logout"],
            "logout",
            "End the session of the refresh token, or else that of the access token",
            Access::Public,
            logout,
        )
        .may_take::<Logout>()
        .answers_nothing(),
        post(
            &["/api/users/verify"],
            "verify",
            "Have a code sent to the own address; or, with the code, prove that the address is the own",
            Access::Known,
            verify,
        )
        .takes::<Verification>()
        .answers::<User>(StatusCode::OK)
        .answers::<CodeSent>(StatusCode::ACCEPTED),
        user(Method::GET, "getUser", "One user", get).answers::<User>(StatusCode::OK),
        user(Method::PUT, "updateUser", "Edit a user", update)
            .versioned()
            .takes::<UserChanges>()
            .answers::<User>(StatusCode::OK),
        user(
            Method::DELETE,
            "eraseUser",
            "Take away all that is personal of a user, for good",
            erase,
        )
        .versioned()
        .may_take::<Deletion>()
        .answers_nothing(),
        Operation::new(
            Method::GET,
            &["/api/users/{id}/export"],
            "exportUser",
            "All that the shop keeps of a user",
            Access::Known,
            export,
        )
        .answers::<Value>(StatusCode::OK),
    ]
}

fn register(call: &Call<'_>) -> Result<Answer, Refusal> {
    let mut input: Credentials = call.body()?;
    let cart = input.cart_id.take();
    let accounts = &call.services().accounts;
    let signed_in = accounts.register(input.into(), call.session.client.clone())?;
    let location = format!("/api/users/{}", signed_in.user.id);
    Ok(Answer::created(
        location,
        &with_cart(call, signed_in, cart.as_deref()),
    )?)
}

fn login(call: &Call<'_>) -> Result<Answer, Refusal> {
    let mut input: Credentials = call.body()?;
    let cart = input.cart_id.take();
    let accounts = &call.services().accounts;
    let signed_in = accounts
        .login(call.caller(), input.into(), call.session.client.clone())
        .map_err(own_words)?;
    Ok(Answer::changed(&with_cart(call, signed_in, cart.as_deref()))?)
}

/// Has a guest's cart be that of who has signed in. A cart that is over keeps nobody from signing in.
fn with_cart(call: &Call<'_>, signed_in: SignIn, cart: Option<&str>) -> SignedIn {
    let caller = Caller::User(Whoever {
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
    SignedIn {
        cart_merged: cart.map(merge),
        ..SignedIn::from(signed_in)
    }
}

fn refresh(call: &Call<'_>) -> Result<Answer, Refusal> {
    let input: Refresh = call.body()?;
    let accounts = &call.services().accounts;
    let signed_in = accounts
        .refresh(&input.refresh_token, call.session.client.clone())
        .map_err(own_words)?;
    Ok(Answer::changed(&SignedIn::from(signed_in))?)
}

/// It is not the caller who was not believed, but what came in the body: that the access token is bad, too, is not the reason.
fn own_words(error: Error) -> Refusal {
    crate::http::Problem::from(error).into()
}

fn logout(call: &Call<'_>) -> Result<Answer, Refusal> {
    let input: Logout = call.body_or_default()?;
    let accounts = &call.services().accounts;
    accounts.logout(call.caller(), input.refresh_token.as_deref())?;
    Ok(Answer::done())
}

fn verify(call: &Call<'_>) -> Result<Answer, Refusal> {
    let input: Verification = call.body()?;
    let accounts = &call.services().accounts;
    if let Some(code) = input.code {
        let user = accounts.verify(call.caller(), input.channel.into(), &code)?;
        return changed(user);
    }
    let sent = CodeSent {
        channel: input.channel,
        expires_at: DateTime(accounts.request_verification(call.caller(), input.channel.into())?),
    };
    Ok(Answer::with(StatusCode::ACCEPTED, &sent)?)
}

fn get(call: &Call<'_>) -> Result<Answer, Refusal> {
    let user = found(call, &call.user_id()?)?;
    let tag = tag(user.version);
    Ok(Answer::own(&User::from(user))?.tagged(tag))
}

fn update(call: &Call<'_>) -> Result<Answer, Refusal> {
    let id = call.user_id()?;
    let changes: UserChanges = call.body()?;
    let current = || Ok(found(call, &id)?.version);
    let version = precondition::expected(call, changes.version)?.version(current)?;
    let patch = UserPatch {
        name: changes.name,
        email: changes.email,
        phone: changes.phone,
        locale: changes.locale,
    };
    let accounts = &call.services().accounts;
    let user = accounts
        .update(call.caller(), &id, version, patch)
        .map_err(|error| precondition::conflict(error, version, current))?;
    changed(user)
}

fn erase(call: &Call<'_>) -> Result<Answer, Refusal> {
    let id = call.user_id()?;
    let deletion: Deletion = call.body_or_default()?;
    match precondition::expected(call, deletion.version)? {
        precondition::Expected::Any => {}
        expected => expected.check(found(call, &id)?.version)?,
    }
    personal::erase(call.services(), call.caller(), &id)?;
    Ok(Answer::done())
}

fn export(call: &Call<'_>) -> Result<Answer, Refusal> {
    let all = personal::export(call.services(), call.caller(), &call.user_id()?)?;
    Ok(Answer::own(&all)?)
}

fn changed(user: Found) -> Result<Answer, Refusal> {
    let tag = tag(user.version);
    Ok(Answer::changed(&User::from(user))?.tagged(tag))
}

fn found(call: &Call<'_>, id: &str) -> Result<Found, Refusal> {
    let mut answers = call
        .services()
        .accounts
        .get_many(call.caller(), &[id.to_owned()])?;
    let missing = || {
        Err(Error::Internal(
            "accounts answered fewer values than it was asked for".into(),
        ))
    };
    Ok(answers.pop().unwrap_or_else(missing)?)
}
