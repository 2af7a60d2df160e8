//! Hosts that the shop may call: the list of the operator in the first line, and a URL in the second one.

use mercato_ports::hosts::Hosts;

/// Checks a URL against a list.
pub fn run(data: &[u8]) {
    let Ok(text) = str::from_utf8(data) else {
        return;
    };
    let (list, url) = text.split_once('\n').unwrap_or((text, ""));
    let Ok(hosts) = Hosts::parse(list) else {
        return;
    };
    let Ok(uri) = hosts.check(url) else {
        return;
    };
    assert!(matches!(uri.scheme_str(), Some("http" | "https")), "{url}");
    let host = uri.host().unwrap_or_default().to_ascii_lowercase();
    let port = uri
        .port_u16()
        .unwrap_or(if uri.scheme_str() == Some("http") { 80 } else { 443 });
    let listed = list.split(',').map(|entry| entry.trim().to_ascii_lowercase());
    let is_listed = |entry: String| {
        let is_default = uri.scheme_str() == Some("https") && port == 443;
        entry == format!("{host}:{port}") || (is_default && entry == host)
    };
    assert!(
        !host.is_empty() && listed.into_iter().any(is_listed),
        "{url} is not in {list}"
    );
    assert!(
        !uri.authority()
            .is_some_and(|authority| authority.as_str().contains('@')),
        "{url}"
    );
}
