//! Whether others can reach us: records for programs, sentences for people.

use std::io::{self, Write};

use potok_core::model::address_family::AddressFamily;
use potok_core::protocol::reply::OrDash;
use potok_core::reach::reachability::Reachability;

use crate::model::reach_advice::{self, Firewall};
use crate::render::text_table;
use crate::texts;

/// `reach⇥address⇥open, refused, silent, stranger or unknown⇥family` for each family, `reachable⇥verdict`,
/// `unknown⇥family⇥why` where a trial has told nothing, `mapping⇥family⇥state⇥protocol⇥port` for each, then `command⇥line` for
/// what helps here.
pub fn records(out: &mut impl Write, reach: &Reachability) -> io::Result<()> {
    let families = AddressFamily::ALL.map(|family| (reach.by(family), reach_advice::family_word(family)));
    for (trial, family) in families {
        let address = OrDash(trial.last.map(|notice| notice.address));
        writeln!(out, "reach\t{address}\t{}\t{family}", reach_advice::told_word(trial))?;
    }
    writeln!(out, "reachable\t{}", reach_advice::verdict_word(reach.verdict()))?;
    for (trial, family) in families.into_iter().filter(|(trial, _)| trial.last.is_none()) {
        writeln!(out, "unknown\t{family}\t{}", reach_advice::trial_word(trial))?;
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

#[cfg(test)]
mod tests {
    use potok_core::protocol::trial::{TrialNotice, TrialResult};
    use potok_core::reach::reachability::{NotTold, TrialEvent};

    use super::*;

    fn written(reach: &Reachability) -> String {
        let mut out = Vec::new();
        records(&mut out, reach).expect("a Vec takes everything");
        String::from_utf8(out).expect("text")
    }

    #[test]
    fn a_line_a_family_has_one_of_five_words_whatever_is_known() {
        let mut reach = Reachability::default();
        let untold = "reach\t-\tunknown\tipv4\nreach\t-\tunknown\tipv6\nreachable\tunknown\nunknown\tipv4\t";
        assert!(written(&reach).starts_with(untold), "{}", written(&reach));
        let address = "192.0.2.1:4001".parse().expect("an address");
        for (result, word) in [
            (TrialResult::Open, "open"),
            (TrialResult::Refused, "refused"),
            (TrialResult::Silent, "silent"),
            (TrialResult::Stranger, "stranger"),
        ] {
            reach.hear(AddressFamily::Ipv4, TrialEvent::Told(TrialNotice { address, result }), false);
            let line = format!("reach\t192.0.2.1:4001\t{word}\tipv4\nreach\t-\tunknown\tipv6\nreachable\t");
            assert!(written(&reach).starts_with(&line), "{}", written(&reach));
            // While it is tried anew, what was told last holds.
            reach.hear(AddressFamily::Ipv4, TrialEvent::Asked, false);
            assert!(written(&reach).starts_with(&line), "{}", written(&reach));
        }
        reach.hear(AddressFamily::Ipv6, TrialEvent::NotTold(NotTold::TooOften), false);
        assert!(written(&reach).contains("\nunknown\tipv6\ttoo-often\nmapping\t"), "{}", written(&reach));
    }
}
