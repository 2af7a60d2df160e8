//! The hosts that the shop may call, as the operator lists them in `HTTP_CLIENT_HOSTS`.

use std::collections::BTreeSet;

use http::Uri;
use http::uri::Scheme;

/// The port of HTTPS.
const HTTPS: u16 = 443;

/// The allowed hosts. A host without a port is allowed by HTTPS at port 443 only. A host with a port is
/// allowed at that port, also by HTTP.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hosts {
    /// `host` or `host:port`, in lower case.
    entries: BTreeSet<String>,
}

impl Hosts {
    /// Parses a list of hosts, separated by commas.
    ///
    /// # Errors
    /// The form of a host that is malformed.
    pub fn parse(list: &str) -> Result<Self, String> {
        let mut entries = BTreeSet::new();
        for host in list.split(',').map(str::trim).filter(|host| !host.is_empty()) {
            let uri: Uri = format!("https://{host}").parse().map_err(|_| malformed(host))?;
            let is_host = uri.authority().is_some_and(|authority| {
                let has_valid_port = authority.host() == host || authority.port_u16().is_some();
                has_valid_port && authority.as_str() == host && !host.contains('@')
            });
            if !is_host {
                return Err(malformed(host));
            }
            entries.insert(host.to_ascii_lowercase());
        }
        Ok(Self { entries })
    }

    /// Parses an absolute URL, and rejects it if its host is not allowed.
    ///
    /// # Errors
    /// What is wrong with the URL, or the host to add to the setting.
    pub fn check(&self, url: &str) -> Result<Uri, String> {
        let uri: Uri = url.parse().map_err(|_| "the URL is malformed".to_owned())?;
        let (Some(scheme), Some(authority)) = (uri.scheme(), uri.authority()) else {
            return Err("the URL is not absolute".into());
        };
        if *scheme != Scheme::HTTPS && *scheme != Scheme::HTTP {
            return Err("the URL must begin with https:// or http://".into());
        }
        if authority.as_str().contains('@') {
            return Err("the URL must not have a user name".into());
        }
        let host = authority.host().to_ascii_lowercase();
        let secure = *scheme == Scheme::HTTPS;
        let port = match authority.port_u16() {
            Some(port) => port,
            None if authority.as_str() != authority.host() => {
                return Err("the port of the URL is invalid".into());
            }
            None if secure => HTTPS,
            None => 80,
        };
        let allowed = self.entries.contains(&format!("{host}:{port}"))
            || (secure && port == HTTPS && self.entries.contains(&host));
        if allowed {
            Ok(uri)
        } else {
            Err(format!(
                "requests to {host}:{port} are not allowed: add it to HTTP_CLIENT_HOSTS"
            ))
        }
    }
}

fn malformed(host: &str) -> String {
    format!(
        "`{host}` is not a host: write `api.example.com` or `127.0.0.1:8080`, and separate several by commas"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn allows_only_listed_hosts() {
        let hosts = Hosts::parse("api.example.com, 127.0.0.1:8420,").unwrap();
        for url in [
            "https://api.example.com/v1/x?y",
            "https://API.example.com:443/",
            "http://127.0.0.1:8420/v1",
            "https://127.0.0.1:8420/v1",
            "HTTP://127.0.0.1:8420/v1",
        ] {
            assert!(hosts.check(url).is_ok(), "{url}");
        }
        for url in [
            "http://api.example.com/",
            "ftp://127.0.0.1:8420/",
            "httpss://127.0.0.1:8420/",
            "https://api.example.com:8443/",
            "http://api.example.com:443@evil.example/",
            "https://user@api.example.com/",
            "https://api.example.com.evil.example/",
            "https://api.example.com./",
            "https://api.example.com:/",
            "https://api.example.com:65979/",
            "https://api.example.com\\@evil.example/",
            "https://evil.example\\.api.example.com/",
            "https://evil.example#@api.example.com/",
            "https://evil.example/@api.example.com/",
            "https://evil.example?@api.example.com/",
            "https://[::ffff:127.0.0.1]:8420/",
            "http://[::1]:8420/",
            "http://localhost:8420/",
            "http://2130706433:8420/",
            "http://0x7f000001:8420/",
            "http://127.1:8420/",
            "http://127.0.0.1:08421/",
            "http://169.254.169.254/latest/meta-data",
            "https://evil.example/",
            "http://127.0.0.1/",
            "http://127.0.0.1:84201/",
            "/v1",
            "",
            "https://",
        ] {
            assert!(hosts.check(url).is_err(), "{url}");
        }
        assert!(Hosts::default().check("https://api.example.com/").is_err());
    }

    #[test]
    fn rejects_a_malformed_host() {
        for list in [
            "https://api.example.com",
            "a b",
            "a/b",
            "user@host",
            "host:x",
            "host:",
        ] {
            assert!(Hosts::parse(list).is_err(), "{list}");
        }
    }
}
