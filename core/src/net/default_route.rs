//! The routers of this computer's default routes, as Linux tells them in `/proc/net`. Others are asked in their own ways.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The route is in use, and leads to a router (`RTF_UP`, `RTF_GATEWAY` of `linux/route.h`).
const IN_USE_BY_ROUTER: u32 = 3;

/// A router, and the name of the network card before it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct DefaultRoute {
    pub(super) router: IpAddr,
    pub(super) card: String,
}

/// The default route by IPv4.
pub(super) fn ipv4() -> Option<DefaultRoute> {
    of_ipv4(&std::fs::read_to_string("/proc/net/route").ok()?)
}

/// The default route by IPv6.
pub(super) fn ipv6() -> Option<DefaultRoute> {
    of_ipv6(&std::fs::read_to_string("/proc/net/ipv6_route").ok()?)
}

/// Columns: card, destination, router, flags, two counters, metric, mask. Addresses are numbers of this processor.
fn of_ipv4(table: &str) -> Option<DefaultRoute> {
    let routes = table.lines().filter_map(|line| {
        let columns: Vec<&str> = line.split_whitespace().collect();
        let &[card, destination, router, flags, _, _, metric, mask, ..] = columns.as_slice() else { return None };
        let is_default = hex(destination)? == 0 && hex(mask)? == 0;
        let router = Ipv4Addr::from(hex(router)?.to_ne_bytes());
        let metric: u32 = metric.parse().ok()?;
        (is_default && is_by_router(flags)?)
            .then(|| (metric, DefaultRoute { router: router.into(), card: card.into() }))
    });
    first(routes)
}

/// Columns: destination and its length, source and its length, router, metric, two counters, flags, card.
fn of_ipv6(table: &str) -> Option<DefaultRoute> {
    let routes = table.lines().filter_map(|line| {
        let columns: Vec<&str> = line.split_whitespace().collect();
        let &[destination, bits, _, source_bits, router, metric, _, _, flags, card] = columns.as_slice() else {
            return None;
        };
        let is_default = u128::from_str_radix(destination, 16) == Ok(0) && hex(bits)? == 0 && hex(source_bits)? == 0;
        let router = Ipv6Addr::from_bits(u128::from_str_radix(router, 16).ok()?);
        let metric = hex(metric)?;
        (is_default && is_by_router(flags)?)
            .then(|| (metric, DefaultRoute { router: router.into(), card: card.into() }))
    });
    first(routes)
}

/// Of several the system takes the one with the least metric.
fn first(routes: impl Iterator<Item = (u32, DefaultRoute)>) -> Option<DefaultRoute> {
    routes.min_by_key(|(metric, _)| *metric).map(|(_, route)| route)
}

fn hex(digits: &str) -> Option<u32> {
    u32::from_str_radix(digits, 16).ok()
}

fn is_by_router(flags: &str) -> Option<bool> {
    Some(hex(flags)? & IN_USE_BY_ROUTER == IN_USE_BY_ROUTER)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(target_endian = "little")]
    fn the_router_with_the_least_metric_is_taken() {
        let table = "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT
wlan0\t00000000\t0101A8C0\t0003\t0\t0\t600\t00000000\t0\t0\t0
eth0\t00000000\t010200C0\t0003\t0\t0\t100\t00000000\t0\t0\t0
eth0\t000200C0\t00000000\t0001\t0\t0\t100\t00FFFFFF\t0\t0\t0
tun0\t00000000\t00000000\t0001\t0\t0\t0\t00000000\t0\t0\t0
";
        let expected = DefaultRoute { router: [192, 0, 2, 1].into(), card: "eth0".into() };
        assert_eq!(of_ipv4(table), Some(expected));
        assert_eq!(of_ipv4("Iface\tDestination\n\neth0\t00000000\t0101\n"), None);
    }

    #[test]
    fn the_router_may_be_known_on_its_line_alone() {
        let zeros = "0".repeat(32);
        let table = format!(
            "fd000000000000000000000000000000 40 {zeros} 00 {zeros} 00000100 00000001 00000000 00000001     eth0
{zeros} 00 {zeros} 00 fe800000000000000000000000000001 00000400 00000002 00000000 00000003     eth0
{zeros} 00 {zeros} 00 {zeros} ffffffff 00000001 00000000 00200200       lo
"
        );
        let router = "fe80::1".parse().expect("an address");
        assert_eq!(of_ipv6(&table), Some(DefaultRoute { router, card: "eth0".into() }));
        assert_eq!(of_ipv6(""), None);
    }
}
