//! A tracker's records: whose each name is, and who is shut out.

use redb::{ReadableTable, TableDefinition};

use crate::model::ban_terms::{BanTerms, Remark};
use crate::model::binding::{Ban, Binding, Record};
use crate::model::invite_token::{IssuedInvite, TokenHash};
use crate::model::key::PublicKey;
use crate::model::username::Username;
use crate::model::waiting_user::WaitingUser;
use crate::store::Store;

/// By name regardless of case: the name as written, the owner's key, when it was last used.
const BINDINGS: TableDefinition<'_, &str, (&str, &[u8; 32], u64)> = TableDefinition::new("tracker-bindings");
const BANS: TableDefinition<'_, &str, ()> = TableDefinition::new("tracker-bans");
/// One row: how long the tracker has run in its life, in seconds.
const RUN_CLOCK: TableDefinition<'_, (), u64> = TableDefinition::new("tracker-clock");
/// What those who are shut out were called, where that is known.
const BAN_NAMES: TableDefinition<'_, &str, &str> = TableDefinition::new("tracker-ban-names");
/// On what terms somebody is shut out: until when (the largest number: for good), by whom, why. Programs of before know
/// nothing of it.
const BAN_TERMS: TableDefinition<'_, &str, (u64, &str, &str)> = TableDefinition::new("tracker-ban-terms");
/// Invites by their number: the hash of the token, how many uses are left and until when (the largest numbers: any, always),
/// by whom, a note.
const INVITES: TableDefinition<'_, u64, (&[u8; 32], u64, u64, &str, &str)> = TableDefinition::new("tracker-invites");
/// One row: the largest number that an invite ever had, so that none has it again.
const LAST_INVITE: TableDefinition<'_, (), u64> = TableDefinition::new("tracker-last-invite");
/// Who asks to be let in, by their key: the name that they ask for, their address, since when, and when they asked last.
const WAITING: TableDefinition<'_, &[u8; 32], (&str, &str, u64, u64)> = TableDefinition::new("tracker-waiting");
/// What owners have set by commands.
const ORDERED: TableDefinition<'_, &str, &str> = TableDefinition::new("tracker-ordered");

impl Store {
    /// All bindings, by name. A record that no longer follows the rules for names is left out, and left alone.
    pub fn bindings(&self) -> Result<Vec<Binding>, redb::Error> {
        let read = self.begin_read()?;
        let table = match read.open_table(BINDINGS) {
            Err(redb::TableError::TableDoesNotExist(_)) => return Ok(Vec::new()),
            table => table?,
        };
        let mut bindings = Vec::new();
        for entry in table.iter()? {
            let (_, value) = entry?;
            let (name, key, used_at) = value.value();
            let Ok(username) = Username::new(name) else { continue };
            bindings.push(Binding { username, key: PublicKey::from_bytes(*key), used_at });
        }
        Ok(bindings)
    }

    /// Where the tracker's own clock stood when it was last written down, in seconds; none if it never was.
    pub fn run_seconds(&self) -> Result<Option<u64>, redb::Error> {
        let read = self.begin_read()?;
        let table = match read.open_table(RUN_CLOCK) {
            Err(redb::TableError::TableDoesNotExist(_)) => return Ok(None),
            table => table?,
        };
        Ok(table.get(())?.map(|seconds| seconds.value()))
    }

    /// Everybody who is shut out of this tracker, in the order of the targets' texts.
    pub fn bans(&self) -> Result<Vec<Ban>, redb::Error> {
        let read = self.begin_read()?;
        let table = match read.open_table(BANS) {
            Err(redb::TableError::TableDoesNotExist(_)) => return Ok(Vec::new()),
            table => table?,
        };
        let names = match read.open_table(BAN_NAMES) {
            Err(redb::TableError::TableDoesNotExist(_)) => None,
            table => Some(table?),
        };
        let terms = match read.open_table(BAN_TERMS) {
            Err(redb::TableError::TableDoesNotExist(_)) => None,
            table => Some(table?),
        };
        let mut bans = Vec::new();
        for entry in table.iter()? {
            let key = entry?.0;
            let Ok(target) = key.value().parse() else { continue };
            let name = names.as_ref().map(|names| names.get(key.value())).transpose()?.flatten();
            let terms = terms.as_ref().map(|terms| terms.get(key.value())).transpose()?.flatten();
            bans.push(Ban {
                target,
                username: name.and_then(|name| Username::new(name.value()).ok()),
                terms: terms.map(|terms| read_terms(terms.value())).unwrap_or_default(),
            });
        }
        Ok(bans)
    }

    /// The invites that were issued and are not used up or revoked.
    pub fn invites(&self) -> Result<Vec<IssuedInvite>, redb::Error> {
        let read = self.begin_read()?;
        let table = match read.open_table(INVITES) {
            Err(redb::TableError::TableDoesNotExist(_)) => return Ok(Vec::new()),
            table => table?,
        };
        let mut invites = Vec::new();
        for entry in table.iter()? {
            let (number, value) = entry?;
            let (hash, uses_left, until, by, note) = value.value();
            invites.push(IssuedInvite {
                number: number.value(),
                hash: TokenHash::from_bytes(*hash),
                uses_left: u32::try_from(uses_left).ok(),
                until: (until != u64::MAX).then_some(until),
                by: Username::new(by).ok(),
                note: Remark::new(note).ok(),
            });
        }
        Ok(invites)
    }

    /// The largest number that an invite ever had; trackers of before did not write it down.
    pub fn last_invite(&self) -> Result<u64, redb::Error> {
        let read = self.begin_read()?;
        let table = match read.open_table(LAST_INVITE) {
            Err(redb::TableError::TableDoesNotExist(_)) => return Ok(0),
            table => table?,
        };
        Ok(table.get(())?.map_or(0, |number| number.value()))
    }

    /// Who asks to be let in.
    pub fn waiting_users(&self) -> Result<Vec<(PublicKey, WaitingUser)>, redb::Error> {
        let read = self.begin_read()?;
        let table = match read.open_table(WAITING) {
            Err(redb::TableError::TableDoesNotExist(_)) => return Ok(Vec::new()),
            table => table?,
        };
        let mut waiting = Vec::new();
        for entry in table.iter()? {
            let (key, value) = entry?;
            let (username, address, since, asked_at) = value.value();
            let (Ok(username), Ok(address)) = (Username::new(username), address.parse()) else { continue };
            waiting.push((PublicKey::from_bytes(*key.value()), WaitingUser { username, address, since, asked_at }));
        }
        Ok(waiting)
    }

    /// What owners have set by commands, by the names of the settings.
    pub fn ordered_settings(&self) -> Result<Vec<(String, String)>, redb::Error> {
        let read = self.begin_read()?;
        let table = match read.open_table(ORDERED) {
            Err(redb::TableError::TableDoesNotExist(_)) => return Ok(Vec::new()),
            table => table?,
        };
        let mut ordered = Vec::new();
        for entry in table.iter()? {
            let (setting, value) = entry?;
            ordered.push((setting.value().to_owned(), value.value().to_owned()));
        }
        Ok(ordered)
    }

    /// Makes changes in order and waits until they are on disk for good: all of them, or none.
    pub fn change_names(&self, changes: &[Record]) -> Result<(), redb::Error> {
        let write = self.begin_write()?;
        {
            let mut bindings = write.open_table(BINDINGS)?;
            let mut bans = write.open_table(BANS)?;
            let mut names = write.open_table(BAN_NAMES)?;
            let mut all_terms = write.open_table(BAN_TERMS)?;
            let mut ordered = write.open_table(ORDERED)?;
            let mut invites = write.open_table(INVITES)?;
            let mut last_invite = write.open_table(LAST_INVITE)?;
            let mut waiting = write.open_table(WAITING)?;
            let mut clock = write.open_table(RUN_CLOCK)?;
            for change in changes {
                match change {
                    Record::Bound(binding) | Record::Used(binding) => {
                        let folded = binding.username.folded();
                        let value = (binding.username.as_str(), binding.key.as_bytes(), binding.used_at);
                        bindings.insert(folded.as_str(), value)?;
                    }
                    Record::Released { folded } | Record::Lapsed { folded, .. } => {
                        bindings.remove(folded.as_str())?;
                    }
                    Record::Resting(username) => {
                        bindings.remove(username.folded().as_str())?;
                    }
                    Record::Banned(Ban { target, username, terms }) => {
                        let target = target.to_string();
                        bans.insert(target.as_str(), ())?;
                        match username {
                            Some(name) => names.insert(target.as_str(), name.as_str())?,
                            None => names.remove(target.as_str())?,
                        };
                        let by = terms.by.as_ref().map_or("", Username::as_str);
                        let reason = terms.reason.as_ref().map_or("", Remark::as_str);
                        all_terms.insert(target.as_str(), (terms.until.unwrap_or(u64::MAX), by, reason))?;
                    }
                    Record::Unbanned(target) => {
                        let target = target.to_string();
                        bans.remove(target.as_str())?;
                        names.remove(target.as_str())?;
                        all_terms.remove(target.as_str())?;
                    }
                    Record::BanOver { target, until } => {
                        let target = target.to_string();
                        if all_terms.get(target.as_str())?.is_some_and(|terms| terms.value().0 == *until) {
                            bans.remove(target.as_str())?;
                            names.remove(target.as_str())?;
                            all_terms.remove(target.as_str())?;
                        }
                    }
                    Record::Ordered { setting, value: Some(value) } => {
                        ordered.insert(setting.as_str(), value.as_str())?;
                    }
                    Record::Ordered { setting, value: None } => {
                        ordered.remove(setting.as_str())?;
                    }
                    Record::Invited(invite) => {
                        let uses_left = invite.uses_left.map_or(u64::MAX, u64::from);
                        let by = invite.by.as_ref().map_or("", Username::as_str);
                        let note = invite.note.as_ref().map_or("", Remark::as_str);
                        let until = invite.until.unwrap_or(u64::MAX);
                        invites.insert(invite.number, (invite.hash.as_bytes(), uses_left, until, by, note))?;
                        let last = last_invite.get(())?.map_or(0, |number| number.value());
                        last_invite.insert((), last.max(invite.number))?;
                    }
                    Record::LastInvite { number } => {
                        let last = last_invite.get(())?.map_or(0, |number| number.value());
                        last_invite.insert((), last.max(*number))?;
                    }
                    Record::Revoked { number } => {
                        invites.remove(*number)?;
                    }
                    Record::Waits { key, user: WaitingUser { username, address, since, asked_at } } => {
                        let address = address.to_string();
                        waiting.insert(key.as_bytes(), (username.as_str(), address.as_str(), *since, *asked_at))?;
                    }
                    Record::WaitsNoMore { key } => {
                        waiting.remove(key.as_bytes())?;
                    }
                    Record::Clock { run_seconds } => {
                        clock.insert((), *run_seconds)?;
                    }
                }
            }
        }
        write.commit()?;
        Ok(())
    }
}

/// What cannot be read of it is left out.
fn read_terms((until, by, reason): (u64, &str, &str)) -> BanTerms {
    BanTerms {
        reason: Remark::new(reason).ok(),
        by: Username::new(by).ok(),
        until: (until != u64::MAX).then_some(until),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_changed_is_there_after_a_restart() {
        let dir = tempfile::tempdir().expect("temporary folder");
        let path = dir.path().join("tracker.redb");
        let binding = |name: &str, key: u8, used_at| Binding {
            username: Username::new(name).expect(name),
            key: PublicKey::from_bytes([key; 32]),
            used_at,
        };
        let ban = |target: &str, name: Option<&str>| {
            Ban::new(target.parse().expect(target), name.map(|name| Username::new(name).expect(name)))
        };
        let terms = BanTerms {
            reason: Some(Remark::new("груб").expect("a remark")),
            by: Some(Username::new("anna").expect("a name")),
            until: Some(1_900_000_000),
        };
        let (address, name) = (Ban { terms, ..ban("192.0.2.7", Some("гост")) }, ban("@guest", None));
        let hash = TokenHash::from_bytes([3; 32]);
        let invite =
            IssuedInvite { number: 7, hash, uses_left: None, until: Some(9), by: None, note: Remark::new("x").ok() };
        let waits = |name: &str, since| WaitingUser {
            username: Username::new(name).expect(name),
            address: "2001:db8::1".parse().expect("an address"),
            since,
            asked_at: since + 1,
        };
        let ordered = |setting: &str, value: Option<&str>| Record::Ordered {
            setting: setting.into(),
            value: value.map(str::to_owned),
        };
        {
            let store = Store::open(&path).expect("opens").store;
            assert!(store.bindings().expect("none").is_empty() && store.bans().expect("none").is_empty());
            let first = [
                Record::Bound(binding("anna", 1, 10)),
                Record::Bound(binding("Мария", 2, 10)),
                Record::Bound(binding("gone", 3, 10)),
                Record::Banned(address.clone()),
                Record::Banned(name.clone()),
            ];
            store.change_names(&first).expect("written");
            assert_eq!(store.run_seconds().expect("read"), None);
            let second = [
                Record::Bound(binding("Anna", 1, 20)),
                Record::Released { folded: "gone".into() },
                Record::Clock { run_seconds: 30 },
                ordered("names_per_key", Some("3")),
                Record::Invited(invite.clone()),
                Record::Invited(IssuedInvite { number: 8, ..invite.clone() }),
                Record::Revoked { number: 8 },
                Record::Waits { key: PublicKey::from_bytes([4; 32]), user: waits("Мария", 5) },
                Record::Waits { key: PublicKey::from_bytes([5; 32]), user: waits("eve", 6) },
                Record::WaitsNoMore { key: PublicKey::from_bytes([5; 32]) },
                ordered("network_name", Some("x")),
                ordered("network_name", None),
            ];
            store.change_names(&second).expect("written");
        }
        let store = Store::open(&path).expect("opens").store;
        assert_eq!(store.bindings().expect("read"), [binding("Anna", 1, 20), binding("Мария", 2, 10)]);
        assert_eq!(store.run_seconds().expect("read"), Some(30));
        assert_eq!(store.bans().expect("read"), [address.clone(), name.clone()]);
        assert_eq!(store.invites().expect("read"), [invite]);
        assert_eq!(store.last_invite().expect("read"), 8, "a number is never used again");
        assert_eq!(store.waiting_users().expect("read"), [(PublicKey::from_bytes([4; 32]), waits("Мария", 5))]);
        assert_eq!(store.ordered_settings().expect("read"), [("names_per_key".to_owned(), "3".to_owned())]);
        let over = |until| Record::BanOver { target: address.target.clone(), until };
        store.change_names(&[over(1_800_000_000), Record::Unbanned(name.target)]).expect("written");
        assert_eq!(store.bans().expect("read"), std::slice::from_ref(&address), "it was ordered anew, for longer");
        store.change_names(&[over(1_900_000_000)]).expect("written");
        assert!(store.bans().expect("read").is_empty());
    }
}
