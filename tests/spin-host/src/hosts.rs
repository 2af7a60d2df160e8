//! `allowed_outbound_hosts`: the hosts that a component may connect to.

use wasmtime::{Result, bail, format_err};

/// A permission `scheme://host[:port]`. `*` matches everything, and `*.` before a host matches all its
/// subdomains.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AllowedHost {
    scheme: String,
    host: String,
    port: Port,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Port {
    Any,
    One(u16),
}

impl AllowedHost {
    /// Parses a permission.
    ///
    /// # Errors
    /// Fails if the text has another form.
    pub fn parse(text: &str) -> Result<Self> {
        let (scheme, rest) = text
            .split_once("://")
            .ok_or_else(|| format_err!("`{text}` must have a scheme"))?;
        let (host, port) = rest.rsplit_once(':').unwrap_or((rest, ""));
        if host.is_empty() || host.contains('/') {
            bail!("`{text}` must have the form scheme://host:port");
        }
        let port = match port {
            "*" => Port::Any,
            "" => Port::One(well_known(scheme).ok_or_else(|| format_err!("`{text}` must have a port"))?),
            port => Port::One(port.parse()?),
        };
        Ok(Self {
            scheme: scheme.to_owned(),
            host: host.to_owned(),
            port,
        })
    }

    /// Returns whether the permission allows a connection.
    pub fn allows(&self, scheme: &str, host: &str, port: Option<u16>) -> bool {
        let host = match self.host.strip_prefix('*') {
            Some(suffix) => host.ends_with(suffix),
            None => self.host == host,
        };
        let port = match self.port {
            Port::Any => true,
            Port::One(allowed) => port.or_else(|| well_known(scheme)) == Some(allowed),
        };
        (self.scheme == "*" || self.scheme == scheme) && host && port
    }
}

fn well_known(scheme: &str) -> Option<u16> {
    match scheme {
        "http" => Some(80),
        "https" => Some(443),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn allows_only_its_scheme_host_and_port() {
        let chained = AllowedHost::parse("http://orders-events.spin.internal").unwrap();
        assert!(chained.allows("http", "orders-events.spin.internal", None));
        assert!(!chained.allows("https", "orders-events.spin.internal", None));
        assert!(!chained.allows("http", "gateway.spin.internal", None));
        let mail = AllowedHost::parse("tcp://127.0.0.1:25").unwrap();
        assert!(mail.allows("tcp", "127.0.0.1", Some(25)));
        assert!(!mail.allows("tcp", "127.0.0.1", Some(26)));
        assert!(
            AllowedHost::parse("*://*:*")
                .unwrap()
                .allows("udp", "1.1.1.1", Some(1))
        );
        for wrong in ["*", "tcp://", "tcp://127.0.0.1", "http://a/b"] {
            assert!(AllowedHost::parse(wrong).is_err(), "{wrong}");
        }
    }
}
