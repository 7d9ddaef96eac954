//! Who may register a name on a tracker for the first time.

use std::fmt;

use serde::de::{Error, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::model::key::PublicKey;

/// Who is let in. Whoever owns a name is in already; so are the tracker's owners.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum JoinRule {
    /// Anybody who comes.
    #[default]
    Open,
    /// Who shows the token of an invite.
    Invite,
    /// The same, and whom an owner lets in.
    Approval,
    /// These keys, which stand in place of the word, and those of a setting of their own; nobody else, whoever owns a name.
    List(Vec<PublicKey>),
}

/// Most keys of a list.
const KEYS_MAX: usize = 100_000;

impl JoinRule {
    /// The word of the configuration.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Invite => "invite",
            Self::Approval => "approval",
            Self::List(_) => "list",
        }
    }
}

impl Serialize for JoinRule {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::List(keys) if !keys.is_empty() => keys.serialize(serializer),
            rule => serializer.serialize_str(rule.word()),
        }
    }
}

impl<'de> Deserialize<'de> for JoinRule {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(WordOrKeys)
    }
}

struct WordOrKeys;

impl<'de> Visitor<'de> for WordOrKeys {
    type Value = JoinRule;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("\"open\", \"invite\", \"approval\", \"list\", or a list of keys")
    }

    fn visit_str<E: Error>(self, word: &str) -> Result<JoinRule, E> {
        let rules = [JoinRule::Open, JoinRule::Invite, JoinRule::Approval, JoinRule::List(Vec::new())];
        rules
            .into_iter()
            .find(|rule| rule.word() == word)
            .ok_or_else(|| E::invalid_value(serde::de::Unexpected::Str(word), &self))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<JoinRule, A::Error> {
        let mut keys = Vec::new();
        while let Some(key) = list.next_element()? {
            if keys.len() == KEYS_MAX {
                return Err(A::Error::custom(format_args!("a list has at most {KEYS_MAX} keys")));
            }
            keys.push(key);
        }
        Ok(JoinRule::List(keys))
    }
}
