//! Settings that scripts set, before their tracker begins or in its configuration.

use potok_core::tracker::settings::TrackerSettings;

use crate::words::{join_rule, key_of};

/// Sets one: its name, and a number, keys or a text.
pub(crate) fn set(s: &mut TrackerSettings, rest: &str) -> Result<(), String> {
    let (name, value) = rest.split_once(' ').ok_or("set NAME VALUE")?;
    match name {
        "owners" => s.owners = value.split(',').filter(|who| !who.is_empty()).map(key_of).collect(),
        "join" => s.join = join_rule(value)?,
        "join_keys" => s.join_keys = value.split(',').filter(|who| !who.is_empty()).map(key_of).collect(),
        "network_name" => s.network_name = value.to_owned(),
        "public_address" => s.public_address.0 = Some(value.parse().map_err(|_bad| "addresses")?),
        "bans" => {
            s.bans = value.split(',').map(str::parse).collect::<Result<_, _>>().map_err(|_bad| "targets")?;
        }
        _ => return set_number(s, name, value.parse().map_err(|_bad| "a number")?),
    }
    Ok(())
}

fn set_number(s: &mut TrackerSettings, name: &str, number: usize) -> Result<(), String> {
    match name {
        "connections" => s.connections = number,
        "shares_per_user" => s.shares_per_user = number,
        "path_bytes_per_user" => s.path_bytes_per_user = number,
        "shares_in_all" => s.shares_in_all = number,
        "shares_per_address" => s.shares_per_address = number,
        "keyless_shares_per_address" => s.keyless_shares_per_address = number,
        "keyless_shares_in_all" => s.keyless_shares_in_all = number,
        "path_bytes_in_all" => s.path_bytes_in_all = number,
        "names_in_all" => s.names_in_all = number,
        "new_names_per_address" => s.new_names_per_address = number as u64,
        "new_names_per_address_per_hour" => s.new_names_per_address_per_hour = number as u64,
        "names_per_key" => s.names_per_key = number,
        "unregistered_sessions" => s.unregistered_sessions = number,
        "unregistered_lines" => s.unregistered_lines = number,
        "unregistered_answer_bytes" => s.unregistered_answer_bytes = number as u64,
        "unregistered_answer_bytes_per_second" => s.unregistered_answer_bytes_per_second = number as u64,
        _ => return Err("this setting is not known to the player".into()),
    }
    Ok(())
}
