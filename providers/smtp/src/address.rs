//! The address of a mail server, and the encryption of its connection.

use std::net::IpAddr;

/// Adds the required TLS mode to the address of a mail server, in the form that lettre reads.
///
/// # Errors
/// If the address is malformed. The message does not show it, because it may contain a password.
pub(crate) fn with_tls(url: &str) -> Result<String, String> {
    let malformed = "the address of the mail server is malformed: write `smtp://host:port`, \
                     `smtp://user:password@host:port`, or `smtps://` for TLS from the start";
    let (scheme, rest) = url.split_once("://").ok_or(malformed)?;
    let (server, query) = rest.split_once('?').unwrap_or((rest, ""));
    let (user, host) = split(server);
    if host.is_empty() || !["smtp", "smtps"].contains(&scheme) {
        return Err(malformed.into());
    }
    if scheme == "smtps" || !query.is_empty() {
        return Ok(url.into());
    }
    let tls = if user.is_some() && !is_loopback(host) {
        "required"
    } else {
        "opportunistic"
    };
    Ok(format!("{scheme}://{server}?tls={tls}"))
}

/// Returns the `host:port` of an address, without user and password.
pub(crate) fn host_and_port(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let server = rest.split_once('?').map_or(rest, |(server, _)| server);
    let (_, host) = split(server);
    host
}

/// Splits the user and password, if any, from `host:port`.
fn split(server: &str) -> (Option<&str>, &str) {
    let (user, host) = match server.rsplit_once('@') {
        Some((user, host)) => (Some(user), host),
        None => (None, server),
    };
    (user, host.split_once('/').map_or(host, |(host, _)| host))
}

fn is_loopback(host: &str) -> bool {
    let host = match host.rsplit_once(':') {
        Some((host, port)) if port.chars().all(|char| char.is_ascii_digit()) => host,
        _ => host,
    };
    let host = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_requires_tls_unless_the_server_is_local() {
        let tls = |url: &str| with_tls(url).unwrap().split_once("?tls=").unwrap().1.to_owned();
        assert_eq!(tls("smtp://me:secret@mail.example.com:587"), "required");
        assert_eq!(tls("smtp://mail.example.com:25"), "opportunistic");
        for local in ["127.0.0.1:25", "localhost", "[::1]:25", "127.0.0.2"] {
            assert_eq!(
                tls(&format!("smtp://me:secret@{local}")),
                "opportunistic",
                "{local}"
            );
        }
    }

    #[test]
    fn does_not_change_an_explicit_tls_mode() {
        for url in [
            "smtps://me:secret@mail.example.com",
            "smtp://mail.example.com?tls=required",
        ] {
            assert_eq!(with_tls(url).as_deref(), Ok(url));
        }
    }

    #[test]
    fn does_not_show_a_malformed_address() {
        for url in [
            "",
            "me:secret@host",
            "http://me:secret@host",
            "smtp://",
            "smtp://me:secret@",
        ] {
            assert!(!with_tls(url).unwrap_err().contains("secret"), "{url}");
        }
    }

    #[test]
    fn shows_an_address_without_its_password() {
        assert_eq!(
            host_and_port("smtp://me:sec@ret@mail.example.com:587/name?tls=required"),
            "mail.example.com:587"
        );
    }
}
