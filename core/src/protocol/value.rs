//! The values that stand in fields, with the refusal of each that is none.

use crate::model::share_path::SharePath;
use crate::model::username::Username;
use crate::protocol::code::{Code, Refusal};

/// A text that is no number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a number is written in digits, from 0 to 18446744073709551615")]
pub struct BadNumber;

/// Reads a username.
pub(super) fn username(text: &str) -> Result<Username, Refusal> {
    Username::new(text).map_err(|why| Refusal::new(Code::BadName, why))
}

/// Reads a share path. A person's keyboard may produce the decomposed form; the catalog holds the composed one.
pub(super) fn path(text: &str) -> Result<SharePath, Refusal> {
    SharePath::normalized(text).map_err(|why| Refusal::new(Code::BadPath, why))
}

/// Reads a decimal number in its one spelling: digits, no sign, no leading zero.
pub(super) fn number(text: &str) -> Result<u64, Refusal> {
    let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let one_spelling = digits && (text == "0" || !text.starts_with('0'));
    let value = if one_spelling { text.parse().ok() } else { None };
    value.ok_or_else(|| Refusal::new(Code::Usage, BadNumber))
}
