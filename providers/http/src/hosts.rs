//! The hosts that requests may go to.

use std::collections::BTreeSet;

use http::Uri;
use http::uri::Scheme;

/// The port of HTTPS.
const HTTPS: u16 = 443;

/// Hosts with their ports. One that is written without a port is reached by HTTPS at 443 only; with its port, by HTTP as well.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hosts {
    /// As they are written, in lower case.
    written: BTreeSet<String>,
}

impl Hosts {
    /// The hosts of a list with commas.
    pub fn parse(list: &str) -> Result<Self, String> {
        let mut written = BTreeSet::new();
        for host in list.split(',').map(str::trim).filter(|host| !host.is_empty()) {
            let uri: Uri = format!("https://{host}").parse().map_err(|_| unreadable(host))?;
            let plain = uri.authority().is_some_and(|authority| {
                let named = authority.host() == host || authority.port_u16().is_some();
                named && authority.as_str() == host && !host.contains('@')
            });
            if !plain {
                return Err(unreadable(host));
            }
            written.insert(host.to_ascii_lowercase());
        }
        Ok(Self { written })
    }

    /// Passes an absolute URL to one of the hosts.
    pub fn check(&self, url: &str) -> Result<Uri, String> {
        let uri: Uri = url.parse().map_err(|_| "the URL can't be read".to_owned())?;
        let (Some(scheme), Some(authority)) = (uri.scheme(), uri.authority()) else {
            return Err("the URL is not absolute".into());
        };
        if authority.as_str().contains('@') {
            return Err("the URL holds a user".into());
        }
        let host = authority.host().to_ascii_lowercase();
        let secure = *scheme == Scheme::HTTPS;
        let port = match authority.port_u16() {
            Some(port) => port,
            None if authority.as_str() != authority.host() => return Err("the URL's port is none".into()),
            None if secure => HTTPS,
            None => 80,
        };
        let allowed = self.written.contains(&format!("{host}:{port}"))
            || (secure && port == HTTPS && self.written.contains(&host));
        if allowed {
            Ok(uri)
        } else {
            Err(format!(
                "{host}:{port} is not among the hosts that may be called: add it to HTTP_CLIENT_HOSTS"
            ))
        }
    }
}

fn unreadable(host: &str) -> String {
    format!(
        "`{host}` is no host: write `api.example.com` or `127.0.0.1:8080`, several with commas between them"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_listed_hosts_are_passed() {
        let hosts = Hosts::parse("api.example.com, 127.0.0.1:8420,").unwrap();
        for url in [
            "https://api.example.com/v1/x?y",
            "https://API.example.com:443/",
            "http://127.0.0.1:8420/v1",
            "https://127.0.0.1:8420/v1",
        ] {
            assert!(hosts.check(url).is_ok(), "{url}");
        }
        for url in [
            "http://api.example.com/",
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
    fn what_is_no_host_is_refused() {
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
