//! Users that tests register and sign in.

use std::sync::OnceLock;

use anyhow::{Result, anyhow};
use serde_json::{Value, json};

use crate::fixtures::unique;
use crate::graphql::GraphqlResponse;
use crate::shop::{As, Shop, User};
use crate::tokens;

impl Shop {
    /// Returns a customer.
    pub fn ada(&self) -> Result<&User> {
        shared(&self.users.ada, || self.register("ada"))
    }

    /// Returns another customer.
    pub fn bob(&self) -> Result<&User> {
        shared(&self.users.bob, || self.register("bob"))
    }

    /// Returns an administrator.
    pub fn root(&self) -> Result<&User> {
        shared(&self.users.root, || self.register_admin("root"))
    }

    /// Registers a user whose name begins with the prefix.
    pub fn register(&self, prefix: &str) -> Result<User> {
        let name = unique(prefix);
        let password = format!("correct horse {name}");
        let answer = self.register_as(&name, &password)?;
        Ok(User {
            id: answer.text("/registerUser/user/_id")?.to_owned(),
            token: answer.text("/registerUser/access_token")?.to_owned(),
            name,
            password,
        })
    }

    /// Registers a user and mints a token with the role ADMIN for it.
    pub fn register_admin(&self, prefix: &str) -> Result<User> {
        let user = self.register(prefix)?;
        let token = tokens::minted(self.secret(), &user.id, "ADMIN")?;
        Ok(User { token, ..user })
    }

    /// Registers a user with this name and password.
    pub fn register_as(&self, username: &str, password: &str) -> Result<GraphqlResponse> {
        let query = "mutation ($input: RegisterUserInput) {
            registerUser(input: $input) { access_token user { _id username role createdAt } } }";
        let input = json!({ "username": username, "password": password });
        self.graphql(As::Anonymous, query, json!({ "input": input }))
    }

    /// Signs a user in.
    pub fn login(&self, username: &str, password: &str) -> Result<GraphqlResponse> {
        let query = "mutation ($input: LoginInput!) {
            login(input: $input) { access_token refresh_token user { _id username } } }";
        let input = json!({ "username": username, "password": password });
        self.graphql(As::Anonymous, query, json!({ "input": input }))
    }

    /// Requests a verification code for EMAIL or PHONE.
    pub fn request_verification(&self, user: &User, channel: &str) -> Result<GraphqlResponse> {
        let query = format!("mutation {{ requestVerification(channel: {channel}) {{ channel expiresAt }} }}");
        self.query(user.caller(), &query)
    }

    /// Verifies EMAIL or PHONE by a code.
    pub fn verify(&self, user: &User, channel: &str, code: &str) -> Result<GraphqlResponse> {
        let query = format!(
            "mutation ($code: String!) {{
                verify(channel: {channel}, code: $code) {{ emailVerified phoneVerified }} }}"
        );
        self.graphql(user.caller(), &query, json!({ "code": code }))
    }

    /// Edits a user's profile as the user.
    pub fn update_profile(&self, user: &User, version: i64, input: Value) -> Result<GraphqlResponse> {
        self.update_user(user.caller(), &user.id, version, input)
    }

    /// Edits the profile of the user with this id.
    pub fn update_user(
        &self,
        caller: As<'_>,
        id: &str,
        version: i64,
        input: Value,
    ) -> Result<GraphqlResponse> {
        let query = "mutation ($id: ID!, $version: Int!, $input: UpdateUserInput!) {
            updateUser(id: $id, version: $version, input: $input) {
                _id name email phone locale emailVerified phoneVerified version } }";
        let variables = json!({ "id": id, "version": version, "input": input });
        self.graphql(caller, query, variables)
    }
}

fn shared(user: &OnceLock<Result<User, String>>, register: impl FnOnce() -> Result<User>) -> Result<&User> {
    user.get_or_init(|| register().map_err(|error| format!("{error:#}")))
        .as_ref()
        .map_err(|error| anyhow!("a shared user is missing: {error}"))
}
