//! Every sentence a person reads, in their language: `assets/translations/<language>.yml`.
//!
//! A sentence that stands in the code is a `t!` with its name; one whose name is computed (a failure, a help text, a
//! setting) goes through the functions here. Records and codes for programs are never translated.

use potok_core::model::invite::BadInvite;
use potok_core::model::shown::Shown;
use potok_core::model::transfer::TransferError;
use potok_core::node::NodeStartError;
use potok_core::node::failure::Failure;
use potok_core::node::warning::Warning;
use potok_core::tracker::log::LogEntry;

use rust_i18n::t;

/// The languages there are.
pub const LANGUAGES: &[&str] = &["en", "bg"];

// Makes the compiler notice a changed file; the translations themselves are read by `rust_i18n::i18n!`.
const _: [&str; 2] =
    [include_str!("../../assets/translations/en.yml"), include_str!("../../assets/translations/bg.yml")];

/// Uses this language from now on; empty or unknown: the system's, or English.
pub fn use_language(chosen: &str) {
    let known = |language: &str| {
        let language = language.split(['-', '_', '.']).next().unwrap_or_default();
        LANGUAGES.iter().copied().find(|known| known.eq_ignore_ascii_case(language))
    };
    let language = known(chosen).or_else(|| sys_locale::get_locales().find_map(|locale| known(&locale)));
    rust_i18n::set_locale(language.unwrap_or("en"));
}

/// A sentence whose name is computed. A name that is in no file comes out as itself.
pub fn text(family: &str, name: &str, args: &[(&str, String)]) -> String {
    try_text(&rust_i18n::locale(), family, name, args).unwrap_or_else(|| name.to_owned())
}

/// The sentence of this name in this language, if there is one.
pub(crate) fn try_text(language: &str, family: &str, name: &str, args: &[(&str, String)]) -> Option<String> {
    let text = crate::_rust_i18n_try_translate(language, format!("{family}.{name}"))?;
    let names: Vec<&str> = args.iter().map(|(name, _)| *name).collect();
    let values: Vec<String> = args.iter().map(|(_, value)| value.clone()).collect();
    Some(rust_i18n::replace_patterns(&text, &names, &values))
}

/// Why something that was asked for did not happen.
pub fn of_failure(failure: &Failure) -> String {
    in_language(&rust_i18n::locale(), failure)
}

/// Why something that was asked for did not happen, in this language.
pub(crate) fn in_language(language: &str, failure: &Failure) -> String {
    let mut args = failure.args();
    if let Failure::NotComing { path, error } = failure {
        let why = try_text(language, "transfer-error", error.key(), &error.args());
        args = vec![("path", Shown(path).to_string()), ("why", why.unwrap_or_else(|| error.to_string()))];
    }
    let of_code = match failure {
        Failure::Refused { code, .. } => try_text(language, "refused", code.as_str(), &args),
        _ => None,
    };
    of_code.or_else(|| try_text(language, "failure", failure.key(), &args)).unwrap_or_else(|| failure.to_string())
}

/// Why a transfer, or a file of it, does not come to its end.
pub fn of_transfer_error(error: &TransferError) -> String {
    text("transfer-error", error.key(), &error.args())
}

/// Something that a person should read although nobody asked.
pub fn of_warning(warning: &Warning) -> String {
    let mut args = warning.args();
    if let Warning::NotAnnounced { why } = warning {
        args = vec![("why", of_failure(why))];
    }
    text("warning", warning.key(), &args)
}

/// What happened at the embedded tracker.
pub fn of_log_entry(entry: &LogEntry) -> String {
    text("tracker-log", entry.key(), &entry.args())
}

/// Why a text is no address of a tracker.
pub fn of_bad_invite(why: BadInvite) -> String {
    match why {
        BadInvite::Host => t!("window.bad-invite.host"),
        BadInvite::Port => t!("window.bad-invite.port"),
        BadInvite::Link => t!("window.bad-invite.link"),
    }
    .into_owned()
}

/// Why the engine did not start, with its code.
pub fn of_start_error(error: &NodeStartError) -> (&'static str, String) {
    match error {
        NodeStartError::InUse(folder) => {
            ("in-use", text("start", "in-use", &[("folder", Shown(&folder.to_string_lossy()).to_string())]))
        }
        NodeStartError::Failed(why) => ("setting", of_failure(why)),
        NodeStartError::System { what, why } => {
            let args = [("what", Shown(what).to_string()), ("why", Shown(why).to_string())];
            ("internal", text("start", "system", &args))
        }
    }
}

/// `1.5` or `1,5`.
pub fn decimal_sign(number: String) -> String {
    if &*rust_i18n::locale() == "bg" { number.replace('.', ",") } else { number }
}
