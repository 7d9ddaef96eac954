//! How the words of a script are read, and compared with what was received.

use std::collections::BTreeMap;

use potok_core::model::join_rule::JoinRule;
use potok_core::model::key::PublicKey;

/// A key that stands for a name in the scripts.
pub(crate) fn key_of(owner: &str) -> PublicKey {
    let mut bytes = [0; 32];
    bytes.iter_mut().zip(owner.bytes().cycle()).for_each(|(to, from)| *to = from);
    PublicKey::from_bytes(bytes)
}

pub(crate) fn take_key(text: &str) -> Option<(&str, &str, &str)> {
    let (before, rest) = text.split_once("{key:")?;
    let (owner, after) = rest.split_once('}')?;
    Some((before, owner, after))
}

/// Word by word: `{*}` is any word, `{name}` any the first time and the same ever after; `{**}` is the rest.
pub(crate) fn fits(pattern: &str, line: &str, words: &mut BTreeMap<String, String>) -> bool {
    let (mut expected, mut received) = (pattern.split(' '), line.split(' '));
    loop {
        match (expected.next(), received.next()) {
            (None, None) => return true,
            (Some("{**}"), _) => return true,
            (Some(pattern), Some(word)) if word_fits(pattern, word, words) => {}
            _ => return false,
        }
    }
}

fn word_fits(pattern: &str, word: &str, words: &mut BTreeMap<String, String>) -> bool {
    if let Some((before, owner, after)) = take_key(pattern) {
        return word == format!("{before}{}{after}", key_of(owner));
    }
    let Some((before, name)) = pattern.strip_suffix('}').and_then(|p| p.split_once('{')) else {
        return pattern == word;
    };
    let Some(value) = word.strip_prefix(before) else { return false };
    name == "*" || words.entry(name.to_owned()).or_insert_with(|| value.to_owned()) == value
}

pub(crate) fn unescape(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find("\\x") {
        bytes.extend_from_slice(&rest.as_bytes()[..at]);
        bytes.push(u8::from_str_radix(&rest[at + 2..at + 4], 16).expect("\\xNN"));
        rest = &rest[at + 4..];
    }
    bytes.extend_from_slice(rest.as_bytes());
    bytes
}

/// A word, or the names of keys.
pub(crate) fn join_rule(text: &str) -> Result<JoinRule, String> {
    let rules = [JoinRule::Open, JoinRule::Invite, JoinRule::Approval, JoinRule::List(Vec::new())];
    let keys = || text.strip_prefix("keys:").map(|names| JoinRule::List(names.split(',').map(key_of).collect()));
    rules.into_iter().find(|rule| rule.word() == text).or_else(keys).ok_or_else(|| "a rule".to_owned())
}
