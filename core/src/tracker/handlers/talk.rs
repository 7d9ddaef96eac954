//! `whoami`, `version`, `help`, `ping` and `quit`: what changes nothing.

use crate::model::program_version::ProgramVersion;
use crate::protocol::command::{Help, Ping, Quit, VERBS, Version, WhoAmI, unknown_command};
use crate::protocol::reply::OrDash;
use crate::tracker::command_reply::CommandReply;
use crate::tracker::effect::Effects;
use crate::tracker::handlers::{Asker, CommandOutcome, Handle, Rights, lines};
use crate::tracker::machine::Tracker;
use crate::tracker::roster::ReaderView;

impl Handle for WhoAmI {
    fn rights(&self) -> Rights {
        Rights::Strangers
    }

    fn carry_out(self, tracker: &mut Tracker, asker: &Asker, _effects: &mut Effects) -> CommandOutcome {
        tracker.who_am_i(asker)
    }
}

impl Handle for Version {
    fn rights(&self) -> Rights {
        Rights::Strangers
    }

    fn carry_out(self, _tracker: &mut Tracker, _asker: &Asker, _effects: &mut Effects) -> CommandOutcome {
        Ok(lines([ProgramVersion::here()]))
    }
}

impl Handle for Help {
    fn rights(&self) -> Rights {
        Rights::Strangers
    }

    fn carry_out(self, _tracker: &mut Tracker, _asker: &Asker, _effects: &mut Effects) -> CommandOutcome {
        help(self.verb.as_deref())
    }
}

impl Handle for Ping {
    fn rights(&self) -> Rights {
        Rights::Strangers
    }

    fn carry_out(self, _tracker: &mut Tracker, _asker: &Asker, _effects: &mut Effects) -> CommandOutcome {
        Ok(CommandReply::Done)
    }
}

impl Handle for Quit {
    fn rights(&self) -> Rights {
        Rights::Strangers
    }

    fn carry_out(self, _tracker: &mut Tracker, _asker: &Asker, _effects: &mut Effects) -> CommandOutcome {
        Ok(CommandReply::Bye)
    }
}

impl Tracker {
    /// The session's name, the address that the tracker sees, the key.
    fn who_am_i(&self, asker: &Asker) -> CommandOutcome {
        let online = asker.user.as_ref().and_then(|user| self.roster.get(&user.username));
        let line = match online {
            Some(online) => online.line(ReaderView::SameHost).to_string(),
            None => format!("- - {}", OrDash(asker.key)),
        };
        Ok(lines([line]))
    }
}

fn help(verb: Option<&str>) -> CommandOutcome {
    let Some(verb) = verb else {
        return Ok(lines(VERBS.iter().map(|(_, help)| help)));
    };
    match VERBS.iter().find(|(name, _)| *name == verb) {
        Some((_, help)) => Ok(lines([help])),
        None => Err(unknown_command()),
    }
}
