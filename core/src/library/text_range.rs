//! What lies below a folder is one range of the texts in order.

/// The range of the texts that begin with a folder and a separator.
pub(super) fn below(folder: &str, separator: char) -> (String, String) {
    let next = char::from_u32(u32::from(separator) + 1).expect("both separators are followed by a character");
    (format!("{folder}{separator}"), format!("{folder}{next}"))
}
