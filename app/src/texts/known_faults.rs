//! What a tracker of Potok says of words that it does not understand: each is the English sentence of an error that we
//! know, and is said in the person's language. Our own tracker, and what is typed for an owner, say the same.

use potok_core::model::ban_terms::{BadPrefix, BadRemark};
use potok_core::model::binding::{BadBanQuery, BadBanTarget};
use potok_core::model::limits;
use potok_core::model::share_path::BadSharePath;
use potok_core::model::username::BadUsername;
use potok_core::protocol::command::owner::BadSpan;
use potok_core::protocol::field::BadFields;
use potok_core::protocol::line::Fault;
use potok_core::protocol::value::BadNumber;
use potok_core::tracker::setting_fault::SettingFault;

use crate::texts::{bad_setting, bad_share_path, bad_username, try_text};

/// Keys of the texts below `bad-word`.
#[cfg(test)]
pub(crate) const BAD_WORDS: &[&str] =
    &["remark-length", "remark-control", "span", "prefix", "prefix-too-wide", "ban-target", "ban-query", "number"];

/// The fault that somebody told like this, if it is one of these. In English it stays as it was told.
pub(super) fn of(language: &str, text: &str) -> Option<String> {
    if language == "en" {
        return None;
    }
    let word = |key, args: &[_]| try_text(language, "bad-word", key, args);
    if let Some(why) = all_bad_usernames().into_iter().find(|why| why.to_string() == text) {
        return Some(bad_username(language, why));
    }
    if let Some(why) = all_bad_share_paths().into_iter().find(|why| why.to_string() == text) {
        return Some(bad_share_path(language, why));
    }
    if let Some((_, key)) = grammar().into_iter().find(|(why, _)| why.to_string() == text) {
        return try_text(language, "grammar", key, &[("max", limits::ITEMS_PER_LINE_MAX.to_string())]);
    }
    if let Some(why) = Fault::ALL.into_iter().find(|why| why.to_string() == text) {
        return try_text(language, "line-fault", why.key(), &[("max", limits::LINE_BYTES_MAX.to_string())]);
    }
    if let Some((key, max)) = words().into_iter().find_map(|(said, key, max)| (said == text).then_some((key, max))) {
        return word(key, &[("max", max.to_string())]);
    }
    let (setting, what) = text.split_once(": ")?;
    let what = SettingFault::ALL.into_iter().find(|fault| fault.to_string() == what)?;
    let is_name = setting.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
    is_name.then(|| bad_setting(language, setting, what))
}

fn all_bad_usernames() -> [BadUsername; 4] {
    [BadUsername::Length, BadUsername::First, BadUsername::Character, BadUsername::MixedScripts]
}

fn all_bad_share_paths() -> [BadSharePath; 6] {
    use BadSharePath as Why;
    [Why::Empty, Why::Length, Why::Dots, Why::Drive, Why::Character, Why::NotNfc]
}

fn grammar() -> [(BadFields, &'static str); 6] {
    [
        (BadFields::Unclosed, "unclosed"),
        (BadFields::Escape, "escape"),
        (BadFields::Quote, "quote"),
        (BadFields::EmptyItem, "empty-item"),
        (BadFields::Attribute, "attribute"),
        (BadFields::TooMany, "too-many"),
    ]
}

/// Each as it is told, with its key and the number in it.
fn words() -> [(String, &'static str, usize); 8] {
    [
        (BadRemark::Length.to_string(), "remark-length", limits::GREETING_LINE_BYTES_MAX),
        (BadRemark::Control.to_string(), "remark-control", 0),
        (BadSpan.to_string(), "span", 0),
        (BadPrefix::Form.to_string(), "prefix", 0),
        (BadPrefix::TooWide.to_string(), "prefix-too-wide", 0),
        (BadBanTarget::Form.to_string(), "ban-target", 0),
        (BadBanQuery.to_string(), "ban-query", 0),
        (BadNumber.to_string(), "number", 0),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fault_that_a_tracker_tells_is_known_again() {
        let names = all_bad_usernames().map(|why| why.to_string());
        let paths = all_bad_share_paths().map(|why| why.to_string());
        let fields = grammar().map(|(why, _)| why.to_string());
        let lines = Fault::ALL.map(|why| why.to_string());
        let settings = SettingFault::ALL.map(|why| format!("network_name: {why}"));
        let words = words().map(|(said, ..)| said);
        for told in names.iter().chain(&paths).chain(&fields).chain(&lines).chain(&settings).chain(&words) {
            let said = of("bg", told).expect(told);
            assert!(said != *told && !said.contains("%{"), "{said}");
            assert_eq!(of("en", told), None);
        }
        for stranger in
            ["", "a: b", "network_name: x", "a username has 1 to 33 characters", "x expected a number of at least 1"]
        {
            assert_eq!(of("bg", stranger), None, "{stranger}");
        }
    }
}
