//! Whom a request is meant for.
//!
//! A server without credentials serves whoever reaches the loopback interface. So does a browser, for
//! a page of anybody whose name leads there, and the page may read what comes from its own name. So
//! the name must be one that nobody else can have.

use std::net::IpAddr;

use hyper::Request;
use hyper::header::HOST;
use hyper::http::uri::Authority;

/// The host that a request is for, if it is not this machine by its own names: `localhost`, or an
/// address of the loopback interface. A request that names none comes from no browser.
pub(crate) fn foreign<B>(request: &Request<B>) -> Option<String> {
    let named = match request.uri().authority() {
        Some(authority) => authority.as_str().as_bytes(),
        None => request.headers().get(HOST)?.as_bytes(),
    };
    (!is_local(named)).then(|| String::from_utf8_lossy(named).into_owned())
}

fn is_local(named: &[u8]) -> bool {
    let Ok(authority) = Authority::try_from(named) else {
        return false;
    };
    let host = authority.host();
    let address = host.trim_start_matches('[').trim_end_matches(']');
    let is_loopback = |address: IpAddr| address.is_loopback();
    host.eq_ignore_ascii_case("localhost") || address.parse().is_ok_and(is_loopback)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machine_is_meant_by_its_own_names() {
        for local in [
            "localhost",
            "LocalHost:8042",
            "127.0.0.1",
            "127.0.0.1:1",
            "127.0.0.2:8042",
            "[::1]",
            "[::1]:8042",
        ] {
            assert!(is_local(local.as_bytes()), "{local}");
        }
        for other in [
            "",
            "x",
            "evil.example:8042",
            "localhost.evil.example",
            "127.0.0.1.evil.example",
            "127.1",
            "10.0.0.1:8042",
            "[::2]",
            "localhost@evil.example",
            "\u{e9}",
        ] {
            assert!(!is_local(other.as_bytes()), "{other}");
        }
    }

    #[test]
    fn the_host_is_that_of_the_address_if_there_is_one() {
        let request = |uri: &str, host: Option<&str>| {
            let mut request = Request::builder().uri(uri);
            if let Some(host) = host {
                request = request.header(HOST, host);
            }
            foreign(&request.body(()).unwrap())
        };
        assert_eq!(request("/", None), None);
        assert_eq!(request("/", Some("localhost")), None);
        assert_eq!(request("/", Some("evil:80")), Some("evil:80".into()));
        let evil = request("http://evil/", Some("localhost"));
        assert_eq!(evil, Some("evil".into()));
    }
}
