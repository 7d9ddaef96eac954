//! What the program that a tracker runs in wants of it, as scripts say it.

use potok_core::model::binding::{Ban, BanTarget};
use potok_core::model::username::Username;
use potok_core::tracker::input::OwnerOrder;
use potok_core::tracker::settings::TrackerSettings;

/// A line behind `owner `; the limits of the relay are those of the settings.
pub(crate) fn order(text: &str, settings: &TrackerSettings) -> Result<OwnerOrder, String> {
    let (verb, rest) = text.split_once(' ').unwrap_or((text, ""));
    let target = |text: &str| text.parse::<BanTarget>().map_err(|e| e.to_string());
    let username = |text: &str| text.parse::<Username>().map_err(|_bad| "a username".to_owned());
    Ok(match verb {
        "kick" => OwnerOrder::Kick(username(rest)?),
        "ban" => OwnerOrder::Ban(Ban::new(target(rest)?, None)),
        "unban" => OwnerOrder::Unban(target(rest)?),
        "sends" => {
            let (whom, name) = rest.split_once(" away as ").ok_or("sends TARGET away as NAME")?;
            let username = username(name)?;
            let ban = Ban::new(target(whom)?, Some(username.clone()));
            OwnerOrder::SendAway { username, bans: vec![ban], minutes: 10 }
        }
        "release" => OwnerOrder::Release(username(rest)?),
        "relays" => OwnerOrder::SetRelay(settings.relay_limits()),
        "greets" => {
            let (network_name, motd) = rest.split_once(" | ").ok_or("greets NETWORK | MESSAGE")?;
            OwnerOrder::SetGreeting { network_name: network_name.into(), message_of_the_day: vec![motd.into()] }
        }
        _ => return Err("no such order".into()),
    })
}
