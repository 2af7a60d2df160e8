//! The address of a mail server, and how its connection is encrypted.

use std::net::IpAddr;

/// A mail server's address as lettre takes it: with the TLS that is wanted of the server.
///
/// # Errors
/// A sentence that does not repeat the address, as it may hold a password.
pub(crate) fn with_tls(url: &str) -> Result<String, String> {
    let known = "the address of the mail server can't be read: use `smtp://host:port`, \
                 `smtp://user:password@host:port`, or `smtps://` with TLS from the start";
    let (scheme, rest) = url.split_once("://").ok_or(known)?;
    let (server, query) = rest.split_once('?').unwrap_or((rest, ""));
    let (user, host) = split(server);
    if host.is_empty() || !["smtp", "smtps"].contains(&scheme) {
        return Err(known.into());
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

/// The server's `host:port`, to be shown.
pub(crate) fn shown(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let server = rest.split_once('?').map_or(rest, |(server, _)| server);
    let (_, host) = split(server);
    host
}

/// User and password, where there are some, and `host:port`.
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
    fn a_password_goes_only_where_it_is_encrypted_or_stays_on_the_machine() {
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
    fn what_is_asked_for_is_left_as_it_is() {
        for url in [
            "smtps://me:secret@mail.example.com",
            "smtp://mail.example.com?tls=required",
        ] {
            assert_eq!(with_tls(url).as_deref(), Ok(url));
        }
    }

    #[test]
    fn an_address_that_cannot_be_read_is_not_repeated() {
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
    fn what_is_shown_has_no_password() {
        assert_eq!(
            shown("smtp://me:sec@ret@mail.example.com:587/name?tls=required"),
            "mail.example.com:587"
        );
    }
}
