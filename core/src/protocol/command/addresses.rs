//! `addresses [<ip:port> …]`.

use std::fmt;

use crate::model::lan_address::{LAN_ADDRESSES_MAX, LanAddress};
use crate::protocol::code::{Code, Refusal};
use crate::protocol::command::Verb;
use crate::protocol::command::arguments::take;

/// Says where the session's user can be reached in their own home; those before are forgotten.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Addresses {
    /// At most [`LAN_ADDRESSES_MAX`], each once; none: they are forgotten.
    pub addresses: Vec<LanAddress>,
}

impl Verb for Addresses {
    const NAME: &'static str = "addresses";
    const USAGE: &'static str =
        "addresses [<ip:port> ...]: where you are in your own network, told only to those in it";
    const EXAMPLES: &'static [&'static str] =
        &["addresses", "addresses 192.168.1.2:4001", "addresses 192.168.1.2:4001 [fd00::2]:4001"];

    fn parse(mut rest: &str) -> Result<Self, Refusal> {
        let mut addresses: Vec<LanAddress> = Vec::new();
        while let Some(field) = take(&mut rest)? {
            let address = field.text.parse().map_err(|why| Refusal::new(Code::Usage, why))?;
            if !addresses.contains(&address) {
                addresses.push(address);
            }
            if addresses.len() > LAN_ADDRESSES_MAX {
                return Err(Refusal::new(
                    Code::Usage,
                    format!("at most {LAN_ADDRESSES_MAX} addresses; {}", Self::USAGE),
                ));
            }
        }
        Ok(Self { addresses })
    }
}

impl fmt::Display for Addresses {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(Self::NAME)?;
        self.addresses.iter().try_for_each(|address| write!(f, " {address}"))
    }
}
