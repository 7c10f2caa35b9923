//! Keeps calls to URLs that users give on the public internet.

use notify_core::provider::Fault;
use reqwest::Url;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use std::error::Error;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

/// Where calls to URLs that users give may go: to `https://` on port 443 of public addresses, and nowhere else.
///
/// The addresses that a name resolves to are checked when the connection is opened, and it is opened to just these: a name that
/// changes in between changes nothing. A name with one forbidden address among its addresses is refused whole. Redirects are
/// never followed, and there is no proxy that could resolve the name again.
///
/// ```
/// use notify_providers::http::Guard;
///
/// let guard = Guard::new().allow_port(8443);
/// ```
#[derive(Clone)]
#[must_use]
pub struct Guard {
    ports: Vec<u16>,
    loopback: bool,
    lookup: Arc<dyn Resolve>,
}

impl Guard {
    /// Port 443 of public addresses.
    pub fn new() -> Self {
        Self {
            ports: vec![443],
            loopback: false,
            lookup: Arc::new(System),
        }
    }

    /// One more port.
    pub fn allow_port(mut self, port: u16) -> Self {
        self.ports.push(port);
        self
    }

    /// Also this host, by any port and without TLS: for tests.
    pub const fn allow_loopback(mut self) -> Self {
        self.loopback = true;
        self
    }

    /// Whether a call may go there, as far as the URL says.
    pub(super) fn check(&self, url: &Url) -> Result<(), Fault> {
        let forbidden = || Err(Fault::request("url_forbidden"));
        let Some(host) = url.host_str() else {
            return forbidden();
        };
        if !url.username().is_empty() || url.password().is_some() {
            return forbidden();
        }
        if self.loopback && is_loopback(host) && matches!(url.scheme(), "http" | "https") {
            return Ok(());
        }
        let port = url.port_or_known_default();
        if url.scheme() != "https" || !port.is_some_and(|port| self.ports.contains(&port)) {
            return forbidden();
        }
        // The client does not ask the resolver about these.
        match literal(host) {
            Some(address) if !is_public(address) => forbidden(),
            _ => Ok(()),
        }
    }

    /// A resolver that gives out what is allowed.
    pub(super) fn resolver(&self) -> Arc<Guarded> {
        Arc::new(Guarded(self.clone()))
    }

    fn allows(&self, address: IpAddr) -> bool {
        is_public(address) || (self.loopback && address.is_loopback())
    }
}

impl Default for Guard {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Guard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Guard")
            .field("ports", &self.ports)
            .field("loopback", &self.loopback)
            .finish_non_exhaustive()
    }
}

/// A name that leads to where no call may go. Does not say where: that is nobody's business who gives URLs.
#[derive(Debug)]
pub(super) struct Forbidden;

impl Forbidden {
    pub(super) const fn code(&self) -> &'static str {
        "address_forbidden"
    }
}

impl fmt::Display for Forbidden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name leads to an address that is not public")
    }
}

impl Error for Forbidden {}

/// Resolves names for a guarded client.
pub(super) struct Guarded(Guard);

impl Resolve for Guarded {
    fn resolve(&self, name: Name) -> Resolving {
        let guard = self.0.clone();
        let lookup = guard.lookup.resolve(name);
        Box::pin(async move {
            let addresses: Vec<SocketAddr> = lookup.await?.collect();
            if !addresses.iter().all(|address| guard.allows(address.ip())) {
                return Err(Forbidden.into());
            }
            let addresses: Addrs = Box::new(addresses.into_iter());
            Ok(addresses)
        })
    }
}

/// The host's resolver.
struct System;

impl Resolve for System {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let addresses: Addrs = Box::new(found.collect::<Vec<_>>().into_iter());
            Ok(addresses)
        })
    }
}

/// The address that a host is, if it is one. `Url` has already read forms such as `0x7f.1`.
fn literal(host: &str) -> Option<IpAddr> {
    let host = host.trim_start_matches('[').trim_end_matches(']');
    host.parse().ok()
}

/// Whether a host is this one, by its name or address.
pub(super) fn is_loopback(host: &str) -> bool {
    host.eq_ignore_ascii_case("localhost")
        || literal(host).is_some_and(|address| address.is_loopback())
}

/// Whether an address is globally reachable by the registries of special addresses (RFC 6890 and its successors at IANA).
fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let special = match address.octets() {
        // This network, private, this host, link-local, private, private.
        [0 | 10 | 127, ..] | [169, 254, ..] | [192, 168, ..] => true,
        [172, second, ..] => (16..=31).contains(&second),
        // Carriers' own (RFC 6598).
        [100, second, ..] => (64..=127).contains(&second),
        // Protocols, examples, relays of 6to4.
        [192, 0, 0 | 2, _] | [192, 88, 99, _] | [198, 51, 100, _] | [203, 0, 113, _] => true,
        // Measurements (RFC 2544).
        [198, second, ..] => (18..=19).contains(&second),
        // Multicast, reserved, broadcast.
        [first, ..] => first >= 224,
    };
    !special
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    let segments = address.segments();
    if let Some(mapped) = address.to_ipv4_mapped() {
        return is_public_v4(mapped);
    }
    // An IPv4 address as hosts without IPv4 reach it (RFC 6052).
    if segments[..6] == [0x64, 0xff9b, 0, 0, 0, 0] {
        let [.., a, b, c, d] = address.octets();
        return is_public_v4(Ipv4Addr::new(a, b, c, d));
    }
    // Everything global is in 2000::/3; of it, protocols, examples and 6to4 (which holds any IPv4 address) are not.
    let is_global = segments[0] & 0xe000 == 0x2000;
    let special = match segments {
        [0x2001, second, ..] => second < 0x200 || second == 0xdb8,
        [0x2002, ..] => true,
        [0x3fff, second, ..] => second < 0x1000,
        _ => false,
    };
    is_global && !special
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn special_addresses_are_not_public() {
        for special in [
            "0.0.0.0",
            "0.1.2.3",
            "10.0.0.1",
            "100.64.0.1",
            "100.127.255.255",
            "127.0.0.1",
            "127.255.255.254",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.1",
            "192.0.2.1",
            "192.88.99.1",
            "192.168.1.1",
            "198.18.0.1",
            "198.19.255.255",
            "198.51.100.1",
            "203.0.113.1",
            "224.0.0.1",
            "239.1.1.1",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "::7f00:1",
            "64:ff9b::7f00:1",
            "64:ff9b::a00:1",
            "64:ff9b:1::1",
            "100::1",
            "fc00::1",
            "fd12::1",
            "fe80::1",
            "fec0::1",
            "ff02::1",
            "2001::1",
            "2001:1ff::1",
            "2001:db8::1",
            "2002:7f00:1::1",
            "3fff::1",
            "5f00::1",
            "4000::1",
        ] {
            assert!(!is_public(special.parse().expect(special)), "{special}");
        }
        for public in [
            "1.1.1.1",
            "100.63.255.255",
            "100.128.0.1",
            "172.15.0.1",
            "172.32.0.1",
            "192.0.1.1",
            "192.167.1.1",
            "198.17.0.1",
            "198.20.0.1",
            "223.255.255.255",
            "::ffff:1.1.1.1",
            "64:ff9b::101:101",
            "2001:200::1",
            "2606:4700:4700::1111",
            "2a00:1450:4001::1",
            "3ffe::1",
        ] {
            assert!(is_public(public.parse().expect(public)), "{public}");
        }
    }

    #[test]
    fn a_url_is_forbidden_by_what_it_says() {
        let check = |guard: &Guard, url: &str| guard.check(&Url::parse(url).expect(url));
        let guard = Guard::new().allow_port(8443);
        for fine in [
            "https://push.example.com/x",
            "https://push.example.com:8443/x",
            "https://1.1.1.1/",
            "https://[2606:4700:4700::1111]/",
        ] {
            assert_eq!(check(&guard, fine), Ok(()), "{fine}");
        }
        for bad in [
            "http://push.example.com/x",
            "https://push.example.com:22/x",
            "https://user@push.example.com/x",
            "https://:secret@push.example.com/x",
            "https://127.0.0.1/",
            "https://2130706433/",
            "https://0x7f.1/",
            "https://0177.0.0.1/",
            "https://127.1/",
            "https://[::1]/",
            "https://[::ffff:169.254.169.254]/",
            "https://169.254.169.254/latest/meta-data",
            "ftp://push.example.com/",
            "file:///etc/passwd",
            "data:text/plain,x",
        ] {
            let fault = Fault::request("url_forbidden");
            assert_eq!(check(&guard, bad), Err(fault), "{bad}");
        }
        assert!(check(&guard, "http://localhost:8080/").is_err());
        let local = Guard::new().allow_loopback();
        assert_eq!(check(&local, "http://localhost:8080/"), Ok(()));
        assert_eq!(check(&local, "https://127.0.0.1:8080/"), Ok(()));
        assert!(check(&local, "http://10.0.0.1:8080/").is_err());
    }

    /// A resolver that says what it is told.
    struct Told(Vec<IpAddr>);

    impl Resolve for Told {
        fn resolve(&self, _: Name) -> Resolving {
            let addresses: Vec<_> = self.0.iter().map(|ip| SocketAddr::new(*ip, 0)).collect();
            Box::pin(async move {
                let addresses: Addrs = Box::new(addresses.into_iter());
                Ok(addresses)
            })
        }
    }

    async fn resolved(guard: Guard, told: &[&str]) -> Result<usize, String> {
        let told = told.iter().map(|ip| ip.parse().expect("an address"));
        let guard = Guard {
            lookup: Arc::new(Told(told.collect())),
            ..guard
        };
        let name = "push.example.com".parse().expect("a name");
        let found = guard.resolver().resolve(name).await;
        found
            .map(Iterator::count)
            .map_err(|error| error.to_string())
    }

    #[tokio::test]
    async fn one_forbidden_address_forbids_the_name() {
        assert_eq!(
            resolved(Guard::new(), &["1.1.1.1", "2606:4700::1"]).await,
            Ok(2)
        );
        for bad in [
            &["127.0.0.1"][..],
            &["1.1.1.1", "10.0.0.1"],
            &["1.1.1.1", "::1"],
        ] {
            let found = resolved(Guard::new(), bad).await;
            assert_eq!(found, Err(Forbidden.to_string()), "{bad:?}");
        }
        let local = Guard::new().allow_loopback();
        assert_eq!(resolved(local.clone(), &["127.0.0.1"]).await, Ok(1));
        assert!(resolved(local, &["10.0.0.1"]).await.is_err());
    }

    #[tokio::test]
    async fn a_call_to_a_name_with_a_forbidden_address_is_the_requests_fault() {
        use crate::http::{Call, HttpClient};
        let guard = Guard {
            lookup: Arc::new(Told(vec![IpAddr::V4(Ipv4Addr::LOCALHOST)])),
            ..Guard::new()
        };
        let client = HttpClient::builder("https://push.example.com").guard(guard);
        let client = client.build().expect("builds");
        let call = Call::post_url("https://push.example.com/x");
        let fault = client.fetch(call, std::time::Duration::from_secs(5)).await;
        assert_eq!(
            fault.expect_err("refused"),
            Fault::request("address_forbidden")
        );
    }
}
