//! `mercato admin`: the users with the role ADMIN, through the API of a running shop.

use std::io::{self, IsTerminal, Write};

use serde::Deserialize;
use serde_json::{Value, json};

use crate::cli::{Admin, NewAdmin};
use crate::command_error::{Code, CommandError};
use crate::import::client::{Client, Error};
use crate::secret;

const FIND: &str = "query($username: String!) { findUser(username: $username) { id username role } }";

const REGISTER: &str = "mutation($username: String!, $password: String!) { \
    registerUser(input: { username: $username, password: $password }) { user { id username role } } }";

const PROMOTE: &str = "mutation($id: ID!) { setRole(id: $id, role: ADMIN) { id username role } }";

/// The bytes of a generated password: 120 bits.
const PASSWORD_BYTES: usize = 15;

/// A user in a response.
#[derive(Deserialize)]
struct User {
    id: String,
    username: String,
    role: String,
}

/// A new user, whose session ends with the new role.
#[derive(Deserialize)]
struct SignedIn {
    user: User,
}

/// The password of a new user.
struct Password {
    text: String,
    is_generated: bool,
}

/// Runs a command.
///
/// # Errors
/// If the shop cannot be reached, or refuses the user name or the password.
pub fn run(command: &Admin) -> Result<(), CommandError> {
    match command {
        Admin::Create(options) => create(options),
    }
}

/// Creates a user with the role ADMIN, or gives an existing user this role. It can be repeated after an
/// interruption.
fn create(options: &NewAdmin) -> Result<(), CommandError> {
    let key = secret::of_shop(options.shop.key.as_deref(), &options.shop.data)?;
    let client = Client::new(&options.shop.url, key);
    let name = options.username.as_str();
    let found: Option<User> = call(&client, "findUser", FIND, &json!({ "username": name }))?;
    match found {
        Some(user) if user.role == "ADMIN" => print(&format!("{} is an ADMIN already.", user.username)),
        Some(user) => {
            let user = promote(&client, &user.id)?;
            print(&format!(
                "{} is an ADMIN now, and must sign in again. The password is unchanged.",
                user.username
            ))
        }
        None => {
            let password = password(options.password_stdin)?;
            let variables = json!({ "username": name, "password": password.text });
            let new: SignedIn = call(&client, "registerUser", REGISTER, &variables)?;
            let user = promote(&client, &new.user.id)?;
            print(&format!("{} is an ADMIN now.", user.username))?;
            if password.is_generated {
                print(&format!("password: {}", password.text))?;
            }
            Ok(())
        }
    }
}

fn promote(client: &Client, id: &str) -> Result<User, CommandError> {
    call(client, "setRole", PROMOTE, &json!({ "id": id }))
}

/// Returns a field of the data of a GraphQL request.
fn call<T: serde::de::DeserializeOwned>(
    client: &Client,
    field: &str,
    query: &str,
    variables: &Value,
) -> Result<T, CommandError> {
    let unavailable = |error: Error| CommandError::new(Code::Unavailable, error.to_string());
    let mut data: Value = client
        .graphql(query, variables)
        .map_err(unavailable)?
        .map_err(|refused| CommandError::new(Code::Data, format!("the shop refused: {}", refused.message)))?;
    let value = data.get_mut(field).map(Value::take).unwrap_or_default();
    serde_json::from_value(value).map_err(|error| {
        let message =
            format!("the answer of the shop has another form ({error}): check that it has the same version");
        CommandError::new(Code::Unavailable, message)
    })
}

/// Returns the password from standard input or from the terminal, or else a generated one.
fn password(from_stdin: bool) -> Result<Password, CommandError> {
    let typed = if from_stdin {
        let mut line = String::new();
        io::stdin()
            .read_line(&mut line)
            .map_err(|error| unreadable(&error))?;
        let text = line.trim_end_matches(['\r', '\n']).to_owned();
        if text.is_empty() {
            let message = "standard input has no password: write the password as its first line";
            return Err(CommandError::new(Code::NoInput, message));
        }
        text
    } else if io::stdin().is_terminal() {
        ask()?
    } else {
        String::new()
    };
    if typed.is_empty() {
        return generate();
    }
    Ok(Password {
        text: typed,
        is_generated: false,
    })
}

/// Asks for the password twice, without showing it. An empty one is generated.
fn ask() -> Result<String, CommandError> {
    let prompt = |text: &str| rpassword::prompt_password(text).map_err(|error| unreadable(&error));
    let password = prompt("Password (empty: generate one): ")?;
    if !password.is_empty() && prompt("Password again: ")? != password {
        let message = "the passwords differ: start again";
        return Err(CommandError::new(Code::Data, message));
    }
    Ok(password)
}

fn generate() -> Result<Password, CommandError> {
    let mut random = [0; PASSWORD_BYTES];
    getrandom::fill(&mut random)
        .map_err(|error| CommandError::new(Code::Software, format!("cannot generate a password: {error}")))?;
    Ok(Password {
        text: random.iter().map(|byte| format!("{byte:02x}")).collect(),
        is_generated: true,
    })
}

fn unreadable(error: &io::Error) -> CommandError {
    CommandError::new(Code::NoInput, format!("cannot read the password: {error}"))
}

fn print(line: &str) -> Result<(), CommandError> {
    writeln!(io::stdout().lock(), "{line}").map_err(|error| {
        CommandError::new(
            Code::Software,
            format!("cannot write to standard output: {error}"),
        )
    })
}
