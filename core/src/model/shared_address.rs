//! Addresses that are neither somebody's own network nor the Internet.

use std::net::Ipv4Addr;

/// Whether an address is between a provider and its customers: 100.64.0.0/10, shared address space (RFC 6598), used by
/// overlay networks too.
pub fn is_carrier_grade(ip: Ipv4Addr) -> bool {
    let [a, b, ..] = ip.octets();
    a == 100 && b & 0xc0 == 64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn from_64_to_127() {
        for (ip, is_shared) in [
            ("100.63.255.255", false),
            ("100.64.0.0", true),
            ("100.127.255.255", true),
            ("100.128.0.0", false),
            ("10.64.0.1", false),
        ] {
            assert_eq!(is_carrier_grade(ip.parse().expect(ip)), is_shared, "{ip}");
        }
    }
}
