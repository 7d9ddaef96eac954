//! Whether others can reach us, in sentences, and what a person can do about it.

use std::path::Path;

use potok_core::model::address_family::AddressFamily;
use potok_core::protocol::trial::TrialResult;
use potok_core::reach::mapping::{MappingProtocol, MappingState, NoMapping};
use potok_core::reach::reachability::{FamilyTrial, NotTold, ReachVerdict, Reachability};

use crate::texts;

/// Something that a person can do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Advice {
    /// What, in a sentence.
    pub text: String,
    /// A line for a terminal that does it, where there is one.
    pub command: Option<String>,
}

/// What filters connections on this computer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Firewall {
    /// Uncomplicated Firewall, of Ubuntu and its kin.
    Ufw,
    /// firewalld, of Fedora and its kin.
    Firewalld,
    /// That of Windows.
    Windows,
    /// Another one, or none.
    Unknown,
}

impl Firewall {
    /// The one that this computer most likely has. It looks at the disk.
    pub fn here() -> Self {
        let is_there = |path: &str| Path::new(path).exists();
        if cfg!(windows) {
            Self::Windows
        } else if is_there("/usr/sbin/ufw") {
            Self::Ufw
        } else if is_there("/usr/bin/firewall-cmd") {
            Self::Firewalld
        } else {
            Self::Unknown
        }
    }

    /// The command that lets connections to this port in.
    fn opening(self, port: u16) -> Option<String> {
        match self {
            Self::Ufw => Some(format!("sudo ufw allow {port}/tcp")),
            Self::Firewalld => {
                Some(format!("sudo firewall-cmd --permanent --add-port={port}/tcp && sudo firewall-cmd --reload"))
            }
            // A rule of its own for all kinds of networks: the one that Windows makes when it asks is often for some.
            Self::Windows => Some(format!(
                "netsh advfirewall firewall add rule name=Potok dir=in action=allow protocol=TCP localport={port} profile=any"
            )),
            Self::Unknown => None,
        }
    }
}

/// The word of a verdict, for programs and translations.
pub fn verdict_word(verdict: ReachVerdict) -> &'static str {
    match verdict {
        ReachVerdict::Everybody => "everybody",
        ReachVerdict::Nearby => "nearby",
        ReachVerdict::Nobody => "nobody",
        ReachVerdict::Unknown => "unknown",
    }
}

/// The word of what was told last of one family.
pub fn told_word(trial: &FamilyTrial) -> &'static str {
    trial.last.map_or("unknown", |notice| match notice.result {
        TrialResult::Open => "open",
        TrialResult::Refused => "refused",
        TrialResult::Silent => "silent",
        TrialResult::Stranger => "stranger",
    })
}

/// The word of what is known of one family, and of why nothing is.
pub fn trial_word(trial: &FamilyTrial) -> &'static str {
    match (trial.last, trial.not_told) {
        _ if trial.is_under_way => "trying",
        (Some(_), _) => told_word(trial),
        (None, Some(NotTold::EarlierVersion)) => "earlier-version",
        (None, Some(NotTold::TooOften)) => "too-often",
        (None, Some(NotTold::Silent)) => "no-answer",
        (None, Some(NotTold::Refused)) => "not-tried-here",
        (None, None) => "not-tried",
    }
}

/// The word for how it stands with the router.
pub fn mapping_word(mapping: &MappingState) -> &'static str {
    match mapping {
        MappingState::Off => "off",
        MappingState::NotNeeded => "not-needed",
        MappingState::Asking(_) => "asking",
        MappingState::Mapped(..) if mapping.is_below_another_router() => "below-another",
        MappingState::Mapped(..) => "mapped",
        MappingState::Failed(NoMapping::NoRouter) => "no-router",
        MappingState::Failed(NoMapping::NoAnswer) => "no-answer",
        MappingState::Failed(NoMapping::Refused) => "refused",
        MappingState::Failed(NoMapping::Rubbish) => "rubbish",
    }
}

/// What the protocol is called, by people and programs alike.
pub fn protocol_name(protocol: MappingProtocol) -> &'static str {
    match protocol {
        MappingProtocol::Pcp => "PCP",
        MappingProtocol::NatPmp => "NAT-PMP",
        MappingProtocol::Igd => "UPnP",
    }
}

/// How it stands with the router, in a sentence.
pub fn mapping_text(mapping: &MappingState) -> String {
    let (by, port, address) = match *mapping {
        MappingState::Mapped(by, mapped) => (Some(by), mapped.port.get(), mapped.address),
        MappingState::Asking(by) => (Some(by), 0, None),
        MappingState::Off | MappingState::NotNeeded | MappingState::Failed(_) => (None, 0, None),
    };
    let args = [
        ("by", by.map_or("", protocol_name).to_owned()),
        ("port", port.to_string()),
        ("address", address.map_or_else(|| "-".to_owned(), |address| address.to_string())),
    ];
    texts::text("mapping", mapping_word(mapping), &args)
}

/// What can be done, most useful first; nothing if nothing is wrong.
pub fn advice(reach: &Reachability, firewall: Firewall) -> Vec<Advice> {
    let mut all = Vec::new();
    let port = reach.port.map_or(0, |port| port.get());
    let mut add = |name: &str, command: Option<String>| {
        let advice = Advice { text: texts::text("reach-advice", name, &[("port", port.to_string())]), command };
        if !all.contains(&advice) {
            all.push(advice);
        }
    };
    if reach.verdict() == ReachVerdict::Nearby {
        add("nearby", None);
    }
    for trial in AddressFamily::ALL.map(|family| reach.by(family)) {
        let Some(notice) = trial.last else { continue };
        match notice.result {
            TrialResult::Open => {}
            TrialResult::Stranger => add("stranger", None),
            TrialResult::Refused | TrialResult::Silent if trial.is_own || notice.address.is_ipv6() => {
                add("firewall", firewall.opening(port));
            }
            TrialResult::Refused | TrialResult::Silent => {
                match reach.mapping_ipv4 {
                    mapping if mapping.is_below_another_router() => add("provider", None),
                    // The router lets others in, so something else does not.
                    MappingState::Mapped(..) => {}
                    _ => add("router", None),
                }
                add("firewall", firewall.opening(port));
            }
        }
    }
    if reach.verdict() == ReachVerdict::Nobody {
        add("meanwhile", None);
    }
    all
}

/// What a family is called by programs.
pub fn family_word(family: AddressFamily) -> &'static str {
    match family {
        AddressFamily::Ipv4 => "ipv4",
        AddressFamily::Ipv6 => "ipv6",
    }
}

/// The families, as the translations have them, and their routers.
pub const FAMILY_WORDS: &[&str] = &["ipv4", "ipv6", "router", "router6"];
/// Names of advice, as the translations have them.
pub const ADVICE_WORDS: &[&str] = &["nearby", "stranger", "firewall", "router", "provider", "meanwhile"];
/// How it can stand with the router.
pub const MAPPING_WORDS: &[&str] =
    &["off", "not-needed", "asking", "mapped", "below-another", "no-router", "no-answer", "refused", "rubbish"];
/// What can be known of a family.
pub const TRIAL_WORDS: &[&str] = &[
    "trying",
    "open",
    "refused",
    "silent",
    "stranger",
    "earlier-version",
    "too-often",
    "no-answer",
    "not-tried-here",
    "not-tried",
];
/// What it can come to.
pub const VERDICT_WORDS: &[&str] = &["everybody", "nearby", "nobody", "unknown"];

#[cfg(test)]
mod tests {
    use potok_core::model::port::PeerPort;
    use potok_core::protocol::trial::TrialNotice;
    use potok_core::reach::reachability::TrialEvent;

    use super::*;

    fn known(trials: &[(&str, TrialResult, bool)]) -> Reachability {
        let mut reach = Reachability { port: PeerPort::new(4001).ok(), ..Reachability::default() };
        for (address, result, is_own) in trials {
            let address: std::net::SocketAddr = address.parse().expect(address);
            let told = TrialEvent::Told(TrialNotice { address, result: *result });
            reach.hear(AddressFamily::of(address.ip()), told, *is_own);
        }
        reach
    }

    #[test]
    fn what_helps_is_said_and_nothing_where_nothing_is_wrong() {
        let check = |trials: &[(&str, TrialResult, bool)], expected: &[&str]| {
            let found: Vec<String> =
                advice(&known(trials), Firewall::Ufw).into_iter().map(|advice| advice.text).collect();
            let expected: Vec<String> =
                expected.iter().map(|name| texts::text("reach-advice", name, &[("port", "4001".into())])).collect();
            assert_eq!(found, expected, "{trials:?}");
        };
        check(&[], &[]);
        check(&[("192.0.2.1:4001", TrialResult::Open, false)], &[]);
        check(&[("192.168.1.2:4001", TrialResult::Open, true)], &["nearby"]);
        check(&[("192.0.2.1:4001", TrialResult::Silent, false)], &["router", "firewall", "meanwhile"]);
        check(&[("192.0.2.1:4001", TrialResult::Silent, true)], &["firewall", "meanwhile"]);
        check(&[("192.0.2.1:4001", TrialResult::Stranger, false)], &["stranger", "meanwhile"]);
        check(
            &[("192.0.2.1:4001", TrialResult::Open, false), ("[2001:db8::1]:4001", TrialResult::Silent, true)],
            &["firewall"],
        );
    }

    #[test]
    fn the_port_is_opened_where_a_command_can() {
        for (firewall, begins) in [
            (Firewall::Ufw, Some("sudo ufw allow 4001/tcp")),
            (Firewall::Firewalld, Some("sudo firewall-cmd --permanent --add-port=4001/tcp")),
            (Firewall::Windows, Some("netsh advfirewall firewall add rule name=Potok dir=in")),
            (Firewall::Unknown, None),
        ] {
            let command = firewall.opening(4001);
            assert!(command.as_deref().unwrap_or_default().starts_with(begins.unwrap_or_default()), "{command:?}");
            assert_eq!(command.is_some(), begins.is_some());
        }
    }
}
