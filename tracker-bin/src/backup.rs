//! What a tracker remembers as a text that can be kept and read back: names, bans, invites and what owners have set. The
//! identity is not in it: `identity.key` is kept by itself.
//!
//! The text is TOML. `format` says how it is to be read; a program refuses one that it does not know.
//!
//! ```toml
//! format = 1
//! run_seconds = 1800000000       # the tracker's clock, by which names lapse: it stands while the tracker is off
//! last_invite = 9                # the largest number that an invite ever had; left out: that of the invites below
//!
//! [[name]]
//! username = "anna"
//! key = "<64 hex digits>"
//! used_at = 1799990000           # by that clock
//!
//! [[ban]]
//! target = "192.0.2.0/24"        # a key, an address, a prefix or @name
//! username = "mallory"           # what they were called
//! by = "anna"                    # which owner ordered it
//! until = 1800000000             # in seconds since 1970; left out: for good
//! reason = "spam"
//!
//! [[invite]]
//! number = 7
//! hash = "<64 hex digits>"       # of the token, which is not kept
//! uses_left = 3                  # left out: any number
//! until = 1800000000
//! by = "anna"
//! note = "for the class"
//!
//! [ordered]                      # what owners have set by commands
//! network_name = "Our house"
//! ```

use std::collections::{BTreeMap, BTreeSet};

use potok_core::model::ban_terms::{BanTerms, Remark};
use potok_core::model::binding::{Ban, BanTarget, Binding, Record};
use potok_core::model::invite_token::{IssuedInvite, TokenHash};
use potok_core::model::key::PublicKey;
use potok_core::model::username::Username;
use potok_core::store::Store;
use serde::{Deserialize, Serialize};

const FORMAT: u64 = 1;

/// Why a backup was not written or taken.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BackupError {
    #[error("the records cannot be read or written: {0}")]
    Records(#[from] redb::Error),
    #[error("this is no backup of potok-tracker: {0}")]
    Text(String),
    #[error("this backup has format {0}, which this version does not know")]
    Format(u64),
    #[error("the name {0} belongs to another key here than in the backup; nothing was taken")]
    OtherOwner(String),
    #[error("{name} looks like {other}, which is in the backup or here already; nothing was taken")]
    LooksAlike { name: String, other: String },
    #[error("nothing was taken: {}", .0.join("; "))]
    OtherInvites(Vec<String>),
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Backup {
    format: u64,
    #[serde(default)]
    run_seconds: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    last_invite: Option<u64>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    ordered: BTreeMap<String, String>,
    #[serde(default, rename = "name", skip_serializing_if = "Vec::is_empty")]
    names: Vec<NameRow>,
    #[serde(default, rename = "ban", skip_serializing_if = "Vec::is_empty")]
    bans: Vec<BanRow>,
    #[serde(default, rename = "invite", skip_serializing_if = "Vec::is_empty")]
    invites: Vec<InviteRow>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct NameRow {
    username: String,
    key: PublicKey,
    used_at: u64,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct BanRow {
    target: BanTarget,
    #[serde(skip_serializing_if = "Option::is_none")]
    username: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    by: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    until: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct InviteRow {
    number: u64,
    /// 32 bytes as a key writes them.
    hash: PublicKey,
    #[serde(skip_serializing_if = "Option::is_none")]
    uses_left: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    until: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    by: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<String>,
}

/// Everything as a text.
pub(crate) fn export(store: &Store) -> Result<String, BackupError> {
    let name = |username: Option<Username>| username.map(|username| username.to_string());
    let remark = |remark: Option<Remark>| remark.map(|remark| remark.to_string());
    let invites = store.invites()?;
    let last_invite = store.last_invite()?;
    let backup = Backup {
        format: FORMAT,
        run_seconds: store.run_seconds()?.unwrap_or(0),
        // Programs of before know invites only.
        last_invite: (invites.iter().all(|invite| invite.number < last_invite) && last_invite > 0)
            .then_some(last_invite),
        ordered: store.ordered_settings()?.into_iter().collect(),
        names: store
            .bindings()?
            .into_iter()
            .map(|binding| NameRow {
                username: binding.username.to_string(),
                key: binding.key,
                used_at: binding.used_at,
            })
            .collect(),
        bans: store
            .bans()?
            .into_iter()
            .map(|Ban { target, username, terms }| BanRow {
                target,
                username: name(username),
                by: name(terms.by),
                until: terms.until,
                reason: remark(terms.reason),
            })
            .collect(),
        invites: invites
            .into_iter()
            .map(|invite| InviteRow {
                number: invite.number,
                hash: PublicKey::from_bytes(*invite.hash.as_bytes()),
                uses_left: invite.uses_left,
                until: invite.until,
                by: name(invite.by),
                note: remark(invite.note),
            })
            .collect(),
    };
    let text = toml::to_string(&backup).map_err(|why| BackupError::Text(why.to_string()))?;
    Ok(format!("# Names, bans, invites and settings of a Potok tracker. Keep its identity.key as well.\n{text}"))
}

/// How many names, bans and invites were taken.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Imported {
    pub(crate) names: usize,
    pub(crate) bans: usize,
    pub(crate) invites: usize,
    /// Invites that have another number here, because another invite has or had theirs: that of the backup, and that here.
    pub(crate) renumbered: Vec<(u64, u64)>,
}

/// Takes everything of a text, or nothing. What is here already stays; of the same name, ban or setting the text's counts.
/// Invites are the same by their token: nobody can come in more often, or longer, because of a number.
pub(crate) fn import(store: &Store, text: &str) -> Result<Imported, BackupError> {
    let wrong = |why: String| BackupError::Text(why.replace('\n', " "));
    let table: toml::Table = toml::from_str(text).map_err(|why| wrong(why.message().to_owned()))?;
    // Before the rest is read: a later format may have more.
    match table.get("format").and_then(toml::Value::as_integer).and_then(|format| u64::try_from(format).ok()) {
        Some(FORMAT) => {}
        Some(later) => return Err(BackupError::Format(later)),
        None => return Err(wrong("it has no format".into())),
    }
    let backup: Backup = table.try_into().map_err(|why: toml::de::Error| wrong(why.message().to_owned()))?;
    let username = |text: &str| Username::new(text).map_err(|why| wrong(format!("{text:?}: {why}")));
    let named = |text: Option<String>| text.map(|text| username(&text)).transpose();
    let remark =
        |text: Option<String>| text.map(|text| Remark::new(&text).map_err(|why| wrong(why.to_string()))).transpose();

    let here = store.bindings()?;
    let mut owners: BTreeMap<String, PublicKey> =
        here.iter().map(|binding| (binding.username.folded(), binding.key)).collect();
    let mut alike = BTreeMap::new();
    here.iter().for_each(|binding| note_alike(&mut alike, &binding.username));
    let mut records = Vec::new();
    let mut imported = Imported::default();
    for row in backup.names {
        let username = username(&row.username)?;
        if owners.insert(username.folded(), row.key).is_some_and(|owner| owner != row.key) {
            return Err(BackupError::OtherOwner(row.username));
        }
        if let Some(other) = looks_like(&alike, &username) {
            return Err(BackupError::LooksAlike { name: row.username, other });
        }
        note_alike(&mut alike, &username);
        records.push(Record::Bound(Binding { username, key: row.key, used_at: row.used_at }));
        imported.names += 1;
    }
    for row in backup.bans {
        let terms = BanTerms { reason: remark(row.reason)?, by: named(row.by)?, until: row.until };
        records.push(Record::Banned(Ban { target: row.target, username: named(row.username)?, terms }));
        imported.bans += 1;
    }
    let mut invites = ImportedInvites::beside(store, backup.last_invite)?;
    for row in backup.invites {
        invites.take(IssuedInvite {
            number: row.number,
            hash: TokenHash::from_bytes(*row.hash.as_bytes()),
            uses_left: row.uses_left,
            until: row.until,
            by: named(row.by)?,
            note: remark(row.note)?,
        });
        imported.invites += 1;
    }
    if !invites.differing.is_empty() {
        return Err(BackupError::OtherInvites(invites.differing));
    }
    records.extend(invites.taken.into_iter().map(Record::Invited));
    records.push(Record::LastInvite { number: invites.last_number });
    imported.renumbered = invites.renumbered;
    for (setting, value) in backup.ordered {
        records.push(Record::Ordered { setting, value: Some(value) });
    }
    // Names lapse by it: it never goes back.
    if backup.run_seconds > store.run_seconds()?.unwrap_or(0) {
        records.push(Record::Clock { run_seconds: backup.run_seconds });
    }
    store.change_names(&records)?;
    Ok(imported)
}

/// Invites of a backup beside those that are here.
struct ImportedInvites {
    by_token: BTreeMap<[u8; 32], IssuedInvite>,
    /// Numbers up to this one were told to people here.
    told_here: u64,
    last_number: u64,
    taken: Vec<IssuedInvite>,
    renumbered: Vec<(u64, u64)>,
    differing: Vec<String>,
}

impl ImportedInvites {
    fn beside(store: &Store, last_of_backup: Option<u64>) -> Result<Self, redb::Error> {
        let here = store.invites()?;
        let told_here = here.iter().map(|invite| invite.number).max().unwrap_or(0).max(store.last_invite()?);
        Ok(Self {
            by_token: here.into_iter().map(|invite| (*invite.hash.as_bytes(), invite)).collect(),
            told_here,
            last_number: told_here.max(last_of_backup.unwrap_or(0)),
            taken: Vec::new(),
            renumbered: Vec::new(),
            differing: Vec::new(),
        })
    }

    fn take(&mut self, invite: IssuedInvite) {
        if let Some(same) = self.by_token.get(invite.hash.as_bytes()) {
            if (same.uses_left, same.until) != (invite.uses_left, invite.until) {
                self.differing.push(format!(
                    "invite {} of the backup is invite {} here, which has {} uses left and ends {}, there {} and {}",
                    invite.number,
                    same.number,
                    or_word(same.uses_left, "any number of"),
                    or_word(same.until, "never"),
                    or_word(invite.uses_left, "any number of"),
                    or_word(invite.until, "never"),
                ));
            }
            return;
        }
        let number = if invite.number <= self.told_here || self.taken.iter().any(|it| it.number == invite.number) {
            self.last_number + 1
        } else {
            invite.number
        };
        if number != invite.number {
            self.renumbered.push((invite.number, number));
        }
        self.last_number = self.last_number.max(number);
        let invite = IssuedInvite { number, ..invite };
        self.by_token.insert(*invite.hash.as_bytes(), invite.clone());
        self.taken.push(invite);
    }
}

fn or_word(number: Option<impl ToString>, word: &str) -> String {
    number.map_or_else(|| word.to_owned(), |number| number.to_string())
}

/// Names by their skeletons.
fn note_alike(alike: &mut BTreeMap<String, BTreeSet<String>>, username: &Username) {
    for skeleton in username.skeletons() {
        alike.entry(skeleton).or_default().insert(username.folded());
    }
}

fn looks_like(alike: &BTreeMap<String, BTreeSet<String>>, username: &Username) -> Option<String> {
    let folded = username.folded();
    let skeletons = username.skeletons();
    skeletons.iter().filter_map(|skeleton| alike.get(skeleton)).flatten().find(|other| **other != folded).cloned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn store(dir: &tempfile::TempDir, name: &str) -> Store {
        Store::open(&dir.path().join(name)).expect("opens").store
    }

    fn taken(names: usize, bans: usize, invites: usize) -> Imported {
        Imported { names, bans, invites, renumbered: Vec::new() }
    }

    #[test]
    fn an_invite_is_known_by_its_token_and_no_number_is_used_again() {
        let dir = tempfile::tempdir().expect("temporary folder");
        let invite = |number, token: u8, uses_left| IssuedInvite {
            number,
            hash: TokenHash::from_bytes([token; 32]),
            uses_left,
            until: None,
            by: None,
            note: None,
        };
        let before = store(&dir, "before.redb");
        let issued = [invite(7, 1, Some(2)), invite(8, 2, None), invite(9, 3, None)].map(Record::Invited);
        before.change_names(&issued).expect("written");
        before.change_names(&[Record::Revoked { number: 9 }]).expect("written");
        let text = export(&before).expect("exported");
        assert!(text.contains("last_invite = 9"), "{text}");
        let fresh = store(&dir, "fresh.redb");
        assert_eq!(import(&fresh, &text).expect("taken"), taken(0, 0, 2));
        assert_eq!((fresh.last_invite().expect("read"), export(&fresh).expect("exported")), (9, text.clone()));

        // Numbers that others have or had here: the invites of the backup get new ones, and none of here is lost.
        let other = store(&dir, "other.redb");
        other
            .change_names(&[Record::Invited(invite(7, 40, None)), Record::Invited(invite(8, 41, None))])
            .expect("written");
        other.change_names(&[Record::Revoked { number: 8 }]).expect("written");
        let renumbered = vec![(7, 10), (8, 11)];
        assert_eq!(import(&other, &text).expect("taken"), Imported { renumbered, ..taken(0, 0, 2) });
        let numbers: Vec<(u64, u8)> =
            other.invites().expect("read").iter().map(|invite| (invite.number, invite.hash.as_bytes()[0])).collect();
        assert_eq!(numbers, [(7, 40), (10, 1), (11, 2)]);
        assert_eq!(import(&other, &text).expect("again"), taken(0, 0, 2), "they are here by their tokens");

        // The same token on other terms: nothing is taken, and it is told what differs.
        other.change_names(&[Record::Invited(invite(10, 1, Some(1)))]).expect("used");
        let here = export(&other).expect("exported");
        let why = import(&other, &format!("{text}[[ban]]\ntarget = \"192.0.2.7\"\n")).expect_err("differs").to_string();
        assert!(why.contains("invite 7 of the backup is invite 10 here, which has 1 uses left"), "{why}");
        assert!(!why.contains("invite 8"), "{why}");
        assert_eq!(export(&other).expect("exported"), here);
    }

    #[test]
    fn what_is_exported_is_imported_whole_or_not_at_all() {
        let dir = tempfile::tempdir().expect("temporary folder");
        let name = |text: &str| Username::new(text).expect(text);
        let key = |n: u8| PublicKey::from_bytes([n; 32]);
        let terms = BanTerms { reason: Remark::new("a \"b\"").ok(), by: Some(name("anna")), until: Some(9) };
        let before = store(&dir, "before.redb");
        let records = [
            Record::Bound(Binding { username: name("anna"), key: key(1), used_at: 10 }),
            Record::Bound(Binding { username: name("Мария"), key: key(2), used_at: 20 }),
            Record::Banned(Ban { target: "192.0.2.0/24".parse().expect("a prefix"), username: None, terms }),
            Record::Banned(Ban::new("@eve".parse().expect("a name"), Some(name("eve")))),
            Record::Invited(IssuedInvite {
                number: 7,
                hash: TokenHash::from_bytes([3; 32]),
                uses_left: Some(2),
                until: None,
                by: None,
                note: Remark::new("класът").ok(),
            }),
            Record::Ordered { setting: "network_name".into(), value: Some("House".into()) },
            Record::Clock { run_seconds: 30 },
        ];
        before.change_names(&records).expect("written");
        let text = export(&before).expect("exported");
        let after = store(&dir, "after.redb");
        assert_eq!(import(&after, &text).expect("taken"), taken(2, 2, 1));
        assert_eq!(export(&after).expect("exported"), text);
        assert_eq!(import(&after, &text).expect("again"), taken(2, 2, 1));
        assert_eq!(export(&after).expect("exported"), text);

        let other = |n: u8, username: &str| {
            format!(
                "format = 1\n[[name]]\nusername = \"new\"\nkey = \"{}\"\nused_at = 1\n[[name]]\nusername = \"{username}\"\nkey = \"{}\"\nused_at = 1\n",
                key(9),
                key(n)
            )
        };
        for (wrong, said) in [
            (other(9, "ANNA"), "belongs to another key"),
            (other(9, "аnna"), "no backup"),
            (other(9, "no name!"), "no backup"),
            (text.replace("format = 1", "format = 2"), "format 2"),
            (text.replace("format = 1", ""), "no format"),
            (text.replace("used_at = 10", "used_at = -1"), "no backup"),
            (format!("{text}\n[[later]]\nx = 1\n"), "no backup"),
            ("not toml at all = = =".into(), "no backup"),
        ] {
            let why = import(&after, &wrong).expect_err(&wrong).to_string();
            assert!(why.contains(said) && !why.contains('\n'), "{why}");
            assert_eq!(export(&after).expect("exported"), text, "nothing was taken");
        }
        // Nobody's look-alike comes in by the back door.
        let alike = import(&after, &other(9, "anпa"))
            .and(import(&after, &other(9, "annа")))
            .and(import(&after, &other(9, "ɑnna")));
        assert!(alike.is_err());
    }
}
