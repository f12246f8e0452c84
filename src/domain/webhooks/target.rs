//! Where an endpoint is, and whether the shop may go there.

use std::net::IpAddr;

use url::Url;

use super::address::is_public;
use crate::config;

/// Longest address of an endpoint, in characters.
const MAX_URL: usize = 2_000;

/// What endpoints may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Guard {
    /// Without TLS.
    pub allow_http: bool,
    /// At addresses that are not public.
    pub allow_private: bool,
}

impl From<&config::Webhooks> for Guard {
    fn from(settings: &config::Webhooks) -> Self {
        Self { allow_http: settings.allow_http, allow_private: settings.allow_private }
    }
}

impl Guard {
    /// Whether the shop may connect to this address.
    #[must_use]
    pub fn allows(self, address: IpAddr) -> bool {
        self.allow_private || is_public(address)
    }

    /// The address of an endpoint. A name is not looked up: what it stands for is checked each time it is used.
    ///
    /// # Errors
    /// Why it will not do, as half a sentence.
    pub fn parse(self, text: &str) -> Result<Url, String> {
        if text.chars().count() > MAX_URL {
            return Err(format!("is longer than {MAX_URL} characters"));
        }
        let url = Url::parse(text).map_err(|error| format!("is no URL: {error}"))?;
        match url.scheme() {
            "https" => {}
            "http" if self.allow_http => {}
            "http" => return Err("must be https: webhooks.allow_http is off".to_owned()),
            _ => return Err("must be https".to_owned()),
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err("must hold no user name and no password: deliveries are signed".to_owned());
        }
        if url.fragment().is_some() {
            return Err("must have no fragment".to_owned());
        }
        if url.port() == Some(0) {
            return Err("must have a port other than 0".to_owned());
        }
        let host = host(&url).ok_or("must name a host")?;
        let is_private = match host.parse::<IpAddr>() {
            Ok(address) => !is_public(address),
            Err(_) => is_local_name(host),
        };
        if is_private && !self.allow_private {
            return Err("must be a public address: webhooks.allow_private is off".to_owned());
        }
        Ok(url)
    }
}

/// The host of a URL, an IPv6 address without its brackets. Every other spelling of an IPv4 address (`0x7f.1`, `2130706433`)
/// has become the usual one, as browsers have it.
pub fn host(url: &Url) -> Option<&str> {
    url.host_str().map(|host| host.trim_start_matches('[').trim_end_matches(']')).filter(|host| !host.is_empty())
}

/// Names that are never public (RFC 6761): this machine's own.
fn is_local_name(host: &str) -> bool {
    let host = host.trim_end_matches('.');
    host == "localhost" || host.ends_with(".localhost")
}

#[cfg(test)]
mod tests {
    use super::*;

    const STRICT: Guard = Guard { allow_http: false, allow_private: false };
    const LOOSE: Guard = Guard { allow_http: true, allow_private: true };

    #[test]
    fn public_https_is_what_is_wanted() {
        for url in [
            "https://example.org",
            "https://example.org:8443/hooks?shop=1",
            "https://bücher.example/",
            "https://8.8.8.8/",
            "https://[2606:4700:4700::1111]/",
        ] {
            assert!(STRICT.parse(url).is_ok(), "{url}: {:?}", STRICT.parse(url));
        }
    }

    #[test]
    fn every_spelling_of_a_private_address_is_refused() {
        for url in [
            "https://127.0.0.1/",
            "https://127.1/",
            "https://0x7f.0.0.1/",
            "https://0177.0.0.1/",
            "https://2130706433/",
            "https://0/",
            "https://10.0.0.1:8443/",
            "https://169.254.169.254/latest/meta-data",
            "https://１２７.0.0.1/",
            "https://[::1]/",
            "https://[::ffff:127.0.0.1]/",
            "https://[::ffff:a00:1]/",
            "https://[64:ff9b::7f00:1]/",
            "https://[fd00::1]/",
            "https://localhost/",
            "https://LOCALHOST./",
            "https://shop.localhost/",
        ] {
            let error = STRICT.parse(url).unwrap_err();
            assert!(error.contains("public"), "{url}: {error}");
            assert!(LOOSE.parse(url).is_ok(), "{url}: {:?}", LOOSE.parse(url));
        }
    }

    #[test]
    fn what_is_no_endpoint_is_refused_by_everybody() {
        for url in [
            "",
            "example.org",
            "//example.org",
            "ftp://example.org",
            "file:///etc/passwd",
            "https://",
            "https://user@example.org",
            "https://user:password@example.org",
            "https://example.org/#part",
            "https://example.org:0/",
            "https://example.org:99999/",
            "https://exa mple.org/",
            &format!("https://example.org/{}", "x".repeat(2_000)),
        ] {
            assert!(LOOSE.parse(url).is_err(), "{url} is accepted");
        }
        assert!(STRICT.parse("http://example.org").is_err() && LOOSE.parse("http://example.org").is_ok());
    }
}
