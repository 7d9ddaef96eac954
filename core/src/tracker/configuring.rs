//! Other settings while the tracker runs: the configuration is read anew, or an owner has set something. Nobody is
//! dropped over it; what is looked at only at the start says so.

use std::sync::Arc;
use std::time::Instant;

use crate::model::binding::{Ban, Record};
use crate::model::join_rule::JoinRule;
use crate::protocol::code::{Code, Refusal};
use crate::protocol::notice::{Notice, Role};
use crate::protocol::owner_line::{CountsFrom, ReloadedSetting};
use crate::tracker::derived::{greeting, lapse_seconds};
use crate::tracker::effect::{Effect, Effects};
use crate::tracker::input::{SessionId, Ticket};
use crate::tracker::log::LogEntry;
use crate::tracker::machine::Tracker;
use crate::tracker::output::{write_head, write_refusal};
use crate::tracker::overrides::{LIFTED_BANS, Ordered, Overrides};
use crate::tracker::pending_save::LastingChange;
use crate::tracker::session::Turn;
use crate::tracker::settings::{AT_START, TrackerSettings};

impl Tracker {
    /// Has the configuration read for a session, which waits for it.
    pub(super) fn ask_for_configuration(&mut self, id: SessionId, effects: &mut Effects) {
        let ticket = self.next_ticket();
        if let Some(session) = self.sessions.get_mut(&id) {
            session.turn = Turn::Saving(ticket);
            self.reloads.insert(ticket, id);
            effects.push(Effect::Reload(ticket));
        }
    }

    /// The configuration was read. Who waits for it is told what of it is another one than before.
    pub(super) fn configure(
        &mut self,
        now: Instant,
        ticket: Option<Ticket>,
        read: Result<Box<TrackerSettings>, String>,
        effects: &mut Effects,
    ) {
        let read = read.and_then(|settings| settings.check().map(|()| settings).map_err(|wrong| wrong.to_string()));
        let told = read.map(|settings| self.take_configuration(now, *settings, effects));
        let Some(ticket) = ticket else { return };
        let Some(id) = self.reloads.remove(&ticket) else { return };
        if self.sessions.get(&id).is_none_or(|session| session.turn != Turn::Saving(ticket)) {
            return;
        }
        self.write(id, effects, |out| match told {
            Ok(lines) => {
                write_head(out, lines.len(), None);
                lines.iter().for_each(|line| out.extend_from_slice(format!("{line}\n").as_bytes()));
            }
            Err(why) => write_refusal(out, &Refusal::new(Code::BadConfiguration, why)),
        });
        self.go_on(now, id, Turn::Saving(ticket), effects);
    }

    /// A line for each setting that is another one: `<name> <now|next-start|ordered>`.
    fn take_configuration(
        &mut self,
        now: Instant,
        new: TrackerSettings,
        effects: &mut Effects,
    ) -> Vec<ReloadedSetting> {
        let line = |name: &str, counts| ReloadedSetting { name: name.to_owned(), counts };
        let (mut lines, mut changed, mut at_start) = (Vec::new(), Vec::new(), Vec::new());
        for name in self.configured.differing(&new) {
            if AT_START.contains(&name) {
                at_start.push(name);
                lines.push(line(name, CountsFrom::NextStart));
                continue;
            }
            self.configured.take_over(name, &new);
            if name == LIFTED_BANS && self.ordering.is_none() {
                self.forget_lifted(effects);
            }
            changed.push(name);
            lines.push(line(name, if self.overrides.has(name) { CountsFrom::Ordered } else { CountsFrom::Now }));
        }
        self.use_configured(now, effects);
        self.log.push(LogEntry::Configured { changed, at_start });
        lines
    }

    /// Starts setting some settings by an owner's command, all or none; gives what the settings will be. None gives one
    /// back to the configuration.
    pub(super) fn order_settings(
        &mut self,
        ordered: Vec<Ordered>,
        effects: &mut Effects,
    ) -> Result<(Ticket, TrackerSettings), Refusal> {
        let (mut alone, mut overrides) = (Overrides::default(), self.overrides.clone());
        for (setting, value) in &ordered {
            alone.set(setting, value.clone());
            overrides.set(setting, value.clone());
        }
        // What is wrong of what was ordered before is not what this owner is to be told.
        alone.over(&self.configured).check().map_err(|wrong| Refusal::new(Code::Usage, wrong))?;
        let settings = overrides.in_force(&self.configured);
        Ok((self.begin_change(LastingChange::Settings(ordered), effects), settings))
    }

    /// What an owner has ordered is on disk.
    pub(super) fn use_ordered(&mut self, now: Instant, ordered: Vec<Ordered>, effects: &mut Effects) {
        ordered.into_iter().for_each(|(setting, value)| self.overrides.set(&setting, value));
        self.use_configured(now, effects);
    }

    /// Forgets that owners have lifted bans which are in the configuration no more: when they are there again they count.
    pub(super) fn forget_lifted(&mut self, effects: &mut Effects) {
        for (setting, value) in self.overrides.forgetting(&self.configured.bans) {
            self.overrides.set(&setting, value.clone());
            self.save(Record::Ordered { setting, value }, effects);
        }
    }

    /// Uses the configuration as it is now, with what owners have set over it.
    pub(super) fn use_configured(&mut self, now: Instant, effects: &mut Effects) {
        self.use_settings(now, self.overrides.in_force(&self.configured), effects);
    }

    /// Uses these settings, which are right, from now on.
    fn use_settings(&mut self, now: Instant, settings: TrackerSettings, effects: &mut Effects) {
        let before = std::mem::replace(&mut self.settings, Arc::new(settings));
        self.answers.set_allowance(self.settings.answer_allowance());
        self.new_names.set_allowance(self.settings.name_allowance());
        self.names.set_lapse(lapse_seconds(&self.settings));
        let relay = self.settings.relay_limits();
        if before.relay_limits() != relay {
            self.set_relay(relay, effects);
        }
        let greeting = greeting(&self.settings);
        if greeting != self.greeting {
            self.greeting = greeting;
            self.greet_watchers(effects);
        }
        if before.public_address != self.settings.public_address {
            self.tell_addresses(effects);
        }
        if before.owners != self.settings.owners {
            self.tell_roles(effects);
        }
        let everybody: Vec<SessionId> = self.sessions.keys().copied().collect();
        self.stop_telling_strangers(everybody);
        if before.bans != self.settings.bans {
            let is_gone = |target: &&_| !self.settings.bans.contains(target);
            for target in before.bans.iter().filter(is_gone) {
                // What an owner has ordered of the same one stays, as it does after a restart.
                let is_configured = self.bans.get(target).is_some_and(|ban| *ban == Ban::new(target.clone(), None));
                if is_configured {
                    self.bans.remove(target);
                }
            }
            for target in self.settings.bans.clone() {
                // On what terms an owner has ordered it counts.
                if self.bans.get(&target).is_none() {
                    let ban = Ban::new(target, None);
                    self.bans.insert(ban.clone());
                    self.close_banned(now, &ban, effects);
                }
            }
        }
    }

    /// The greeting is another one: whoever watches is told.
    pub(super) fn greet_watchers(&mut self, effects: &mut Effects) {
        let watchers = self.sessions.iter().filter(|(_, session)| session.is_watching);
        let watchers: Vec<SessionId> = watchers.map(|(id, _)| *id).collect();
        let bytes = self.greeting.clone();
        let told: Arc<[SessionId]> =
            watchers.into_iter().filter(|id| !self.readers.hold(*id, || bytes.clone())).collect();
        if !told.is_empty() {
            effects.push(Effect::Notify { to: told, bytes });
        }
    }

    /// Of a closed network nothing more is told to those of these sessions that are not in it, or no longer.
    pub(super) fn stop_telling_strangers(&mut self, sessions: impl IntoIterator<Item = SessionId>) {
        if self.settings.join == JoinRule::Open {
            return;
        }
        for id in sessions {
            let Some(session) = self.sessions.get_mut(&id) else { continue };
            if session.is_watching && session.user.is_none() && !session.is_owner {
                session.is_watching = false;
                self.changes.unwatch(id, session.view);
            }
        }
    }

    /// Tells those sessions who are owners now, or no longer.
    fn tell_roles(&mut self, effects: &mut Effects) {
        let owners = &self.settings.owners;
        let mut told = Vec::new();
        for (id, session) in &mut self.sessions {
            let is_owner = session.key.is_some_and(|key| owners.contains(&key));
            if std::mem::replace(&mut session.is_owner, is_owner) != is_owner {
                told.push((*id, if is_owner { Role::Owner } else { Role::User }));
            }
        }
        for (id, role) in told {
            self.notify(id, &Notice::Role(role), effects);
        }
    }
}
