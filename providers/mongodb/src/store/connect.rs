//! The connection to MongoDB.

use std::time::Duration;

use mongodb::Client;
use mongodb::bson::doc;
use mongodb::options::{ClientOptions, ReadConcern, ReadPreference, SelectionCriteria, WriteConcern};

use crate::error::OpenError;

/// How long to look for a primary, unless the address says otherwise: longer than an election of a healthy set takes.
const SELECTION: Duration = Duration::from_secs(4);

/// How long to wait for a new connection, unless the address says otherwise.
const CONNECT: Duration = Duration::from_secs(2);

/// The most connections, unless the address says otherwise.
const POOL: u32 = 100;

/// The longest name of a database.
const DATABASE: usize = 63;

/// The longest prefix of the databases' names.
const PREFIX: usize = 24;

/// Connects, and makes sure that the server can do what is asked of it later.
pub(crate) async fn client(url: &str) -> Result<Client, OpenError> {
    // The driver's error may quote the address.
    let mut options = ClientOptions::parse(url).await.map_err(|_| OpenError::Address)?;
    options.app_name.get_or_insert_with(|| "mercato".into());
    options.server_selection_timeout.get_or_insert(SELECTION);
    options.connect_timeout.get_or_insert(CONNECT);
    options.max_pool_size.get_or_insert(POOL);
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
    let fits = |char: char| char.is_ascii_lowercase() || char.is_ascii_digit() || "-_".contains(char);
    if prefix.len() <= PREFIX && prefix.chars().all(fits) {
        Ok(())
    } else {
        Err(OpenError::Prefix(prefix.to_owned()))
    }
}

/// Whether a service's name fits into that of its database.
pub(crate) fn check_service(service: &str) -> Result<(), String> {
    let most = DATABASE - PREFIX;
    let fits = |char: char| char.is_ascii_lowercase() || char.is_ascii_digit() || char == '-';
    if !service.is_empty() && service.len() <= most && service.chars().all(fits) {
        Ok(())
    } else {
        Err(format!(
            "its name is to have at most {most} lower-case letters, digits and hyphens, because it names a database"
        ))
    }
}
