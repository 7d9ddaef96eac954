//! Whether others can reach us: records for programs, sentences for people.

use std::io::{self, Write};

use potok_core::model::address_family::AddressFamily;
use potok_core::protocol::reply::OrDash;
use potok_core::reach::reachability::Reachability;

use crate::model::reach_advice::{self, Firewall};
use crate::render::text_table;
use crate::texts;

/// `reachable⇥verdict`, then `family⇥address⇥result` for each, `mapping⇥family⇥state⇥protocol⇥port`, then `command⇥line`
/// for what helps here.
pub fn records(out: &mut impl Write, reach: &Reachability) -> io::Result<()> {
    writeln!(out, "reachable\t{}", reach_advice::verdict_word(reach.verdict()))?;
    for family in AddressFamily::ALL {
        let trial = reach.by(family);
        let address = OrDash(trial.last.map(|notice| notice.address));
        writeln!(out, "{}\t{address}\t{}", reach_advice::family_word(family), reach_advice::trial_word(trial))?;
    }
    for family in AddressFamily::ALL {
        let mapping = reach.mapping(family);
        let (by, port) =
            mapping.mapped().map(|(by, mapped)| (reach_advice::protocol_name(by), mapped.port.get())).unzip();
        let word = reach_advice::mapping_word(&mapping);
        writeln!(out, "mapping\t{}\t{word}\t{}\t{}", reach_advice::family_word(family), OrDash(by), OrDash(port))?;
    }
    for advice in reach_advice::advice(reach, Firewall::here()) {
        if let Some(command) = advice.command {
            writeln!(out, "command\t{command}")?;
        }
    }
    Ok(())
}

/// The same in sentences, with what to do.
pub fn sentences(out: &mut impl Write, reach: &Reachability) -> io::Result<()> {
    writeln!(out, "{}", texts::text("reach", reach_advice::verdict_word(reach.verdict()), &[]))?;
    let pairs = AddressFamily::ALL.map(|family| {
        let trial = reach.by(family);
        let address = trial.last.map_or_else(|| "-".to_owned(), |notice| notice.address.to_string());
        let known = texts::text("reach-trial", reach_advice::trial_word(trial), &[("address", address)]);
        [texts::text("reach-family", reach_advice::family_word(family), &[]), known]
    });
    let router = [texts::text("reach-family", "router", &[]), reach_advice::mapping_text(&reach.mapping_ipv4)];
    let router6 = [texts::text("reach-family", "router6", &[]), reach_advice::mapping_text(&reach.mapping_ipv6)];
    // Of IPv6 only where there is something to say: most homes have none, or no router that is asked.
    let router6 = Some(router6).filter(|_| reach.mapping_ipv6.mapped().is_some());
    text_table::write_pairs(out, pairs.into_iter().chain([router]).chain(router6))?;
    for advice in reach_advice::advice(reach, Firewall::here()) {
        writeln!(out, "{}", advice.text)?;
        if let Some(command) = advice.command {
            writeln!(out, "    {command}")?;
        }
    }
    Ok(())
}
