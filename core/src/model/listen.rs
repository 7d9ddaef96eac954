//! Where a program listens unless it is told otherwise.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// Every address of this computer, of both families. `0.0.0.0` is every address of IPv4 alone.
pub const fn everywhere(port: u16) -> SocketAddr {
    SocketAddr::new(IpAddr::V6(Ipv6Addr::UNSPECIFIED), port)
}

/// Where nobody but this computer comes from.
pub const fn this_computer(port: u16) -> SocketAddr {
    SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port)
}

/// What a settings file means. Versions that listened by IPv4 alone wrote their default, `0.0.0.0` with the usual port,
/// into every file, where nobody had chosen it: it is today's default.
pub fn as_meant(written: SocketAddr, usual_port: u16) -> SocketAddr {
    let is_old_default = written == SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), usual_port);
    if is_old_default { everywhere(usual_port) } else { written }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_old_default_is_another_one_today() {
        for (written, meant) in [
            ("0.0.0.0:7686", "[::]:7686"),
            ("0.0.0.0:7687", "0.0.0.0:7687"),
            ("127.0.0.1:7686", "127.0.0.1:7686"),
            ("[::]:7686", "[::]:7686"),
        ] {
            assert_eq!(as_meant(written.parse().expect(written), 7686).to_string(), meant, "{written}");
        }
    }
}
