//! The connection to MongoDB.

use std::time::Duration;

use mongodb::Client;
use mongodb::bson::doc;
use mongodb::options::{ClientOptions, ReadConcern, ReadPreference, SelectionCriteria, WriteConcern};

use crate::error::OpenError;

/// How long to wait for a primary, unless the address sets it: longer than an election in a healthy replica
/// set.
const SELECTION_TIMEOUT: Duration = Duration::from_secs(4);

/// How long to wait for a new connection, unless the address sets it.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);

/// The maximum number of connections, unless the address sets it.
const POOL_SIZE: u32 = 100;

/// The maximum length of a database's name.
const MAX_DATABASE: usize = 63;

/// The maximum length of the prefix of a database's name.
const MAX_PREFIX: usize = 24;

/// Connects, and checks that the server is a replica set.
pub(crate) async fn client(url: &str) -> Result<Client, OpenError> {
    // The driver's error may quote the address with its password, so it is not shown.
    let mut options = ClientOptions::parse(url).await.map_err(|_| OpenError::Address)?;
    options.app_name.get_or_insert_with(|| "mercato".into());
    options.server_selection_timeout.get_or_insert(SELECTION_TIMEOUT);
    options.connect_timeout.get_or_insert(CONNECT_TIMEOUT);
    options.max_pool_size.get_or_insert(POOL_SIZE);
    options.max_connecting.get_or_insert(8);
    options.retry_writes = Some(true);
    options.read_concern = Some(ReadConcern::majority());
    options.write_concern = Some(WriteConcern::majority());
    options.selection_criteria = Some(SelectionCriteria::ReadPreference(ReadPreference::Primary));
    let hosts = options
        .hosts
        .iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(",");
    let unreachable = |error: mongodb::error::Error| OpenError::Unreachable {
        hosts: hosts.clone(),
        reason: error.to_string(),
    };
    let client = Client::with_options(options).map_err(unreachable)?;
    let hello = client
        .database("admin")
        .run_command(doc! { "hello": 1 })
        .await
        .map_err(unreachable)?;
    let is_sharded = hello.get_str("msg").is_ok_and(|message| message == "isdbgrid");
    if !hello.contains_key("setName") && !is_sharded {
        return Err(OpenError::NoReplicaSet { hosts });
    }
    Ok(client)
}

pub(crate) fn check_prefix(prefix: &str) -> Result<(), OpenError> {
    let allowed = |char: char| char.is_ascii_lowercase() || char.is_ascii_digit() || "-_".contains(char);
    if prefix.len() <= MAX_PREFIX && prefix.chars().all(allowed) {
        Ok(())
    } else {
        Err(OpenError::Prefix(prefix.to_owned()))
    }
}

/// Rejects the name of a service that cannot be part of a database's name.
pub(crate) fn check_service(service: &str) -> Result<(), String> {
    let max = MAX_DATABASE - MAX_PREFIX;
    let allowed = |char: char| char.is_ascii_lowercase() || char.is_ascii_digit() || char == '-';
    if !service.is_empty() && service.len() <= max && service.chars().all(allowed) {
        Ok(())
    } else {
        Err(format!(
            "its name must have 1 to {max} lower-case letters, digits and hyphens, as it names a database"
        ))
    }
}
