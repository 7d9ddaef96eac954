//! Who counts as one where addresses are counted.

use std::net::{IpAddr, Ipv6Addr};

/// Bits of an IPv6 address that a provider gives to one customer, who chooses all others.
const IPV6_HOUSEHOLD_BITS: u32 = 56;

/// An address as far as it stands for one household: the whole of IPv4; of IPv6 what a provider gives to one customer.
pub fn household(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => address.into(),
        IpAddr::V6(address) => {
            Ipv6Addr::from_bits(address.to_bits() & (u128::MAX << (u128::BITS - IPV6_HOUSEHOLD_BITS))).into()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_household_is_one_address() {
        let parse = |text: &str| text.parse::<IpAddr>().expect(text);
        for (a, b, same) in [
            ("192.0.2.1", "::ffff:192.0.2.1", true),
            ("192.0.2.1", "192.0.2.2", false),
            ("2001:db8::1", "2001:db8::ffff:0:0:2", true),
            ("2001:db8::1", "2001:db8:0:1::1", true),
            ("2001:db8::1", "2001:db8:0:ff::1", true),
            ("2001:db8::1", "2001:db8:0:100::1", false),
            ("::1", "::2", true),
        ] {
            assert_eq!(household(parse(a)) == household(parse(b)), same, "{a} {b}");
        }
    }
}
